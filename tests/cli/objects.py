"""Objects as the operator wrote them, from the worlds in which its own tests happen."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from springtide.api.drift_monitor import PerformanceWindow
from springtide.api.retrain_policy import RetrainPolicySpec, RetrainPolicyStatus
from springtide.api.retrain_run import RetrainRunSpec, RetrainRunStatus
from springtide.cli.kinds.view import Namespace

from tests.core.dataset.world import World as DatasetWorld
from tests.core.dataset.world import a_dataset
from tests.core.drift_monitor.world import World as MonitorWorld
from tests.core.drift_monitor.world import digest, over_service
from tests.core.model_service.world import World as ServiceWorld
from tests.core.model_service.world import a_service

Manifest = dict[str, Any]
NOW_OF_WORLDS = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def served(version: str = "1") -> ServiceWorld:
    """A ModelService whose version serves."""
    return a_service().serve(version)


def snapshotted() -> DatasetWorld:
    """A Dataset with one snapshot."""
    return a_dataset().publish("a")


def objects_of(world: DatasetWorld | ServiceWorld | MonitorWorld, kind: str) -> tuple[Manifest, ...]:
    """All objects of a kind in a world."""
    return tuple(world.server.all(kind))


def a_monitor(verdict: str = "Drifted", *, performance: tuple[Manifest, ...] = (), **report: Any) -> Manifest:
    """A DriftMonitor of a service whose newest window of three was found so."""
    world = over_service()
    world.find(days=(18, 19))
    world.now += timedelta(seconds=60)
    world.settle().find(verdict, days=(20,), reportDigest=digest("e"), **report)
    (monitor,) = objects_of(world, "DriftMonitor")
    windows = [PerformanceWindow.model_validate(window).to_wire() for window in performance]
    return monitor | {"status": monitor["status"] | {"performance": windows}}


def a_performance(outcome: str = "Dropped", *, auc: float = 0.7) -> Manifest:
    """How the model that serves did on a day."""
    numbers = {"auc": auc, "low": auc - 0.02, "high": auc + 0.02, "promised": 0.93}
    days = {"start": "2026-11-20T00:00:00Z", "end": "2026-11-21T00:00:00Z"}
    return {"model": digest("1"), "rows": 1000, "labelled": 600, "outcome": outcome} | days | numbers


def a_policy(status: Manifest | None = None, **spec: Any) -> Manifest:
    """A RetrainPolicy whose champion is version 1; its last run promoted nothing."""
    template = {
        "model": {"name": "pd-12m"},
        "data": {"datasetRef": {"name": "applications"}, "split": {"type": "Time", "column": "applied_at"}},
        "recipe": {"name": "gbdt"},
        "target": {"column": "defaulted"},
    }
    triggers = {
        "schedule": "0 3 * * 0",
        "drift": {"monitorRef": {"name": "income"}, "windows": 2, "of": 3},
        "performance": {"monitorRef": {"name": "income"}},
        "newRows": {"datasetRef": {"name": "applications"}, "min": 500},
    }
    gates = [
        {"name": "better", "metric": "AUC", "versusChampion": {"minDelta": 0.0}},
        {"name": "fair", "metric": "AdverseImpactRatio", "slices": ["sex"], "min": 0.8},
    ]
    champion = files("1") | {"since": "2026-11-20T12:00:00Z", "run": "pd-1"}
    history = [past(2, "Rejected", "better: +0.001 (-0.004 to +0.006) is not above 0 for certain"), past(1, "Promoted")]
    state = {"champion": champion, "history": history, "runs": 2, "rejections": 1, "nextTime": "2026-11-29T03:00:00Z"}
    state |= {"seenUntil": "2026-11-19T00:00:00Z", "seenRows": 800, "observedGeneration": 1}
    state |= {"conditions": [ready("True", "Watching", "no trigger")]}
    return {
        "apiVersion": "springtide.dev/v1alpha1",
        "kind": "RetrainPolicy",
        "metadata": metadata("pd"),
        "spec": RetrainPolicySpec.model_validate(
            {"template": template, "triggers": triggers, "gates": gates} | spec
        ).to_wire(),
        "status": RetrainPolicyStatus.model_validate(state | (status or {})).to_wire(),
    }


def a_retrain_run(phase: str = "Promoted", *, number: int = 1, version: str = "1", **status: Any) -> Manifest:
    """A RetrainRun of the policy that came so far: the first began on the 20th, an hour for each phase."""
    reached = [*PHASES[: PHASES.index(phase)], phase] if phase in PHASES else ["Training", "Judging", phase]
    times = [f"2026-11-{19 + number}T{10 + hour:02}:00:00Z" for hour in range(len(reached))]
    trigger = {"type": "Drift", "time": "2026-11-20T09:59:00Z", "message": "2 of the newest 3 windows drifted"}
    state: Manifest = {
        "observedGeneration": 1,
        "conditions": [ready("True" if phase == "Promoted" else "False", phase, f"it is {phase.lower()}")],
        "phase": phase,
        "policyUid": "1",
        "phases": [{"phase": name, "time": time} for name, time in zip(reached, times, strict=True)],
        "trainingRun": f"pd-{number}",
        "dataset": {"name": "applications", "digest": digest("a"), "uri": "s3://artifacts/snapshot"},
        "challenger": files(version),
    }
    if version != "1":
        state["champion"] = files("1") | {"since": "2026-11-19T12:00:00Z", "run": "pd-1"}
    if phase not in ("Pending", "Training", "Judging"):
        state["verdict"] = a_verdict("Failed" if phase == "Rejected" else "Passed")
    if phase in ("RollingOut", "Watching", "Promoted", "RolledBack"):
        state["promotedTime"] = times[-1]
    if phase in ("Promoted", "Rejected", "RolledBack", "Failed", "Inconclusive", "DryRun"):
        state |= {"completionTime": times[-1], "outcomeMessage": f"version {version} was {phase.lower()}"}
    return {
        "apiVersion": "springtide.dev/v1alpha1",
        "kind": "RetrainRun",
        "metadata": metadata(f"pd-{number}"),
        "spec": RetrainRunSpec.model_validate({"policyRef": {"name": "pd"}, "trigger": trigger}).to_wire(),
        "status": RetrainRunStatus.model_validate(state | status).to_wire(),
    }


PHASES = ("Training", "Judging", "AwaitingApproval", "RollingOut", "Watching", "Promoted")


def a_verdict(outcome: str = "Passed") -> Manifest:
    """What a challenger showed at two gates; the first one decides."""
    low = -0.004 if outcome != "Passed" else 0.004
    better = {"name": "better", "outcome": outcome, "value": 0.931, "champion": 0.921, "low": low, "high": 0.016}
    better |= {"message": f"AUC is better by 0.0100 ({low:.4f} to 0.0160)"}
    fair = {"name": "fair", "outcome": "Passed", "value": 0.91, "low": 0.86, "high": 0.95, "slice": "sex=female"}
    evidence = {"uri": "s3://artifacts/springtide/evidence/team.pd/r", "digest": digest("d")}
    return {"outcome": outcome, "rows": 2000, "gates": [better, fair], "evidence": evidence}


def files(version: str) -> Manifest:
    """A registered version."""
    return {"version": version, "digest": digest(version), "uri": f"s3://artifacts/springtide/models/{version}"}


def past(number: int, outcome: str, message: str = "") -> Manifest:
    """An entry of a policy's history: the run of a day in November that took an hour."""
    times = {"startTime": f"2026-11-{19 + number}T10:00:00Z", "time": f"2026-11-{19 + number}T11:00:00Z"}
    words = {"trigger": "Drift", "outcome": outcome, "message": message}
    return {"name": f"pd-{number}", "number": number, "version": str(number)} | times | words


def metadata(name: str) -> Manifest:
    """Of an object of the namespace, seen by the operator."""
    return {"name": name, "namespace": "team", "creationTimestamp": "2026-11-20T09:59:00Z", "generation": 1}


def ready(status: str, reason: str, message: str) -> Manifest:
    """The condition Ready."""
    known = {"status": status, "reason": reason, "message": message, "lastTransitionTime": "2026-11-22T11:00:00Z"}
    return {"type": "Ready"} | known


def a_namespace(objects: Iterable[Manifest]) -> Namespace:
    """A namespace with these objects."""
    by_kind: dict[str, tuple[Manifest, ...]] = {"Dataset": (), "ModelService": (), "TrainingRun": ()}
    for item in objects:
        by_kind[item["kind"]] = (*by_kind.get(item["kind"], ()), item)
    return Namespace("team", by_kind)


def a_run(*, digest: str, snapshot: str = "", dataset: str = "applications") -> Manifest:
    """A TrainingRun that made a model of this digest."""
    pinned = {"name": dataset, "digest": snapshot, "uri": "s3://artifacts/snapshot"}
    status = {"model": {"name": "team.pd-12m", "version": "1", "digest": digest}, "metrics": {"auc": 0.93}}
    return {
        "kind": "TrainingRun",
        "metadata": {"name": "churn", "creationTimestamp": "2026-11-23T12:00:00Z"},
        "spec": {"model": {"name": "pd-12m"}, "data": {"datasetRef": {"name": dataset}}, "recipe": {"name": "gbdt"}},
        "status": status | ({"dataset": pinned} if snapshot else {}),
    }

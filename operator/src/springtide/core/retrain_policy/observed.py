"""What is: a RetrainPolicy, its runs, and what it refers to. Nothing here decides."""

from dataclasses import dataclass, replace
from datetime import datetime

from springtide.api.constants import ANNOTATION_RELEASE, ANNOTATION_RETRAIN
from springtide.api.dataset import DatasetStatus
from springtide.api.drift_monitor import DriftMonitorStatus
from springtide.api.model_service import ModelServiceStatus
from springtide.api.retrain_policy import CurrentRun, RetrainPolicySpec, RetrainPolicyStatus, Trigger
from springtide.api.retrain_run import RetrainRunSpec, RetrainRunStatus
from springtide.core.annotations import annotation
from springtide.core.decision import Manifest
from springtide.core.following import followed_policy
from springtide.core.kind import Observed, Reference
from springtide.core.spec import parse
from springtide.core.workload_state import owner_uid


@dataclass(frozen=True)
class Run:
    """A RetrainRun that names the policy. owner: uid of its controller; empty: a person made it."""

    name: str
    uid: str
    owner: str
    created: datetime
    deleting: bool
    trigger: Trigger | None
    status: RetrainRunStatus

    @property
    def has_ended(self) -> bool:
        """Whether it has, for good or ill."""
        return self.status.completion_time is not None


@dataclass(frozen=True)
class Service:
    """A ModelService. model: the registered model. follows: the RetrainPolicy that says its version, if one does."""

    model: str
    follows: str | None
    status: ModelServiceStatus


@dataclass(frozen=True)
class ObservedPolicy:
    """Everything that a decision about a RetrainPolicy may depend on, but for the time.

    asked: value of the annotation by which a person asks for a run. released: of that which ends a quarantine.
    spec: None where it does not parse; `spec_problem` then says why.
    runs: by name. datasets, monitors, services: those that it names, as far as they are there.
    """

    name: str
    namespace: str
    uid: str
    generation: int
    created: datetime
    deleting: bool
    asked: str | None
    released: str | None
    spec: RetrainPolicySpec | None
    spec_problem: str
    status: RetrainPolicyStatus
    runs: dict[str, Run]
    datasets: dict[str, DatasetStatus]
    monitors: dict[str, DriftMonitorStatus]
    services: dict[str, Service]

    def with_status(self, status: RetrainPolicyStatus) -> "ObservedPolicy":
        """The same policy with another status."""
        return replace(self, status=status)

    @property
    def following(self) -> RetrainPolicySpec:
        """The spec, asked for only where it parses."""
        assert self.spec is not None, "a spec that does not parse is told of before"
        return self.spec

    @property
    def service(self) -> Service | None:
        """The ModelService of `spec.serviceRef`, if it is there."""
        ref = self.following.service_ref
        return self.services.get(ref.name) if ref else None

    def run(self, current: CurrentRun) -> Run | None:
        """The run of an intent, and no namesake that came after it."""
        found = self.runs.get(current.name)
        return found if found and current.uid in (None, found.uid) else None

    @property
    def named_monitors(self) -> tuple[str, ...]:
        """Names of the DriftMonitors that the spec speaks of, each once."""
        triggers = self.following.triggers
        watchers = (triggers.drift, triggers.performance, self.following.watch)
        refs = (watcher.monitor_ref for watcher in watchers if watcher)
        return tuple(dict.fromkeys(ref.name for ref in refs if ref))


def observe(observed: Observed) -> ObservedPolicy:
    """What the Store holds. A spec that does not parse is told of, not raised."""
    metadata = observed.parent["metadata"]
    spec, problem = parse(RetrainPolicySpec, observed.parent.get("spec", {}))
    there = {(item["kind"], item["metadata"]["name"]): item for item in observed.references}
    runs = (_run(item) for item in observed.referrers if item["kind"] == "RetrainRun")
    return ObservedPolicy(
        name=metadata["name"],
        namespace=metadata["namespace"],
        uid=metadata["uid"],
        generation=metadata["generation"],
        created=datetime.fromisoformat(metadata["creationTimestamp"]),
        deleting="deletionTimestamp" in metadata,
        asked=annotation(observed.parent, ANNOTATION_RETRAIN),
        released=annotation(observed.parent, ANNOTATION_RELEASE),
        spec=spec,
        spec_problem=problem,
        status=RetrainPolicyStatus.model_validate(observed.parent.get("status", {})),
        runs={run.name: run for run in runs},
        datasets={
            name: DatasetStatus.model_validate(item.get("status", {}))
            for (kind, name), item in there.items()
            if kind == "Dataset"
        },
        monitors={
            name: DriftMonitorStatus.model_validate(item.get("status", {}))
            for (kind, name), item in there.items()
            if kind == "DriftMonitor"
        },
        services={name: _service(item) for (kind, name), item in there.items() if kind == "ModelService"},
    )


def _run(manifest: Manifest) -> Run:
    metadata = manifest["metadata"]
    spec, _ = parse(RetrainRunSpec, manifest.get("spec", {}))
    return Run(
        name=metadata["name"],
        uid=metadata["uid"],
        owner=owner_uid(manifest),
        created=datetime.fromisoformat(metadata["creationTimestamp"]),
        deleting="deletionTimestamp" in metadata,
        trigger=spec.trigger if spec else None,
        status=RetrainRunStatus.model_validate(manifest.get("status", {})),
    )


def _service(manifest: Manifest) -> Service:
    return Service(
        model=str((manifest.get("spec", {}).get("model") or {}).get("name", "")),
        follows=followed_policy(manifest),
        status=ModelServiceStatus.model_validate(manifest.get("status", {})),
    )


def references(manifest: Manifest) -> tuple[Reference, ...]:
    """What a policy speaks of: data, monitors, the service, and the run that is under way: it may be deleted."""
    spec, current = manifest.get("spec", {}), manifest.get("status", {}).get("currentRun")
    triggers = spec.get("triggers") or {}
    named = (
        ("Dataset", ((spec.get("template") or {}).get("data") or {}).get("datasetRef")),
        ("Dataset", (triggers.get("newRows") or {}).get("datasetRef")),
        ("DriftMonitor", (triggers.get("drift") or {}).get("monitorRef")),
        ("DriftMonitor", (triggers.get("performance") or {}).get("monitorRef")),
        ("DriftMonitor", (spec.get("watch") or {}).get("monitorRef")),
        ("ModelService", spec.get("serviceRef")),
        ("RetrainRun", current),
    )
    found = (Reference(kind, ref["name"]) for kind, ref in named if ref and ref.get("name"))
    return tuple(dict.fromkeys(found))

"""A DriftMonitor in its namespace, and what it refers to: what the tests of this folder speak with."""

import json
from datetime import timedelta
from typing import Any

from springtide.cluster.store import Key

from tests.core import controllers, world
from tests.core.api_server import Manifest, stamp

NAME = "income"
KEY = Key("DriftMonitor", "team", NAME)
OVER_DATASET = {"target": {"datasetRef": {"name": "people"}}, "baseline": {"trainingRunRef": {"name": "churn"}}}
OVER_SERVICE = {"target": {"modelServiceRef": {"name": "pd"}}}
LABELLED = OVER_SERVICE | {"labels": {"datasetRef": {"name": "outcomes"}, "column": "defaulted"}}
JUDGED = {"status": "Succeeded", "reason": "Judged"}


def digest(letter: str) -> str:
    """A digest that is easy to read."""
    return "sha256:" + letter * 64


class World(world.World):
    """One DriftMonitor in one namespace."""

    key = KEY

    # The DriftMonitor as people see it.

    @property
    def status(self) -> Manifest:
        """Its status."""
        status: Manifest = self.server.get("DriftMonitor", NAME).get("status", {})
        return status

    @property
    def looks(self) -> list[str]:
        """What follows `income-look-` in the names of its Jobs, the oldest first."""
        return [name.removeprefix(f"{NAME}-look-") for name in self.jobs if name.startswith(f"{NAME}-look-")]

    @property
    def look(self) -> Manifest:
        """What the newest Job was told to do."""
        return self.task(f"{NAME}-look-{self.looks[-1]}")

    def message(self, kind: str = "Ready") -> str:
        """Message of a condition."""
        return str(self.condition(kind)["message"])

    # What people do.

    def create(self, **spec: Any) -> "World":
        """The user creates the DriftMonitor."""
        manifest = {"apiVersion": "springtide.dev/v1alpha1", "kind": "DriftMonitor", "metadata": {"name": NAME}}
        self.server.create(manifest | {"spec": spec})
        return self.settle()

    def edit(self, **spec: Any) -> "World":
        """The user changes the spec; None removes a field."""

        def change(manifest: Manifest) -> None:
            manifest["spec"] = {name: value for name, value in (manifest["spec"] | spec).items() if value is not None}

        self.server.update("DriftMonitor", NAME, change)
        return self.settle()

    def ask(self, value: str) -> "World":
        """The user annotates the DriftMonitor."""
        note = {"springtide.dev/check": value}
        self.server.update("DriftMonitor", NAME, lambda it: it["metadata"].update(annotations=note))
        return self.settle()

    # What becomes of what it refers to.

    def publish(self, *letters: str, event_time: str | None = None) -> "World":
        """The Dataset has these snapshots now, the newest first; it is made if it is not there."""
        snapshots = [
            {
                "digest": digest(letter),
                "uri": f"s3://lake/{letter}",
                "rows": 10,
                "bytes": 10,
                "createdTime": stamp(self.now),
            }
            for letter in letters
        ]
        if ("Dataset", "people") not in self.server.objects:
            spec = {"source": {"uri": "s3://lake/p"}, "suspend": True}
            self._make("Dataset", "people", spec | ({"eventTimeColumn": event_time} if event_time else {}))
        kept = {"latest": snapshots[0], "snapshots": snapshots} if snapshots else {}
        self.server.update("Dataset", "people", lambda it: it.setdefault("status", {}).update(kept))
        return self.settle()

    def train(self, letter: str, *, dataset: str = "") -> "World":
        """The TrainingRun has succeeded with a model. dataset: whose snapshot `7` it was trained on."""
        model = {"name": "team.churn", "version": "1", "digest": digest(letter), "uri": f"s3://models/{letter}"}
        done = {"type": "Succeeded", "status": "True", "reason": "Succeeded", "lastTransitionTime": stamp(self.now)}
        spec = {"model": {"name": "churn"}, "data": {"source": {"uri": "s3://lake/p"}}, "suspend": True}
        spec |= {"recipe": {"name": "gbdt"}, "target": {"column": "y"}}
        self._make("TrainingRun", "churn", spec)
        ended = {"model": model, "completionTime": stamp(self.now), "conditions": [done]}
        ended |= {"dataset": {"name": dataset, "digest": digest("7"), "uri": "s3://lake/7"}} if dataset else {}
        self.server.update("TrainingRun", "churn", lambda it: it.update(status=ended))
        return self.settle()

    def serve(self, letter: str) -> "World":
        """The ModelService serves this model."""
        if ("ModelService", "pd") not in self.server.objects:
            self._make(
                "ModelService", "pd", {"model": {"name": "pd", "version": "1"}, "suspend": True, "inferenceLog": {}}
            )
        stable = {"version": "1", "digest": digest(letter), "uri": f"s3://models/{letter}"}
        self.server.update("ModelService", "pd", lambda it: it.setdefault("status", {}).update(stable=stable))
        return self.settle()

    def label(self, *letters: str) -> "World":
        """The Dataset with the labels has these snapshots now, the newest first; it is made if it is not there."""
        snapshots = [
            {"digest": digest(it), "uri": f"s3://lake/{it}", "rows": 9, "bytes": 9, "createdTime": stamp(self.now)}
            for it in letters
        ]
        if ("Dataset", "outcomes") not in self.server.objects:
            self._make("Dataset", "outcomes", {"source": {"uri": "s3://lake/o"}, "suspend": True})
        kept = {"latest": snapshots[0], "snapshots": snapshots} if snapshots else {}
        self.server.update("Dataset", "outcomes", lambda it: it.setdefault("status", {}).update(kept))
        return self.settle()

    def _make(self, kind: str, name: str, spec: Manifest) -> None:
        self.server.create(
            {"apiVersion": "springtide.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        )

    # What the Job does.

    def end(self, result: Manifest | None = None, *, exit_code: int = 0, reason: str = "") -> "World":
        """The container of the look that is under way starts, and ends so."""
        (pod,) = (name for name in self.waiting_pods if name.startswith(f"{NAME}-look-"))
        controllers.start_container(self.server, pod, now=self.now)
        self.settle()
        self.now += timedelta(seconds=5)
        message = json.dumps(result) if result else ""
        controllers.end_container(self.server, pod, now=self.now, exit_code=exit_code, reason=reason, message=message)
        return self.settle()

    def find(self, verdict: str = "Stable", *, days: tuple[int, ...] = (), rows: int = 1000, **more: Any) -> "World":
        """The look judges: the windows of these days of November, or, without them, the whole snapshot."""
        windows = [a_window(verdict, day=day, rows=rows) for day in days] or [a_window(verdict, rows=rows)]
        report = windows[-1] | {"columns": 7, "reportUri": "s3://artifacts/springtide/drift/team.income/r"} | more
        return self.end(JUDGED | {"window": report, "windows": windows})

    def measure(
        self, *windows: Manifest, outcome: str = "Measured", message: str = "", complete: bool = True
    ) -> "World":
        """No window has closed, but there are labels."""
        told = {"labels": digest("0"), "outcome": outcome, "message": message, "complete": complete}
        return self.end(JUDGED | {"measurement": told, "performance": list(windows)})

    def find_nothing(self) -> "World":
        """No window has closed since the last one."""
        return self.end(JUDGED | {"message": "no window has closed since the last look"})

    def fail(self, reason: str, *, message: str = "it is broken", retryable: bool = False) -> "World":
        """The look could not judge."""
        result = {"status": "Failed", "reason": reason, "message": message, "retryable": retryable}
        return self.end(result, exit_code=75 if retryable else 64, reason="Error")


def a_window(verdict: str = "Stable", *, day: int | None = None, rows: int = 1000) -> Manifest:
    """A window in short."""
    times = {"start": f"2026-11-{day:02}T00:00:00Z", "end": f"2026-11-{day + 1:02}T00:00:00Z"} if day else {}
    is_bad = verdict in ("Drifted", "DataBroken")
    return times | {"rows": rows, "verdict": verdict, "driftedColumns": 3 if is_bad else 0, "maxPsi": 0.4}


def performance(outcome: str, *, day: int, model: str = "b", labelled: int = 900) -> Manifest:
    """How a model did on a day of November."""
    times = {"start": f"2026-11-{day:02}T00:00:00Z", "end": f"2026-11-{day + 1:02}T00:00:00Z"}
    numbers = {"rows": 1000, "labelled": labelled, "auc": 0.7, "low": 0.68, "high": 0.72, "promised": 0.75}
    return times | numbers | {"model": digest(model), "outcome": outcome, "message": f"{labelled} labels"}


def over_dataset(event_time: str | None = None, **spec: Any) -> World:
    """A monitor over a Dataset with a snapshot, and a model that was trained: its first look waits to start."""
    return World().publish("a", event_time=event_time).train("b").create(**OVER_DATASET | spec)


def over_service(**spec: Any) -> World:
    """A monitor over a ModelService that serves: its first look waits to start."""
    return World().serve("b").create(**OVER_SERVICE | spec)


def with_labels(**spec: Any) -> World:
    """The same with labels of the requests."""
    return World().serve("b").label("e").create(**LABELLED | spec)

"""A RetrainPolicy in its namespace, its runs, and what it refers to: what the tests of both kinds speak with.

RetrainPolicy, RetrainRun and TrainingRun are worked on by the operator. Dataset, DriftMonitor and ModelService say what
the test lets them say.
"""

import json
from datetime import timedelta
from typing import Any

from springtide.cluster.store import Key
from springtide.core import retrain_policy, retrain_run, training_run

from tests.core import controllers, world
from tests.core.api_server import Manifest, stamp

NAME = "pd"
KEY = Key("RetrainPolicy", "team", NAME)
TEMPLATE: dict[str, Any] = {
    "model": {"name": "pd-12m"},
    "data": {"datasetRef": {"name": "loans"}, "split": {"type": "Time", "column": "day"}},
    "recipe": {"name": "gbdt"},
    "target": {"column": "bad"},
}
GATES = [{"name": "auc", "metric": "AUC", "versusChampion": {"maxRegression": 0.01}}]
SPEC: dict[str, Any] = {"template": TEMPLATE, "gates": GATES, "guards": {"cooldownSeconds": 0}}
ON_DRIFT = {"triggers": {"drift": {"monitorRef": {"name": "watcher"}, "windows": 2, "of": 3}}}
SERVED = {"serviceRef": {"name": "front"}, "watch": {"seconds": 600, "monitorRef": {"name": "watcher"}}}


def digest(letter: str) -> str:
    """A digest that is easy to read."""
    return "sha256:" + letter * 64


class World(world.World):
    """One RetrainPolicy in one namespace."""

    key = KEY
    kinds = (retrain_policy.KIND, retrain_run.KIND, training_run.KIND)

    # The loop as people see it.

    @property
    def status(self) -> Manifest:
        """Status of the policy."""
        status: Manifest = self.server.get("RetrainPolicy", NAME).get("status", {})
        return status

    @property
    def runs(self) -> list[str]:
        """Names of the RetrainRuns, the oldest first."""
        return [run["metadata"]["name"] for run in self.server.all("RetrainRun")]

    def run(self, name: str = "") -> Manifest:
        """Status of a run, the newest by default."""
        status: Manifest = self.server.get("RetrainRun", name or self.runs[-1]).get("status", {})
        return status

    @property
    def phase(self) -> str:
        """Phase of the newest run."""
        return str(self.run().get("phase", ""))

    @property
    def champion(self) -> str:
        """Version of the champion, or nothing."""
        return str(self.status.get("champion", {}).get("version", ""))

    @property
    def outcomes(self) -> list[str]:
        """How the runs ended, the newest first."""
        return [past["outcome"] for past in self.status.get("history", ())]

    def message(self, kind: str = "Ready", *, of: Key | None = None) -> str:
        """Message of a condition of the policy, or of another object."""
        return str(self.condition(kind, of=of)["message"])

    def of_run(self, name: str = "") -> Key:
        """Key of a run, the newest by default."""
        return Key("RetrainRun", "team", name or self.runs[-1])

    # What people do.

    def create(self, **spec: Any) -> "World":
        """The user creates the policy."""
        self._make("RetrainPolicy", NAME, SPEC | spec)
        return self.settle()

    def edit(self, **spec: Any) -> "World":
        """The user changes fields of the spec."""
        self.server.update("RetrainPolicy", NAME, lambda it: it["spec"].update(spec))
        return self.settle()

    def ask(self, value: str = "now") -> "World":
        """The user annotates the policy."""
        note = {"springtide.dev/retrain": value}
        self.server.update("RetrainPolicy", NAME, lambda it: it["metadata"].update(annotations=note))
        return self.settle()

    def release(self, run: str) -> "World":
        """The user lets the model be promoted again that this run had promoted."""
        note = {"springtide.dev/release": run}
        self.server.update("RetrainPolicy", NAME, lambda it: it["metadata"].update(annotations=note))
        return self.settle()

    def make_run(self, name: str) -> "World":
        """The user makes a RetrainRun by hand."""
        self._make("RetrainRun", name, {"policyRef": {"name": NAME}})
        return self.settle()

    def approve(self, who: str) -> "World":
        """The user annotates every run; without a name the annotation is removed."""
        note = {"springtide.dev/approve": who} if who else {}
        for run in self.runs:
            self.server.update("RetrainRun", run, lambda it: it["metadata"].update(annotations=note))
        return self.settle()

    def delete(self, kind: str, name: str) -> "World":
        """Somebody deletes an object."""
        self.server.delete(kind, name)
        return self.settle()

    # What the objects say that the policy refers to.

    def publish(self, letter: str = "d", *, rows: int = 1000, met: str = "True") -> "World":
        """The Dataset has this snapshot, and its source satisfies the contract or not."""
        snapshot = {"digest": digest(letter), "uri": f"s3://lake/{letter}", "rows": rows, "bytes": 10}
        snapshot |= {"createdTime": stamp(self.now)}
        reason, says = (
            ("ContractMet", "") if met == "True" else ("ContractViolated", "column age, max: 300 is too much")
        )
        condition = {"type": "ContractMet", "status": met, "reason": reason, "message": says}
        condition |= {"lastTransitionTime": stamp(self.now)}
        status = {"latest": snapshot, "snapshots": [snapshot], "conditions": [condition]}
        return self._say("Dataset", "loans", {"source": {"uri": "s3://lake"}}, status)

    def see(self, *verdicts: str, first: int = 1, held: bool = False) -> "World":
        """The monitor has judged these days of November, the oldest first; without any, it has judged nothing yet."""
        windows = [a_window(verdict, day=day) for day, verdict in enumerate(verdicts, first)][::-1]
        if held:  # against the model that the service serves
            served = self.server.get("ModelService", "front")["status"]["stable"]["digest"]
            windows = [window | {"baseline": served} for window in windows]
        before = self._status_of("DriftMonitor", "watcher").get("history", [])
        drifted = {"column": "income", "verdict": "Drifted", "reason": "Psi", "psi": 0.41}
        status: Manifest = {"history": windows + before}
        if windows:
            status["lastWindow"] = windows[0] | {"message": f"it is {verdicts[-1]}", "drifted": [drifted]}
        return self._say("DriftMonitor", "watcher", {"target": {"modelServiceRef": {"name": "front"}}}, status)

    def measure(self, letter: str, *outcomes: str, first: int = 1) -> "World":
        """The monitor has measured the performance of a model on these days of November, the oldest first."""
        windows = [performance(letter, outcome, day=day) for day, outcome in enumerate(outcomes, first)][::-1]
        before = self._status_of("DriftMonitor", "watcher").get("performance", [])
        spec = {"target": {"modelServiceRef": {"name": "front"}}}
        return self._say("DriftMonitor", "watcher", spec, {"performance": windows + before})

    def serve(self, letter: str = "", *, version: str = "", policy: str | None = NAME) -> "World":
        """The ModelService serves this model, or none; and takes its version from a policy."""
        source = {"versionFrom": {"retrainPolicyRef": {"name": policy}}} if policy else {}
        stable = {"version": version or str(ord(letter) - ord("a") + 1), "digest": digest(letter)} if letter else None
        status = {"stable": stable | {"uri": f"s3://models/{letter}"}} if stable else {}
        return self._say("ModelService", "front", {"model": {"name": "pd-12m"}, **source}, status)

    def refuse_to_serve(self, letter: str) -> "World":
        """The ModelService has taken a model back."""
        entry = {"digest": digest(letter), "version": "2", "reason": "CheckFailed", "message": "errors: 0.5"}
        status = {"quarantined": [entry | {"time": stamp(self.now)}]}
        return self._say("ModelService", "front", {}, status)

    def _say(self, kind: str, name: str, spec: Manifest, status: Manifest) -> "World":
        if (kind, name) not in self.server.objects:
            self._make(kind, name, spec)
        self.server.update(kind, name, lambda it: it["spec"].update(spec))
        self.server.update(kind, name, lambda it: it.setdefault("status", {}).update(status))
        return self.settle()

    def _status_of(self, kind: str, name: str) -> Manifest:
        found: Manifest = self.server.objects.get((kind, name), {}).get("status", {})
        return found

    def _make(self, kind: str, name: str, spec: Manifest) -> None:
        manifest = {"apiVersion": "springtide.dev/v1alpha1", "kind": kind, "metadata": {"name": name}}
        self.server.create(manifest | {"spec": spec})

    # What the Jobs do.

    def end(self, what: str, result: Manifest | None, *, exit_code: int = 0) -> "World":
        """The container of the Job whose name has this in it starts, and ends so."""
        (pod,) = (name for name in self.waiting_pods if f"{what}" in name)
        controllers.start_container(self.server, pod, now=self.now)
        self.settle()
        self.now += timedelta(seconds=5)
        message = json.dumps(result) if result else ""
        reason = "Error" if exit_code else ""
        controllers.end_container(self.server, pod, now=self.now, exit_code=exit_code, reason=reason, message=message)
        return self.settle()

    def fail(self, what: str, reason: str, message: str = "it is broken", *, retryable: bool = False) -> "World":
        """The Job ends badly."""
        result = {"status": "Failed", "reason": reason, "message": message, "retryable": retryable}
        return self.end(what, result, exit_code=75 if retryable else 64)

    def train(self, letter: str, *, version: str = "") -> "World":
        """The TrainingRun succeeds with this model."""
        model = {"name": "team.pd-12m", "version": version or str(ord(letter) - ord("a") + 1)}
        model |= {"digest": digest(letter), "uri": f"s3://models/{letter}"}
        return self.end(f"{self.runs[-1]}-a", {"status": "Succeeded", "reason": "Succeeded", "model": model})

    def judge(self, outcome: str = "Passed", says: str = "AUC 0.78, the champion's 0.76") -> "World":
        """The evaluation ends with a verdict."""
        gate = {"name": "auc", "outcome": outcome, "value": 0.78, "champion": 0.76, "message": says}
        verdict = {"outcome": outcome, "rows": 500, "gates": [gate]}
        return self.end("-evaluate-", {"status": "Succeeded", "reason": "Evaluated", "verdict": verdict})

    def alias(self) -> "World":
        """MLflow's alias is set."""
        return self.end("-promote-", {"status": "Succeeded", "reason": "Promoted"})

    def restore(self) -> "World":
        """MLflow's alias is set back."""
        return self.end("-restore-", {"status": "Succeeded", "reason": "Promoted"})

    def record(self, name: str = "") -> "World":
        """The record of a run, of the newest by default, is published."""
        record = {"uri": "s3://artifacts/springtide/records/team.pd/e", "digest": digest("e")}
        result = {"status": "Succeeded", "reason": "Recorded", "record": record}
        return self.end(f"{name or self.runs[-1]}-record-", result)

    # Whole stories.

    def promote(self, letter: str) -> "World":
        """The run under way goes all the way with this model."""
        self.train(letter).judge().alias()
        if ("ModelService", "front") in self.server.objects:
            self.serve(letter)
        if self.phase == "Watching":
            self.pass_time(hours=1)
        assert self.phase == "Promoted", self.run()
        return self


def a_window(verdict: str, *, day: int) -> Manifest:
    """A window of one day of November."""
    bad = verdict in ("Drifted", "DataBroken")
    times = {"start": f"2026-11-{day:02}T00:00:00Z", "end": f"2026-11-{day + 1:02}T00:00:00Z"}
    return times | {"rows": 1000, "verdict": verdict, "driftedColumns": 3 if bad else 0, "maxPsi": 0.41}


def performance(letter: str, outcome: str, *, day: int) -> Manifest:
    """How a model did on one day of November."""
    times = {"start": f"2026-11-{day:02}T00:00:00Z", "end": f"2026-11-{day + 1:02}T00:00:00Z"}
    numbers = {"rows": 1000, "labelled": 900, "auc": 0.7, "low": 0.68, "high": 0.72, "promised": 0.78}
    return times | numbers | {"model": digest(letter), "outcome": outcome}


def a_policy(**spec: Any) -> World:
    """A policy over a Dataset with a good snapshot, without a champion: its first run trains."""
    return World().publish().create(**spec)


def with_champion(**spec: Any) -> World:
    """A policy whose first run has promoted model `a`, version 1; nothing asks for another."""
    return World().publish().see().create(**spec).promote("a")


def served(**spec: Any) -> World:
    """The same with a service that serves it, and a monitor that watches."""
    world = World().publish().see().serve()
    return world.create(**SERVED | spec).promote("a")

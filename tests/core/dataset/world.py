"""A Dataset, the cluster around it, and an operator that works on it: what the tests of this folder speak with.

Worker, store and queue are the operator's own, and the queue lives in the time of this world: nothing is looked at
again unless news or a timer that the operator set asks for it.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from springtide.api.platform import Platform
from springtide.cluster.store import Key
from springtide.shell import worker
from springtide.shell.metrics import Metrics
from springtide.shell.operator import Operator
from springtide.shell.queue import WorkQueue

from tests.core import controllers
from tests.core.api_server import PARENTS, ApiServer, Manifest, stamp

PLATFORM: dict[str, Any] = {
    "workloadsImage": "springtide/workloads@sha256:" + "a" * 64,
    "trackingUri": "http://mlflow:5000",
    "artifactsUri": "s3://artifacts/springtide",
    "artifactsVolume": None,
}
SPEC: dict[str, Any] = {"source": {"uri": "s3://lake/applications/*.parquet"}}
NAME = "applications"
KEY = Key("Dataset", "team", NAME)
RUN = Key("TrainingRun", "team", "churn")


def digest(letter: str) -> str:
    """A digest that is easy to read."""
    return "sha256:" + letter * 64


class World:
    """One namespace, and one operator."""

    def __init__(self, **platform: Any) -> None:
        self.now = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
        self.server = ApiServer(lambda: self.now)
        self.platform = Platform.model_validate(PLATFORM | platform)
        self.operator = self._fresh_operator()

    # The operator.

    def _fresh_operator(self) -> Operator:
        return Operator(
            platform=self.platform,
            client=self.server,  # type: ignore[arg-type]  # stands where the client stands
            metrics=Metrics(),
            identity="test",
            now=lambda: self.now,
            queue=WorkQueue(monotonic=self._seconds),
        )

    def _seconds(self) -> float:
        return self.now.timestamp()

    def restart(self) -> None:
        """A new process: nothing is remembered, everything is listed before anything is decided."""
        for pending in self.server.news.values():
            pending.clear()
        self.operator = self._fresh_operator()
        for manifest in self.server.objects.values():
            if key := self.operator.store.upsert(manifest["kind"], manifest):
                self.operator.enqueue(key)

    def deliver(self, kind: str | None = None, count: int | None = None) -> None:
        """Let the watches tell `count` pieces of news (all of them by default) of a kind (of every kind by default)."""
        for each in [kind] if kind else list(self.server.news):
            pending = self.server.news[each]
            for event, manifest in pending[:count]:
                take = self.operator.store.remove if event == "DELETED" else self.operator.store.upsert
                if key := take(each, manifest):
                    self.operator.enqueue(key) if each in PARENTS.values() else self.operator.queue.add(key)
            del pending[: len(pending) if count is None else count]

    def work(self) -> bool:
        """One pass over the first key in the queue; False if there is none. May raise CrashError."""
        self.operator.queue._ripen()
        if not self.operator.queue._ready:
            return False
        key = _run_through(self.operator.queue.get())
        try:
            outcome = _run_through(worker._outcome(self.operator, key))
            assert outcome != "error", "the operator has a defect; see the log"
        finally:
            self.operator.queue.done(key)
        return True

    def decision(self, key: Key = KEY) -> Any:
        """What the operator would do now."""
        kind, parent = self.operator.kind(key.kind), self.operator.store.parent(key)
        assert kind is not None
        assert parent is not None, "the operator does not know of it"
        return kind.decide(kind.observe(self.operator.observed(key, parent)), self.now)

    # Time and the other controllers.

    def pass_time(self, **duration: float) -> "World":
        """Let time pass, given as for timedelta; everybody acts when their time comes."""
        end = self.now + timedelta(**duration)
        self.settle()
        while (timers := self.operator.queue._due) and min(timers.values()) <= end.timestamp():
            self.now = max(self.now, datetime.fromtimestamp(min(timers.values()), UTC))
            self.settle()
        self.now = end
        return self.settle()

    def settle(self) -> "World":
        """Watches, operator, Job controller and kubelet act until none of them finds anything to do."""
        for _ in range(200):
            before = self.server.version
            for job in self.server.all("Job"):
                controllers.sync_job(self.server, job["metadata"]["name"], now=self.now)
            controllers.collect_garbage(self.server)
            self.deliver()
            if not self.work() and self.server.version == before:
                return self
        raise AssertionError(f"the world does not settle; the last writes are {self.server.writes[-6:]}")

    # The Dataset as people see it.

    @property
    def exists(self) -> bool:
        """Whether the Dataset is there."""
        return ("Dataset", NAME) in self.server.objects

    @property
    def status(self) -> Manifest:
        """Its status."""
        status: Manifest = self.server.get("Dataset", NAME).get("status", {})
        return status

    def condition(self, kind: str, *, of: Key = KEY) -> Manifest:
        """A condition, or an empty one."""
        conditions = self.server.get(of.kind, of.name).get("status", {}).get("conditions", ())
        return next((item for item in conditions if item["type"] == kind), {})

    def told(self, kind: str, *, of: Key = KEY) -> tuple[str, str]:
        """Status and reason of a condition."""
        condition = self.condition(kind, of=of)
        return str(condition.get("status", "")), str(condition.get("reason", ""))

    @property
    def last(self) -> Manifest:
        """The last refresh."""
        last: Manifest = self.status.get("lastRefresh", {})
        return last

    @property
    def jobs(self) -> list[str]:
        """Names of the Jobs, the oldest first."""
        return [job["metadata"]["name"] for job in self.server.all("Job")]

    @property
    def waiting_pods(self) -> list[str]:
        """Pods that have not ended."""
        pods = self.server.all("Pod")
        return [pod["metadata"]["name"] for pod in pods if pod["status"]["phase"] not in controllers.ENDED]

    def task(self, job: str = "") -> Manifest:
        """What the Job (the newest by default) was told to do."""
        manifest = self.server.get("Job", job or self.jobs[-1])
        (container,) = manifest["spec"]["template"]["spec"]["containers"]
        env = {item["name"]: item["value"] for item in container["env"]}
        task: Manifest = json.loads(env["SPRINGTIDE_TASK"])
        return task

    # What people do.

    def create(self, *, annotations: dict[str, str] | None = None, **spec: Any) -> "World":
        """The user creates the Dataset."""
        metadata = {"name": NAME} | ({"annotations": annotations} if annotations else {})
        manifest = {"apiVersion": "springtide.dev/v1alpha1", "kind": "Dataset", "metadata": metadata}
        self.server.create(manifest | {"spec": SPEC | spec})
        return self.settle()

    def edit(self, **spec: Any) -> "World":
        """The user changes the spec; None removes a field."""

        def change(manifest: Manifest) -> None:
            manifest["spec"] = {name: value for name, value in (manifest["spec"] | spec).items() if value is not None}

        self.server.update("Dataset", NAME, change)
        return self.settle()

    def ask(self, value: str) -> "World":
        """The user annotates the Dataset."""
        note = {"springtide.dev/refresh": value, "example.com/other": "x"}
        self.server.update("Dataset", NAME, lambda it: it["metadata"].update(annotations=note))
        return self.settle()

    def train(self, name: str = "churn", *, dataset: str = NAME, **data: Any) -> "World":
        """The user creates a TrainingRun on the Dataset."""
        spec = {"model": {"name": "m"}, "data": {"datasetRef": {"name": dataset}} | data}
        spec |= {"recipe": {"name": "gbdt"}, "target": {"column": "y"}}
        manifest = {"apiVersion": "springtide.dev/v1alpha1", "kind": "TrainingRun", "metadata": {"name": name}}
        self.server.create(manifest | {"spec": spec})
        return self.settle()

    # What the Job does.

    def end(self, message: str = "", *, exit_code: int = 0, lasting: float = 30.0, reason: str = "") -> "World":
        """The container of the refresh that is under way starts, and ends so."""
        (pod,) = (name for name in self.waiting_pods if name.startswith(f"{NAME}-refresh-"))
        controllers.start_container(self.server, pod, now=self.now)
        self.settle()
        self.now += timedelta(seconds=lasting)
        why = reason or ("Error" if exit_code else "Completed")
        controllers.end_container(self.server, pod, now=self.now, exit_code=exit_code, reason=why, message=message)
        return self.settle()

    def publish(self, letter: str, *, state: str = "", **snapshot: Any) -> "World":
        """The refresh ends with a snapshot."""
        return self.end(refreshed(letter, now=self.now, state=state, **snapshot))

    def publish_when_asked(self, letter: str) -> "World":
        """The user asks for a refresh, and it ends with a snapshot."""
        return self.ask(letter).publish(letter)

    def violate(self, *violations: Manifest, state: str = "") -> "World":
        """The source does not satisfy the contract."""
        return self.end(violated(*violations, state=state), exit_code=64)


def refreshed(letter: str, *, now: datetime, state: str = "", reason: str = "Refreshed", **snapshot: Any) -> str:
    """A termination message with a snapshot."""
    published = {
        "digest": digest(letter),
        "uri": f"s3://artifacts/springtide/datasets/team.{NAME}/sha256-{letter * 64}",
        "rows": 1000,
        "bytes": 20_000,
        "createdTime": stamp(now),
    } | snapshot
    return a_result(status="Succeeded", reason=reason, snapshot=published, **_state(state))


def unchanged(*, state: str = "") -> str:
    """A termination message that tells of a source that was not even read."""
    return a_result(status="Succeeded", reason="Unchanged", **_state(state))


def violated(*violations: Manifest, state: str = "") -> str:
    """A termination message that tells of a broken contract."""
    found = violations or ({"column": "income", "rule": "min", "message": "3 values are below 0", "count": 3},)
    return a_result(
        status="Failed", reason="ContractViolated", message="broken", violations=list(found), **_state(state)
    )


def a_result(**fields: Any) -> str:
    """A termination message."""
    return json.dumps(fields)


def a_dataset(*, platform: dict[str, Any] | None = None, **spec: Any) -> World:
    """A Dataset whose first refresh waits for its container to start."""
    return World(**(platform or {})).create(**spec)


def _state(letter: str) -> dict[str, str]:
    return {"sourceState": digest(letter)} if letter else {}


def _run_through(coroutine: Any) -> Any:
    """Run a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("the pass waited for something that is not in this world")

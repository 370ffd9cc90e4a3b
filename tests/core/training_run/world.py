"""A training run, the cluster around it, and an operator that works on it: what the tests of this folder speak with.

`a_run(...)` makes one and lets the operator settle; endings (`preempted()`, `user_error()`) are things that happen to
the pod of the attempt. The operator's worker and store are the real ones; API server, controllers and kubelet are
those of `api_server` and `controllers`.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from springtide.api.constants import LABEL_ATTEMPT, LABEL_ROLE
from springtide.api.platform import Platform
from springtide.cluster.store import Key
from springtide.shell import worker
from springtide.shell.metrics import Metrics
from springtide.shell.operator import Operator
from springtide.shell.queue import WorkQueue

from tests.core import controllers
from tests.core.api_server import ApiServer, CrashError, Manifest

KEY = Key("TrainingRun", "team", "churn")
PLATFORM: dict[str, Any] = {
    "workloadsImage": "springtide/workloads@sha256:" + "a" * 64,
    "trackingUri": "http://mlflow:5000",
    "artifactsUri": "s3://artifacts/springtide",
    "artifactsVolume": None,
}
SPEC: dict[str, Any] = {
    "model": {"name": "churn"},
    "data": {"source": {"uri": "s3://data/churn/*.parquet"}},
    "recipe": {"name": "gbdt"},
    "target": {"column": "churned"},
}
DIGEST = "sha256:" + "d" * 64
RESULT: dict[str, Any] = {
    "status": "Succeeded",
    "reason": "Succeeded",
    "message": "trained on 1000 rows",
    "metrics": {"auc": 0.93},
    "inputs": {"digest": DIGEST, "rows": 1000},
    "model": {"name": "team.churn", "version": "1", "digest": DIGEST},
}


class World:
    """One namespace with one run (`churn`), and one operator."""

    def __init__(self, *, platform: dict[str, Any] | None = None, capabilities: frozenset[str] = frozenset()) -> None:
        self.now = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
        self.server = ApiServer(lambda: self.now)
        self.platform = Platform.model_validate(PLATFORM | (platform or {}))
        self.capabilities = capabilities
        self.history: list[Manifest] = []
        self.operator = self._fresh_operator()

    # The operator.

    def _fresh_operator(self) -> Operator:
        return Operator(
            platform=self.platform,
            client=self.server,  # type: ignore[arg-type]  # stands where the client stands
            metrics=Metrics(),
            identity="test",
            capabilities=self.capabilities,
            now=lambda: self.now,
        )

    def restart(self) -> None:
        """A new process: nothing is remembered, everything is listed before anything is decided."""
        for pending in self.server.news.values():
            pending.clear()
        self.operator = self._fresh_operator()
        for manifest in self.server.objects.values():
            self.operator.store.upsert(manifest["kind"], manifest)

    def deliver(self, kind: str | None = None, count: int | None = None) -> None:
        """Let the watches tell `count` pieces of news (all of them by default) of a kind (of every kind by default)."""
        for each in [kind] if kind else list(self.server.news):
            pending = self.server.news[each]
            for event, manifest in pending[:count]:
                take = self.operator.store.remove if event == "DELETED" else self.operator.store.upsert
                take(each, manifest)
            del pending[: len(pending) if count is None else count]

    def reconcile(self) -> float | None:
        """One pass; returns the seconds after which the operator wants to look again. May raise CrashError."""
        self.operator.queue = queue = WorkQueue[Key](monotonic=self.now.timestamp)
        _run_through(worker.reconcile(self.operator, KEY))
        if self.exists:
            self.history.append(self.status)
        return queue._due[KEY] - self.now.timestamp() if KEY in queue._due else None

    def decision(self) -> Any:
        """What the operator would do now."""
        kind = self.operator.kind(KEY.kind)
        parent = self.operator.store.parent(KEY)
        assert kind is not None
        assert parent is not None, "the operator does not know of the run"
        return kind.decide(kind.observe(self.operator.observed(KEY, parent)), self.now)

    # Time and the other controllers.

    def pass_time(self, **duration: float) -> "World":
        """Let time pass, given as for timedelta, and everybody act on it."""
        self.now += timedelta(**duration)
        return self.settle()

    def settle(self) -> "World":
        """Watches, operator, Job controller and kubelet act until none of them finds anything to do."""
        for _ in range(60):
            before = self.server.version
            self.sync_jobs()
            controllers.collect_garbage(self.server)
            self.kubelet_stops_pods()
            self.deliver()
            self.reconcile()
            if self.server.version == before:
                return self
        raise AssertionError(f"the world does not settle; the last writes are {self.server.writes[-6:]}")

    def sync_jobs(self) -> None:
        """A pass of the Job controller over every Job."""
        for job in self.server.all("Job"):
            controllers.sync_job(self.server, job["metadata"]["name"], now=self.now)

    def kubelet_stops_pods(self) -> None:
        """Pods that were told to stop do, and are gone; those that `stubborn` names do not."""
        for pod in self.server.all("Pod"):
            name = pod["metadata"]["name"]
            if "deletionTimestamp" in pod["metadata"] and name not in self.stubborn:
                self.server.delete("Pod", name) if pod["status"]["phase"] != "Running" else self._kill(name)

    stubborn: frozenset[str] = frozenset()
    """Pods whose kubelet does not answer."""

    def _kill(self, pod: str) -> None:
        controllers.end_container(self.server, pod, now=self.now, exit_code=143, reason="Error", message="")
        self.server.update("Pod", pod, lambda it: it["metadata"].update(deletionTimestamp="2026-11-23T12:00:00Z"))

    # The run as people see it.

    @property
    def exists(self) -> bool:
        """Whether the run is there."""
        return ("TrainingRun", "churn") in self.server.objects

    @property
    def status(self) -> Manifest:
        """Its status."""
        status: Manifest = self.server.get("TrainingRun", "churn").get("status", {})
        return status

    def condition(self, kind: str) -> Manifest:
        """One of its conditions, or an empty one."""
        return next((item for item in self.status.get("conditions", ()) if item["type"] == kind), {})

    @property
    def state(self) -> str:
        """The reason of Ready: how far it is."""
        return str(self.condition("Ready").get("reason", ""))

    @property
    def message(self) -> str:
        """What a person reads."""
        return str(self.condition("Ready").get("message", ""))

    @property
    def attempt(self) -> int:
        """The current attempt."""
        return int(self.status.get("attempt", 0))

    @property
    def failures(self) -> tuple[int, int]:
        """(infrastructure, user)."""
        return self.status["failures"]["infrastructure"], self.status["failures"]["user"]

    @property
    def is_terminal(self) -> bool:
        """Whether it has ended."""
        return "completionTime" in self.status

    def edit(self, **spec: Any) -> "World":
        """The user changes the spec."""
        self.server.update("TrainingRun", "churn", lambda run: run["spec"].update(spec))
        return self.settle()

    @property
    def jobs(self) -> list[str]:
        """Names of the Jobs."""
        return [job["metadata"]["name"] for job in self.server.all("Job")]

    @property
    def pod(self) -> str:
        """The name of the newest pod."""
        pods = [pod["metadata"]["name"] for pod in self.server.all("Pod")]
        assert pods, f"there is no pod; the run is {self.state}: {self.message}"
        return str(pods[-1])

    @property
    def live_pods(self) -> list[str]:
        """Pods of attempts that may still run something."""
        return [
            pod["metadata"]["name"]
            for pod in self.server.all("Pod")
            if pod["status"]["phase"] not in controllers.ENDED
            and pod["metadata"]["labels"][LABEL_ROLE] == "attempt"
            and pod["metadata"]["labels"][LABEL_ATTEMPT]
        ]

    # What happens to it.

    def start(self) -> "World":
        """The container of the newest pod starts."""
        controllers.start_container(self.server, self.pod, now=self.now)
        return self.settle()

    def after(self, *endings: "Ending") -> "World":
        """Let attempt after attempt start and end so; back-off is waited out in between."""
        for ending in endings:
            for _ in range(10):
                if not self.is_terminal and not self._has_waiting_pod():
                    self.pass_time(seconds=60)
            ending(self)
            self.settle()
        return self

    def _has_waiting_pod(self) -> bool:
        return any(pod["status"]["phase"] not in controllers.ENDED for pod in self.server.all("Pod"))


Ending = Callable[[World], None]


def a_run(
    *,
    platform: dict[str, Any] | None = None,
    capabilities: frozenset[str] = frozenset(),
    settled: bool = True,
    **spec: Any,
) -> World:
    """A run whose operator has done all it can for now: its first pod waits for its container to start."""
    world = World(platform=platform, capabilities=capabilities)
    create_run(world, **spec)
    return world.settle() if settled else world


def create_run(world: World, **spec: Any) -> None:
    """The user creates the run."""
    world.server.create(
        {
            "apiVersion": "springtide.dev/v1alpha1",
            "kind": "TrainingRun",
            "metadata": {"name": "churn"},
            "spec": SPEC | spec,
        }
    )


def a_result(**changes: Any) -> str:
    """A termination message."""
    return json.dumps(RESULT | changes)


def ended(
    exit_code: int = 0, *, message: str = "", reason: str = "", lasting: float = 60.0, started: bool = True
) -> Ending:
    """The container ends by itself."""

    def happen(world: World) -> None:
        if started:
            world.start()
        world.now += timedelta(seconds=lasting)
        why = reason or ("Error" if exit_code else "Completed")
        controllers.end_container(
            world.server, world.pod, now=world.now, exit_code=exit_code, reason=why, message=message
        )

    return happen


def success(**changes: Any) -> Ending:
    """The container ends well and says so."""
    return ended(message=a_result(**changes))


def user_error(reason: str = "ColumnNotFound", **changes: Any) -> Ending:
    """The container says that the user has to mend something."""
    return ended(64, message=a_result(status="Failed", reason=reason, message="no column x", metrics={}, **changes))


def unreachable(reason: str = "TrackingUnavailable") -> Ending:
    """The container says that something could not be reached."""
    return ended(75, message=a_result(status="Failed", reason=reason, retryable=True, message="down", metrics={}))


def crash(exit_code: int = 1, words: str = "boom") -> Ending:
    """The container ends badly and leaves its last words."""
    return ended(exit_code, message=words)


def disrupted(reason: str, *, message: str = "", exit_code: int = 143) -> Ending:
    """The cluster takes the pod away while its container runs (DisruptionTarget)."""

    def happen(world: World) -> None:
        world.start()
        pod = world.pod
        controllers.set_pod_condition(world.server, pod, "DisruptionTarget", "True", reason)
        ended(exit_code, message=message, started=False)(world)

    return happen


def preempted() -> Ending:
    """A pod of higher priority takes its place."""
    return disrupted("PreemptionByScheduler")


def evicted(message: str = "the node was low on resource: memory") -> Ending:
    """The kubelet evicts the pod: phase Failed, reason Evicted, no status of its container."""

    def happen(world: World) -> None:
        world.start()
        status = {"phase": "Failed", "reason": "Evicted", "message": message, "containerStatuses": []}
        world.server.update("Pod", world.pod, lambda pod: pod["status"].update(status))

    return happen


def vanished() -> Ending:
    """The pod was deleted with force: nothing of it is left."""

    def happen(world: World) -> None:
        world.start()
        del_pod(world)

    return happen


def del_pod(world: World) -> None:
    """Take the newest pod away at once."""
    pod = world.pod
    world.server.update("Pod", pod, lambda it: it["metadata"].update(deletionTimestamp="2026-11-23T12:00:00Z"))
    world.server.delete("Pod", pod)


def _run_through(coroutine: Any) -> None:
    """Run a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise AssertionError("the pass waited for something that is not in this world")


__all__ = ["KEY", "CrashError", "World", "a_run"]

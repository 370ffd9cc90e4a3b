"""One namespace, the cluster around it, and an operator that works on it: what tests of single kinds build on.

Worker, store and queue are the operator's own, and the queue lives in the time of this world: nothing is looked at
again unless news or a timer that the operator set asks for it.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from springtide.api.constants import KSERVE
from springtide.api.platform import Platform
from springtide.cluster.store import Key
from springtide.shell import worker
from springtide.shell.kinds import KINDS
from springtide.shell.metrics import Metrics
from springtide.shell.operator import Operator
from springtide.shell.queue import WorkQueue

from tests.core import controllers
from tests.core.api_server import LISTED, PARENTS, ApiServer, Manifest

PLATFORM: dict[str, Any] = {
    "workloadsImage": "springtide/workloads@sha256:" + "a" * 64,
    "trackingUri": "http://mlflow:5000",
    "artifactsUri": "s3://artifacts/springtide",
    "artifactsVolume": None,
}


class World:
    """One namespace, and one operator. key: of the object that a test is about. kinds: those that it works on."""

    key: Key
    kinds = KINDS

    capabilities: frozenset[str] = frozenset()

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
            kinds=self.kinds,
            now=lambda: self.now,
            queue=WorkQueue(monotonic=self._seconds),
            capabilities=self.capabilities,
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
        for each in [kind] if kind else [kind for kind in self.server.news if kind not in LISTED.values()]:
            pending = self.server.news[each]
            for event, manifest in pending[:count]:
                take = self.operator.store.remove if event == "DELETED" else self.operator.store.upsert
                if key := take(each, manifest):
                    self.operator.enqueue(key) if each in PARENTS.values() else self.operator.queue.add(key)
            del pending[: len(pending) if count is None else count]

    def list_unwatched(self) -> None:
        """Let the kinds be listed that are not watched."""
        store = self.operator.store
        for kind in LISTED.values():
            found = list(self.server.all(kind))
            keys = [store.upsert(kind, manifest) for manifest in found]
            uids = {manifest["metadata"]["uid"] for manifest in found}
            gone = store.prune(kind, keep=uids, version=self.server.version, namespace=None)
            for key in [key for key in keys if key] + sorted(gone):
                self.operator.enqueue(key)

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

    def decision(self, key: Key | None = None) -> Any:
        """What the operator would do now."""
        key = key or self.key
        kind, parent = self.operator.kind(key.kind), self.operator.store.parent(key)
        assert kind is not None
        assert parent is not None, "the operator does not know of it"
        return kind.decide(kind.observe(self.operator.observed(key, parent)), self.now)

    # Time and the other controllers.

    def pass_time(self, **duration: float) -> Self:
        """Let time pass, given as for timedelta; everybody acts when their time comes."""
        end = self.now + timedelta(**duration)
        self.settle()
        while (timers := self.operator.queue._due) and min(timers.values()) <= end.timestamp():
            self.now = max(self.now, datetime.fromtimestamp(min(timers.values()), UTC))
            self.settle()
        self.now = end
        return self.settle()

    def settle(self) -> Self:
        """Watches, operator, Job controller and kubelet act until none of them finds anything to do."""
        for _ in range(200):
            before = self.server.version
            for job in self.server.all("Job"):
                controllers.sync_job(self.server, job["metadata"]["name"], now=self.now)
            for deployment in self.server.all("Deployment"):
                controllers.sync_deployment(self.server, deployment["metadata"]["name"])
            if KSERVE in self.capabilities:
                for inference in self.server.all("InferenceService"):
                    controllers.sync_inference_service(self.server, inference["metadata"]["name"])
            controllers.collect_garbage(self.server)
            self.deliver()
            self.list_unwatched()
            if not self.work() and self.server.version == before:
                return self
        raise AssertionError(f"the world does not settle; the last writes are {self.server.writes[-6:]}")

    # What can be seen of any kind.

    def condition(self, kind: str, *, of: Key | None = None) -> Manifest:
        """A condition, or an empty one."""
        conditions = (
            self.server.get((of or self.key).kind, (of or self.key).name).get("status", {}).get("conditions", ())
        )
        return next((item for item in conditions if item["type"] == kind), {})

    def told(self, kind: str, *, of: Key | None = None) -> tuple[str, str]:
        """Status and reason of a condition."""
        condition = self.condition(kind, of=of)
        return str(condition.get("status", "")), str(condition.get("reason", ""))

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


def _run_through(coroutine: Any) -> Any:
    """Run a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("the pass waited for something that is not in this world")

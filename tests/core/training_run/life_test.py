"""The life of a run under everything that can happen to it, in any order.

hypothesis plays the user, the kubelet, the Job controller, the garbage collector, late and lost news, crashes of the
operator between any two of its writes, and two replicas that both believe to lead. After every step the invariants
must hold, and when the world calms down the run must get where it can.
"""

import contextlib
import json
import os
from datetime import timedelta

from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from springtide.cluster.client import ApiError
from springtide.cluster.status import StaleError

from tests.core import controllers
from tests.core.api_server import CrashError, Manifest, stamp
from tests.core.training_run.world import World, a_result, create_run

RESULTS = st.sampled_from(
    [
        (0, a_result()),
        (0, a_result()),
        (0, ""),
        (1, "boom"),
        (64, a_result(status="Failed", reason="OneClass")),
        (75, a_result(status="Failed", reason="StoreUnavailable", retryable=True)),
        (143, a_result(status="Failed", reason="Interrupted", retryable=True)),
        (137, ""),
    ]
)
KINDS = st.sampled_from(["TrainingRun", "Job", "Pod"])
INFRASTRUCTURE, USER = 3, 1
EXAMPLES = int(os.environ.get("LIFE_EXAMPLES", "150"))


class Life(RuleBasedStateMachine):
    """See the module."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(capabilities=frozenset({"kueue.x-k8s.io"}))
        self.stored: dict[str, tuple[int, str]] = {}  # results that containers left in the artifact store, by resultUri
        self.user_errors = 0
        self.last: dict[str, Manifest] = {}
        self.executed_after_success: list[str] = []

    # What users do.

    @initialize(suspend=st.booleans(), deadline=st.sampled_from([None, 200]), queued=st.booleans())
    def create(self, *, suspend: bool, deadline: int | None, queued: bool) -> None:
        self.spec = {
            "retry": {"infrastructure": INFRASTRUCTURE, "user": USER},
            "suspend": suspend,
            **({"deadlineSeconds": deadline} if deadline else {}),
            **({"queueName": "default"} if queued else {}),
        }
        create_run(self.world, **self.spec)

    @rule()
    def toggle_suspend(self) -> None:
        if self.world.exists:
            self.world.server.update(
                "TrainingRun", "churn", lambda run: run["spec"].update(suspend=not run["spec"]["suspend"])
            )

    @rule()
    def delete_or_create_again(self) -> None:
        if self.world.exists:
            self.world.server.delete("TrainingRun", "churn")
        else:
            create_run(self.world, **self.spec)
            self.user_errors = 0

    @rule(data=st.data())
    def delete_a_job_by_hand(self, data: st.DataObject) -> None:
        jobs = self.world.jobs
        assume(jobs)
        self.world.server.delete("Job", data.draw(st.sampled_from(jobs)))

    # What the cluster does.

    @rule(data=st.data())
    def queue_decides(self, data: st.DataObject) -> None:
        jobs = [job["metadata"]["name"] for job in self.world.server.all("Job") if not controllers.finished(job)]
        assume(jobs)
        suspend = data.draw(st.booleans())
        if "queueName" in self.spec:
            self.world.server.update(
                "Job", data.draw(st.sampled_from(jobs)), lambda job: job["spec"].update(suspend=suspend)
            )

    @rule()
    def job_controller(self) -> None:
        self.world.sync_jobs()

    @rule()
    def garbage_collector(self) -> None:
        controllers.collect_garbage(self.world.server)

    @rule(data=st.data())
    def start_a_container(self, data: st.DataObject) -> None:
        pods = [pod for pod in self._pods() if pod["status"]["phase"] == "Pending"]
        assume(pods)
        pod = data.draw(st.sampled_from(pods))
        uid = pod["metadata"]["labels"]["springtide.dev/uid"]
        if (
            self.world.exists
            and self._terminal()
            and self.world.status["model"]
            and self._uid() == uid
            and self._is_attempt(pod)
        ):
            self.executed_after_success.append(pod["metadata"]["name"])
        controllers.start_container(self.world.server, pod["metadata"]["name"], now=self.world.now)

    @rule(data=st.data(), result=RESULTS)
    def end_a_container(self, data: st.DataObject, result: tuple[int, str]) -> None:
        pods = [pod for pod in self._pods() if pod["status"]["phase"] == "Running"]
        assume(pods)
        self._end(data.draw(st.sampled_from(pods)), result)

    @rule(
        data=st.data(),
        reason=st.sampled_from(["PreemptionByScheduler", "DeletionByTaintManager", "EvictionByEvictionAPI"]),
    )
    def disrupt_a_pod(self, data: st.DataObject, reason: str) -> None:
        pods = [pod for pod in self._pods() if pod["status"]["phase"] not in controllers.ENDED]
        assume(pods)
        name = data.draw(st.sampled_from(pods))["metadata"]["name"]
        controllers.set_pod_condition(self.world.server, name, "DisruptionTarget", "True", reason)
        controllers.end_container(
            self.world.server, name, now=self.world.now, exit_code=143, reason="Error", message=""
        )

    @rule(data=st.data(), force=st.booleans())
    def delete_a_pod(self, *, data: st.DataObject, force: bool) -> None:
        pods = self._pods()
        assume(pods)
        name = data.draw(st.sampled_from(pods))["metadata"]["name"]
        if force and ("Pod", name) in self.world.server.objects:
            mark = stamp(self.world.now)
            self.world.server.update("Pod", name, lambda pod: pod["metadata"].update(deletionTimestamp=mark))
        self.world.server.delete("Pod", name)

    @rule()
    def kubelet_stops_pods(self) -> None:
        self.world.kubelet_stops_pods()

    @rule(seconds=st.sampled_from([1, 6, 30, 120, 600]))
    def time_passes(self, seconds: int) -> None:
        self.world.now += timedelta(seconds=seconds)

    # What happens to the operator.

    @rule(kind=KINDS, count=st.integers(1, 4))
    def news_arrives(self, kind: str, count: int) -> None:
        self.world.deliver(kind, count)

    @rule(kind=KINDS)
    def old_news_arrives_again(self, kind: str) -> None:
        for manifest in self.world.server.all(kind):
            older = json.loads(json.dumps(manifest))
            older["metadata"]["resourceVersion"] = "1"
            older["status"] = {}
            if ("springtide.dev/kind" in manifest["metadata"].get("labels", {})) or kind == "TrainingRun":
                self._if_known(kind, older)

    def _if_known(self, kind: str, older: Manifest) -> None:
        """A watch that was cut tells old news of what it told of before, never of what it did not."""
        from springtide.cluster.store import _Id

        if _Id(kind, "team", older["metadata"]["name"]) in self.world.operator.store._entries:
            self.world.operator.store.upsert(kind, older)

    @rule()
    def operator_works(self) -> None:
        self._pass()

    @rule(write=st.integers(1, 4), reached=st.booleans())
    def operator_crashes_at_a_write(self, *, write: int, reached: bool) -> None:
        """Before the write, or after it with its answer lost."""
        self._pass_with_trouble(write, CrashError(), reached=reached)
        self.world.restart()

    @rule(write=st.integers(1, 4), reached=st.booleans(), code=st.sampled_from([403, 409, 422, 429, 500]))
    def api_server_answers_badly(self, *, write: int, reached: bool, code: int) -> None:
        self._pass_with_trouble(write, ApiError(code, "trouble"), reached=reached)

    @rule()
    def operator_restarts(self) -> None:
        self.world.restart()

    @rule()
    def another_replica_works_too(self) -> None:
        """It led before, or will: it has its own store."""
        here = self.world.operator
        news = {kind: list(pending) for kind, pending in self.world.server.news.items()}
        self.world.restart()
        self._pass()
        self.world.operator = here
        for kind, pending in self.world.server.news.items():
            pending[:0] = [item for item in news[kind] if item not in pending]

    def _pass_with_trouble(self, write: int, trouble: BaseException, *, reached: bool) -> None:
        seen = 0

        def strike(*_: str) -> None:
            nonlocal seen
            seen += 1
            if seen == write:
                raise trouble

        server = self.world.server
        if reached:
            server.after = strike
        else:
            server.before = strike
        try:
            with contextlib.suppress(CrashError):
                self._pass()
        finally:
            server.before = server.after = lambda *_: None

    def _pass(self) -> None:
        with contextlib.suppress(StaleError, ApiError):
            self.world.reconcile()

    # What must hold.

    @invariant()
    def never_two_live_attempts(self) -> None:
        by_owner: dict[str, list[str]] = {}
        for pod in self._pods():
            if pod["status"]["phase"] not in controllers.ENDED and self._is_attempt(pod):
                by_owner.setdefault(pod["metadata"]["labels"]["springtide.dev/uid"], []).append(pod["metadata"]["name"])
        assert all(len(pods) == 1 for pods in by_owner.values()), by_owner

    @invariant()
    def nothing_goes_back(self) -> None:
        if not self.world.exists:
            return
        uid, status = self._uid(), self.world.status
        before = self.last.get(uid, {})
        self.last[uid] = status
        if "completionTime" in before:
            assert status == before, "what has ended stays as it is"
        assert status.get("attempt", 0) >= before.get("attempt", 0)
        assert status.get("trainingSeconds", 0) >= before.get("trainingSeconds", 0)
        for kind in ("infrastructure", "user"):
            assert status.get("failures", {}).get(kind, 0) >= before.get("failures", {}).get(kind, 0)
        ended = {item["number"] for item in before.get("attempts", ()) if item.get("endTime")}
        assert all(item.get("endTime") for item in status.get("attempts", ()) if item["number"] in ended)

    @invariant()
    def only_errors_of_the_user_spend_the_users_budget(self) -> None:
        if not self.world.exists or not self.world.status:
            return
        allowed = self.user_errors + (self.world.state == "DeadlineExceeded")
        assert self.world.failures[1] <= allowed

    @invariant()
    def budgets_hold(self) -> None:
        if self.world.exists and self.world.status:
            infrastructure, user = self.world.failures
            assert infrastructure <= INFRASTRUCTURE + 1
            assert user <= USER + 1

    @invariant()
    def finished_work_is_never_done_again(self) -> None:
        assert not self.executed_after_success

    @invariant()
    def equal_inputs_give_equal_decisions(self) -> None:
        if self.world.operator.store.parent(("TrainingRun", "team", "churn")):  # type: ignore[arg-type]
            assert self.world.decision() == self.world.decision()

    def teardown(self) -> None:
        """Everybody does their work from here on: the run must come to rest, and nothing must be written after."""
        self.world.restart()
        if not self.world.exists:
            self.world.settle()
            assert not self.world.jobs
            return
        self.world.server.update("TrainingRun", "churn", lambda run: run["spec"].update(suspend=False))
        for _ in range(40):
            self.world.pass_time(seconds=301)
            if self.world.is_terminal:
                break
            self._play_fair()
        assert self.world.is_terminal, f"{self.world.state}: {self.world.message}"
        self.world.pass_time(seconds=301)
        assert not self.world.live_pods or self.world.state == "Succeeded"
        writes = len(self.world.server.writes)
        for _ in range(2):
            self.world.restart()
            self.world.pass_time(hours=1)
        assert self.world.server.writes[writes:] == []

    def _play_fair(self) -> None:
        server = self.world.server
        for job in server.all("Job"):
            if job["spec"].get("suspend"):
                server.update("Job", job["metadata"]["name"], lambda it: it["spec"].update(suspend=False))
        self.world.settle()
        for pod in self._pods():
            if pod["status"]["phase"] == "Pending":
                controllers.start_container(server, pod["metadata"]["name"], now=self.world.now)
                self._end(server.get("Pod", pod["metadata"]["name"]), (0, a_result()))

    # Helpers of the rules.

    def _end(self, pod: Manifest, result: tuple[int, str]) -> None:
        """A training leaves its result in the store first; a recovery finds it there, or says that it is lost."""
        labels = pod["metadata"]["labels"]
        where = f"{labels['springtide.dev/uid']}/{labels['springtide.dev/attempt']}"
        if self._is_attempt(pod):
            self.stored[where] = result
        else:
            lost = (1, a_result(status="Failed", reason="ResultLost", retryable=True))
            result = self.stored.get(where, lost)
        exit_code, message = result
        mine = self.world.exists and labels["springtide.dev/uid"] == self._uid()
        if (
            mine
            and exit_code in (0, 1, 64, 137)
            and '"Succeeded"' not in message
            and '"retryable": true' not in message
        ):
            self.user_errors += 1
        controllers.end_container(
            self.world.server,
            pod["metadata"]["name"],
            now=self.world.now,
            exit_code=exit_code,
            reason="OOMKilled" if exit_code == 137 else "Error" if exit_code else "Completed",
            message=message,
        )

    def _pods(self) -> list[Manifest]:
        return list(self.world.server.all("Pod"))

    def _is_attempt(self, pod: Manifest) -> bool:
        return bool(pod["metadata"]["labels"]["springtide.dev/role"] == "attempt")

    def _uid(self) -> str:
        return str(self.world.server.get("TrainingRun", "churn")["metadata"]["uid"])

    def _terminal(self) -> bool:
        return "completionTime" in self.world.status


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=40,
    report_multiple_bugs=False,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

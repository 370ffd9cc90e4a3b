"""How an attempt ends, and whose failure that is."""

import json

import pytest

from tests.core import controllers
from tests.core.training_run.world import (
    Ending,
    World,
    a_result,
    a_run,
    crash,
    disrupted,
    ended,
    evicted,
    success,
    unreachable,
    user_error,
    vanished,
)


def _run_with_no_retries() -> World:
    return a_run(retry={"infrastructure": 0, "user": 0})


@pytest.mark.parametrize(
    ("ending", "reason", "owner"),
    [
        (user_error("ColumnNotFound"), "ColumnNotFound", "user"),
        (user_error("LossNotFinite"), "LossNotFinite", "user"),
        (unreachable("StoreUnavailable"), "StoreUnavailable", "cluster"),
        (unreachable("Interrupted"), "Interrupted", "cluster"),
        (crash(1), "TrainingFailed", "user"),
        (crash(75), "TemporaryFailure", "cluster"),
        (crash(143, ""), "TrainingFailed", "user"),
        (ended(137, reason="OOMKilled"), "OutOfMemory", "user"),
        (ended(0), "InvalidResult", "user"),
        (ended(0, message="all good!"), "InvalidResult", "user"),
        (ended(0, message='{"status": "Maybe", "reason": "X"}'), "InvalidResult", "user"),
        (evicted(), "Evicted", "cluster"),
        (evicted("Usage of EmptyDir volume tmp exceeds the limit 10Gi."), "DiskFull", "user"),
        (evicted("Pod ephemeral local storage usage exceeds the total limit of containers 1Gi."), "DiskFull", "user"),
        (disrupted("PreemptionByScheduler"), "Preempted", "cluster"),
        (disrupted("DeletionByTaintManager"), "NodeLost", "cluster"),
        (disrupted("DeletionByPodGC"), "NodeLost", "cluster"),
        (disrupted("EvictionByEvictionAPI"), "Evicted", "cluster"),
        (disrupted("TerminationByKubelet"), "Evicted", "cluster"),
        (disrupted("SomethingNew"), "Evicted", "cluster"),
        (disrupted("PreemptionByScheduler", exit_code=1), "Preempted", "cluster"),
    ],
    ids=lambda value: value if isinstance(value, str) else "when",
)
def test_every_ending_has_a_reason_and_an_owner(ending: Ending, reason: str, owner: str) -> None:
    run = _run_with_no_retries().after(ending)
    assert run.is_terminal
    assert run.state == reason
    assert run.failures == ((1, 0) if owner == "cluster" else (0, 1))
    assert run.condition("Succeeded")["status"] == "False"
    assert run.condition("Stalled")["status"] == "True"
    assert run.message


def test_a_success_is_told_with_all_that_the_container_said() -> None:
    run = a_run().after(success(memo={"key": "sha256:" + "e" * 64}))
    assert run.state == "Succeeded"
    assert run.message == "trained on 1000 rows"
    assert run.status["metrics"] == {"auc": 0.93}
    assert run.status["model"]["version"] == "1"
    assert run.status["inputs"]["rows"] == 1000
    assert run.status["memo"] == {"key": "sha256:" + "e" * 64}
    assert run.condition("Ready")["status"] == "True"
    assert run.condition("Reconciling")["status"] == "False"
    assert "failure" not in run.status["attempts"][0]


def test_a_success_counts_as_soon_as_the_container_has_said_so() -> None:
    run = a_run().start()
    terminated = {"exitCode": 0, "reason": "Completed", "message": a_result(), "finishedAt": "2026-11-23T12:00:10Z"}
    controllers.set_container(run.server, run.pod, {"terminated": terminated}, phase="Running")
    assert run.settle().state == "Succeeded"
    assert run.jobs == ["churn-a1"], "its Job ends by itself"


def test_an_answer_from_an_earlier_run_is_a_success_of_its_own_reason() -> None:
    run = a_run().after(success(reason="Memoized", memo={"key": "sha256:" + "e" * 64, "hitFrom": "team/churn-0"}))
    assert run.state == "Memoized"
    assert run.condition("Ready")["status"] == "True"
    assert run.status["memo"]["hitFrom"] == "team/churn-0"


@pytest.mark.parametrize("disruption", ["DeletionByTaintManager", "PreemptionByScheduler", "EvictionByEvictionAPI"])
def test_a_result_wins_over_whatever_takes_the_pod_away(disruption: str) -> None:
    run = _run_with_no_retries().after(disrupted(disruption, message=a_result()))
    assert run.state == "Succeeded"


def test_a_result_wins_over_deletion() -> None:
    run = _run_with_no_retries().start()
    run.stubborn = frozenset({run.pod})
    run.server.delete("Pod", run.pod)
    run.settle()
    ended(0, message=a_result(), started=False)(run)
    assert run.settle().state == "Succeeded"


def test_an_error_of_the_user_wins_over_deletion() -> None:
    run = a_run(retry={"infrastructure": 5, "user": 0}).after(
        disrupted("EvictionByEvictionAPI", message=a_result(status="Failed", reason="OneClass"), exit_code=64)
    )
    assert run.state == "OneClass"


def test_a_result_that_is_not_a_number_is_no_result() -> None:
    message = a_result().replace("0.93", "NaN")
    run = _run_with_no_retries().after(ended(0, message=message))
    assert run.state == "InvalidResult"
    assert "auc" in run.message


def test_a_result_whose_metric_has_a_name_that_the_status_cannot_hold_is_no_result() -> None:
    run = _run_with_no_retries().after(success(metrics={"a" * 65: 0.5}))
    assert run.state == "InvalidResult"


def test_the_last_words_of_a_program_that_knows_no_contract_are_kept() -> None:
    run = _run_with_no_retries().after(crash(3, "Traceback ... KeyError: 'x'\n"))
    assert run.message == "the container ended with exit code 3: Traceback ... KeyError: 'x'"


def test_last_words_of_any_length_fit() -> None:
    run = _run_with_no_retries().after(crash(3, "x" * 4096))
    assert run.is_terminal
    assert len(json.dumps(run.status)) < 16 * 1024


def test_a_pod_that_failed_before_its_container_ran_is_lost_infrastructure() -> None:
    run = _run_with_no_retries()
    status = {"phase": "Failed", "reason": "OutOfcpu", "message": "Node didn't have enough resource: cpu"}
    run.server.update("Pod", run.pod, lambda pod: pod["status"].update(status))
    run.settle()
    assert run.is_terminal
    assert run.failures == (1, 0)
    assert "Node didn't have enough resource" in run.message


def test_a_pod_that_was_deleted_before_it_ran_is_lost_infrastructure() -> None:
    run = a_run(retry={"infrastructure": 1, "user": 0})
    run.server.delete("Pod", run.pod)
    run.settle()
    assert run.failures == (1, 0)
    assert run.status["attempts"][0]["reason"] == "PodDeleted"
    assert run.attempt == 2


def test_a_deleted_pod_is_gone_before_its_job_has_failed_and_its_last_words_count() -> None:
    run = a_run(retry={"infrastructure": 1, "user": 0}).start()
    pod = run.pod
    controllers.set_pod_condition(run.server, pod, "DisruptionTarget", "True", "EvictionByEvictionAPI")
    run.server.delete("Pod", pod)
    run.kubelet_stops_pods()
    run.kubelet_stops_pods()
    assert not list(run.server.all("Pod"))
    run.deliver()
    run.reconcile()
    assert run.state == "Training"
    run.settle()
    assert run.status["attempts"][0]["reason"] == "Evicted"
    assert run.attempt == 2


def test_a_result_among_the_last_words_of_a_pod_counts() -> None:
    run = a_run().start()
    pod = run.pod
    run.server.update("Pod", pod, lambda it: it["metadata"].update(deletionTimestamp="2026-11-23T12:00:00Z"))
    controllers.end_container(run.server, pod, now=run.now, exit_code=0, reason="Completed", message=a_result())
    run.server.delete("Pod", pod)
    assert run.settle().state == "Succeeded"


def test_a_pod_that_vanishes_is_no_failure_until_its_result_was_looked_for() -> None:
    run = _run_with_no_retries().after(vanished()).pass_time(seconds=10)
    assert run.state == "RecoveringResult"
    assert not run.is_terminal


def test_a_failed_pod_ends_the_attempt_only_when_its_job_has_failed_too() -> None:
    run = a_run(settled=True).start()
    status = {"phase": "Failed", "reason": "Evicted", "message": "low on memory", "containerStatuses": []}
    run.server.update("Pod", run.pod, lambda pod: pod["status"].update(status))
    run.deliver()
    run.reconcile()
    assert run.state == "Training"
    assert run.decision().requeue_after == 5
    run.settle()
    assert run.attempt == 2


def test_a_job_that_ended_waits_a_moment_for_the_news_of_its_pod() -> None:
    run = a_run().start()
    success()(run)
    run.sync_jobs()
    run.deliver("Job")
    run.reconcile()
    assert run.state == "Training"
    run.deliver("Pod")
    run.reconcile()
    assert run.state == "Succeeded"


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_job_controller_whose_clock_is_off_by_an_hour_holds_nothing_up(hours: int) -> None:
    run = a_run(retry={"infrastructure": 0, "user": 0}).start()
    run.now = run.now.replace(hour=12 + hours)
    run.after(vanished())
    run.now = run.now.replace(hour=12)
    run.settle().pass_time(seconds=11)
    assert run.state == "RecoveringResult"

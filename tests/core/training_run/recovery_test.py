"""The result survived, the pod did not."""

from typing import Any

import pytest

from tests.core.training_run.world import (
    Ending,
    World,
    a_result,
    a_run,
    del_pod,
    disrupted,
    ended,
    success,
    unreachable,
    vanished,
)


def _run_whose_pod_vanished(**spec: Any) -> World:
    run = a_run(**spec).after(vanished()).pass_time(seconds=10)
    assert run.state == "RecoveringResult"
    return run


def test_the_result_of_a_vanished_pod_is_looked_for_in_the_artifact_store() -> None:
    run = _run_whose_pod_vanished()
    assert run.jobs == ["churn-a1", "churn-recover-a1"]
    run.after(success(startTime="2026-11-23T11:00:00Z", endTime="2026-11-23T11:30:00Z"))
    assert run.state == "Succeeded"
    assert run.attempt == 1
    assert run.status["trainingSeconds"] == 1800


def test_a_recovered_failure_of_the_user_is_the_users() -> None:
    run = _run_whose_pod_vanished().after(ended(64, message=a_result(status="Failed", reason="OneClass")))
    assert run.state == "OneClass"
    assert run.failures == (0, 1)


@pytest.mark.parametrize(
    "ending",
    [
        ended(1, message=a_result(status="Failed", reason="ResultLost", retryable=True)),
        ended(64, message=a_result(status="Failed", reason="ResultLost", retryable=True)),
    ],
)
def test_a_result_that_is_nowhere_is_lost_infrastructure(ending: Ending) -> None:
    run = _run_whose_pod_vanished().after(ending)
    assert run.failures == (1, 0)
    assert run.settle().attempt == 2
    assert len(run.live_pods) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        unreachable("StoreUnavailable"),
        unreachable("Interrupted"),
        disrupted("DeletionByTaintManager"),
        disrupted("EvictionByEvictionAPI", message=a_result(status="Failed", reason="Interrupted", retryable=True)),
    ],
)
def test_trouble_of_the_recovery_is_not_taken_for_the_attempts_end(trouble: Ending) -> None:
    run = _run_whose_pod_vanished().after(trouble)
    assert run.state == "RecoveringResult"
    run.after(success())
    assert run.state == "Succeeded"


def test_a_recovery_that_can_reach_nothing_for_long_gives_the_result_up() -> None:
    run = _run_whose_pod_vanished(retry={"infrastructure": 0}).after(*[unreachable("StoreUnavailable")] * 4)
    assert run.state == "ResultLost"


def test_a_recovery_whose_own_pod_vanished_is_done_again() -> None:
    run = _run_whose_pod_vanished()
    for _ in range(4):
        run.start()
        del_pod(run)
        run.settle()
    run.pass_time(seconds=10)
    assert run.state == "RecoveringResult"
    assert run.after(success()).state == "Succeeded"


def test_a_recovery_that_somebody_deletes_is_made_again() -> None:
    run = _run_whose_pod_vanished()
    run.server.delete("Job", "churn-recover-a1")
    run.settle()
    assert run.after(success()).state == "Succeeded"


def test_a_job_that_somebody_deletes_is_recovered_when_its_pod_has_stopped() -> None:
    run = a_run().start()
    pod = run.pod
    run.stubborn = frozenset({pod})
    run.server.delete("Job", "churn-a1")
    assert run.settle().state == "Stopping"
    assert run.jobs == [], "the pod may still write its result"
    run.stubborn = frozenset()
    assert run.settle().state == "RecoveringResult"
    assert run.after(success()).state == "Succeeded"


def test_a_run_that_ended_while_no_operator_was_there_long_enough_for_its_job_to_go_is_recovered() -> None:
    run = a_run().start()
    success()(run)
    run.sync_jobs()
    run.now = run.now.replace(month=12)
    run.server.delete("Job", "churn-a1")
    run.restart()
    assert run.settle().state == "RecoveringResult"
    assert run.after(success()).state == "Succeeded"
    assert run.attempt == 1


def test_the_recovery_waits_while_the_run_is_suspended() -> None:
    run = a_run(suspend=True)
    run.edit(suspend=False)
    run.server.update("TrainingRun", "churn", lambda it: it["spec"].update(suspend=True))
    run.server.delete("Job", "churn-a1")
    run.settle()
    assert run.state == "Suspended"
    assert run.edit(suspend=False).state == "RecoveringResult"


def test_a_recovery_says_what_happened_once() -> None:
    run = _run_whose_pod_vanished().pass_time(minutes=5)
    assert [event["reason"] for event in run.server.events] == ["RecoveringResult"]
    assert "artifact store" in run.message

"""When does the wall clock end a run?"""

from tests.core.training_run.world import a_result, a_run, ended, preempted


def test_training_past_the_deadline_ends_the_run_and_its_job() -> None:
    run = a_run(deadlineSeconds=100).start()
    assert run.decision().requeue_after == 100
    assert not run.pass_time(seconds=99).is_terminal
    run.pass_time(seconds=1)
    assert run.state == "DeadlineExceeded"
    assert "100 s of spec.deadlineSeconds" in run.message
    assert run.jobs == []
    assert run.status["trainingSeconds"] == 100


def test_waiting_for_a_node_is_not_training() -> None:
    run = a_run(deadlineSeconds=100).pass_time(hours=3).start().pass_time(seconds=90)
    assert run.state == "Training"


def test_all_attempts_count() -> None:
    run = a_run(deadlineSeconds=100, retry={"infrastructure": 5}).after(preempted())
    run.start()
    assert run.decision().requeue_after == 40
    assert run.pass_time(seconds=40).state == "DeadlineExceeded"
    assert run.status["trainingSeconds"] == 100


def test_an_attempt_that_ends_past_the_deadline_gets_no_successor() -> None:
    run = a_run(deadlineSeconds=100, retry={"infrastructure": 5}).after(ended(75, lasting=101))
    assert run.state == "DeadlineExceeded"


def test_the_users_own_error_is_told_even_past_the_deadline() -> None:
    assert a_run(deadlineSeconds=100).after(ended(1, lasting=101)).state == "TrainingFailed"


def test_a_success_past_the_deadline_is_a_success() -> None:
    assert a_run(deadlineSeconds=100).after(ended(message=a_result(), lasting=101)).state == "Succeeded"


def test_a_node_whose_clock_is_ahead_does_not_lengthen_the_training() -> None:
    run = a_run(deadlineSeconds=100)
    noon = run.now
    run.now = noon.replace(hour=13)
    run.start()
    run.now = noon
    run.settle()
    assert run.decision().requeue_after == 100


def test_a_run_without_a_deadline_is_not_looked_at_again_for_one() -> None:
    assert a_run().start().decision().requeue_after is None


def test_a_crash_between_the_verdict_and_its_execution_changes_nothing() -> None:
    run = a_run(deadlineSeconds=100).start()
    run.now = run.now.replace(minute=30)
    run.reconcile()
    assert run.state == "DeadlineExceeded"
    run.restart()
    assert run.settle().jobs == []
    assert run.state == "DeadlineExceeded"


def test_a_pod_that_does_not_stop_still_has_a_deadline() -> None:
    run = a_run(deadlineSeconds=100).start()
    run.stubborn = frozenset({run.pod})
    run.server.delete("Pod", run.pod)
    assert run.settle().state == "Stopping"
    assert run.pass_time(seconds=100).state == "DeadlineExceeded"

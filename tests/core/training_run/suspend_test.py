"""Waiting at the user's wish, and at a queue's."""

from typing import Any

from tests.core import controllers
from tests.core.training_run.world import World, a_result, a_run, crash, ended, success

KUEUE = frozenset({"kueue.x-k8s.io"})


def test_a_run_that_is_made_suspended_starts_nothing() -> None:
    run = a_run(suspend=True)
    assert run.jobs == []
    assert run.state == "Suspended"
    assert run.condition("Queued")["status"] == "True"
    assert run.condition("Stalled")["status"] == "False"


def test_suspension_stops_the_pod_without_spending_a_retry() -> None:
    run = a_run(retry={"infrastructure": 0, "user": 0}).start().edit(suspend=True)
    assert run.jobs == []
    assert run.state == "Suspended"
    assert run.status["attempts"][0]["failure"] == "Suspended"
    run.edit(suspend=False).after(success())
    assert run.state == "Succeeded"
    assert run.failures == (0, 0)
    assert run.attempt == 2


def test_suspension_counts_the_training_until_then() -> None:
    run = a_run(deadlineSeconds=100).start()
    run.now = run.now.replace(minute=1)
    run.edit(suspend=True)
    assert run.status["trainingSeconds"] == 60
    run.pass_time(hours=2)
    run.edit(suspend=False).start()
    assert run.decision().requeue_after == 40


def test_the_next_attempt_waits_until_the_pod_of_the_suspended_one_has_stopped() -> None:
    run = a_run().start()
    pod = run.pod
    run.stubborn = frozenset({pod})
    run.edit(suspend=True)
    run.edit(suspend=False)
    assert run.state == "Stopping"
    assert pod in run.message
    assert run.live_pods == [pod]
    run.stubborn = frozenset()
    assert run.settle().state == "Starting"
    assert run.attempt == 2
    assert len(run.live_pods) == 1


def test_suspension_of_finished_work_changes_nothing() -> None:
    run = a_run().start()
    success()(run)
    run.sync_jobs()
    run.server.update("TrainingRun", "churn", lambda it: it["spec"].update(suspend=True))
    run.deliver("Job")
    run.deliver("TrainingRun")
    run.reconcile()
    assert run.jobs == ["churn-a1"], "the Job has ended, only the news of its pod is late"
    assert run.settle().state == "Succeeded"


def test_a_crash_in_the_midst_of_a_suspension_spends_nothing() -> None:
    run = a_run(retry={"infrastructure": 0, "user": 0}).start()
    run.server.update("TrainingRun", "churn", lambda it: it["spec"].update(suspend=True))
    run.deliver()
    run.reconcile()
    run.restart()
    run.reconcile()
    run.restart()
    run.settle().edit(suspend=False).after(success())
    assert run.state == "Succeeded"
    assert run.failures == (0, 0)


def test_resuming_within_the_back_off_says_what_is_waited_for() -> None:
    run = a_run(retry={"user": 1}).after(crash())
    run.edit(suspend=True)
    run.edit(suspend=False)
    assert run.state == "Retrying"
    assert run.status["observedGeneration"] == 3
    assert run.pass_time(seconds=10).attempt == 2


def test_a_queue_holds_the_job_and_the_run_says_so_in_its_words() -> None:
    run = _queued_run()
    assert run.state == "Queued"
    assert run.condition("Queued")["status"] == "True"
    assert run.message == "waiting to be admitted by queue default"
    _admit(run)
    assert run.start().state == "Training"
    assert run.condition("Queued")["status"] == "False"


def test_a_job_that_its_queue_preempts_goes_on_as_the_same_attempt() -> None:
    run = _queued_run()
    _admit(run)
    run.start().pass_time(seconds=30)
    run.server.update("Job", "churn-a1", lambda job: job["spec"].update(suspend=True))
    run.settle()
    assert run.state == "Queued"
    assert run.jobs == ["churn-a1"]
    assert run.failures == (0, 0)
    _admit(run)
    run.after(success())
    assert run.state == "Succeeded"
    assert run.attempt == 1


def test_a_pod_that_its_queue_takes_away_does_not_end_the_attempt_though_the_jobs_news_is_late() -> None:
    run = _queued_run()
    _admit(run)
    run.start()
    run.server.update("Job", "churn-a1", lambda job: job["spec"].update(suspend=True))
    run.server.delete("Pod", run.pod)
    controllers.end_container(run.server, run.pod, now=run.now, exit_code=143, reason="Error", message="")
    run.deliver("Pod")
    run.reconcile()
    assert run.attempt == 1
    assert run.settle().state == "Queued"


def test_training_before_a_preemption_counts_towards_the_deadline() -> None:
    run = _queued_run(deadlineSeconds=100)
    _admit(run)
    run.start().pass_time(seconds=30)
    run.server.update("Job", "churn-a1", lambda job: job["spec"].update(suspend=True))
    run.settle().pass_time(hours=1)
    assert run.status["trainingSeconds"] == 30
    _admit(run)
    run.start()
    assert run.decision().requeue_after == 70
    run.pass_time(seconds=20)
    ended(0, message=a_result(), started=False, lasting=0)(run)
    assert run.settle().status["trainingSeconds"] == 50


def _queued_run(**spec: Any) -> World:
    return a_run(capabilities=KUEUE, queueName="default", **spec)


def _admit(run: World) -> None:
    run.server.update("Job", "churn-a1", lambda job: job["spec"].update(suspend=False))
    run.settle()

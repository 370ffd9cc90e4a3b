"""May there be another attempt, and when?"""

import pytest

from tests.core.training_run.world import (
    World,
    a_run,
    crash,
    ended,
    evicted,
    preempted,
    success,
    unreachable,
    user_error,
)


def test_a_preempted_pod_does_not_spend_the_users_retries() -> None:
    run = a_run(retry={"infrastructure": 10, "user": 1}).after(preempted(), preempted(), user_error())
    assert run.failures == (2, 1)
    assert not run.is_terminal
    assert run.pass_time(minutes=1).attempt == 4


def test_an_error_of_the_user_is_not_retried_unless_the_user_asks() -> None:
    run = a_run().after(user_error())
    assert run.is_terminal
    assert run.attempt == 1


def test_the_users_retries_are_spent_one_by_one() -> None:
    run = a_run(retry={"user": 2}).after(crash(), crash())
    assert not run.is_terminal
    run.after(crash())
    assert run.is_terminal
    assert run.failures == (0, 3)
    assert run.attempt == 3


def test_lost_infrastructure_has_an_end_and_says_so() -> None:
    run = a_run(retry={"infrastructure": 2}).after(evicted(), evicted(), evicted())
    assert run.is_terminal
    assert run.state == "Evicted"
    assert "given up after 3 such losses (spec.retry.infrastructure)" in run.message


def test_a_lost_pod_is_replaced_at_once_and_more_of_them_with_growing_delay() -> None:
    run = a_run(retry={"infrastructure": 100})
    delays = [_seconds_until_the_next_attempt(run, after=preempted()) for _ in range(10)]
    assert delays == [0, 0, 0, 5, 10, 20, 40, 80, 160, 300]


def test_what_cannot_be_reached_is_waited_for_from_the_first_time() -> None:
    run = a_run(retry={"infrastructure": 100})
    delays = [_seconds_until_the_next_attempt(run, after=unreachable()) for _ in range(8)]
    assert delays == [5, 10, 20, 40, 80, 160, 300, 300]


def test_the_users_errors_are_retried_with_growing_delay() -> None:
    run = a_run(retry={"user": 3})
    assert [_seconds_until_the_next_attempt(run, after=crash()) for _ in range(3)] == [5, 10, 20]


def test_back_off_starts_when_the_end_was_seen_whatever_the_nodes_clock_says() -> None:
    run = a_run(retry={"user": 1}).start()
    at = run.now
    run.now = at.replace(hour=15)
    ended(1, started=False, lasting=0)(run)
    run.now = at
    run.settle()
    assert run.state == "Retrying"
    assert run.pass_time(seconds=5).attempt == 2


def test_a_run_says_why_it_is_tried_again() -> None:
    run = a_run(retry={"user": 1}).after(user_error())
    assert run.state == "Retrying"
    assert run.message == "attempt 1 ended with ColumnNotFound: no column x; there will be another"
    assert run.decision().requeue_after == 5
    assert [event["reason"] for event in run.server.events] == ["ColumnNotFound"]


def test_the_newest_twenty_attempts_are_kept() -> None:
    run = a_run(retry={"infrastructure": 100}).after(*[preempted()] * 24, success())
    assert [attempt["number"] for attempt in run.status["attempts"]] == list(range(6, 26))
    assert run.state == "Succeeded"
    assert run.failures == (24, 0)


@pytest.mark.parametrize("delivered", ["Job", "Pod"])
def test_the_next_attempt_comes_without_any_further_news(delivered: str) -> None:
    run = a_run(retry={"infrastructure": 1}).start()
    preempted()(run)
    run.sync_jobs()
    run.deliver(delivered)
    run.reconcile()
    run.deliver()
    run.reconcile()
    assert run.state == "Retrying"
    assert len(run.operator.queue), "the operator's own write calls for another pass"
    run.reconcile()
    assert run.jobs == ["churn-a1", "churn-a2"]


def _seconds_until_the_next_attempt(run: World, *, after: object) -> int:
    number = run.attempt
    run.after(after)  # type: ignore[arg-type]
    for seconds in range(0, 400, 5):
        if run.attempt > number:
            return seconds
        run.pass_time(seconds=5)
    raise AssertionError(f"no attempt after {number} came; {run.state}: {run.message}")

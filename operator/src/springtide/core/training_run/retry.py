"""May there be another attempt, and when?"""

from datetime import datetime

from springtide.core import backoff
from springtide.core.ending import Ending
from springtide.core.training_run.snapshot import TrainingRunSnapshot


def may_retry(run: TrainingRunSnapshot, end: Ending) -> bool:
    """Whether the run may have another attempt after this one.

    Lost infrastructure (eviction, node loss, preemption) has a budget of its own and never spends the user's: a spot
    node that dies ten times is no bug in the user's code. What the user's code reports as its own error is retried
    only if the user asked for that, because the same input fails the same way.
    """
    assert run.spec is not None, "a run whose spec does not parse has no attempts"
    if end.failure == "Infrastructure":
        return run.status.failures.infrastructure < run.spec.retry.infrastructure
    return run.status.failures.user < run.spec.retry.user


def not_before(run: TrainingRunSnapshot) -> datetime | None:
    """The earliest time of the next attempt, or None if it may start at once: 5 s doubling to 300 s."""
    if not run.status.attempts:
        return None
    last = run.status.attempts[-1]
    if last.end_time is None or last.failure in (None, "Suspended"):
        return None
    failures = run.status.failures
    if last.failure == "Infrastructure":
        return backoff.after_loss(last.end_time, failures=failures.infrastructure, reason=last.reason or "")
    return backoff.after_failure(last.end_time, failures=failures.user)

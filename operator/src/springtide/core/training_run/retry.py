"""May there be another attempt, and when?"""

from datetime import datetime, timedelta

from springtide.api.constants import Reason
from springtide.api.training_run import Failures
from springtide.core.training_run.ending import Ending
from springtide.core.training_run.snapshot import TrainingRunSnapshot

FIRST_DELAY = timedelta(seconds=5)
LONGEST_DELAY = timedelta(seconds=300)

# Something that cannot be reached now will not be there a moment later; a lost pod's successor can start at once.
_UNREACHABLE = frozenset({Reason.TRACKING_UNAVAILABLE, Reason.STORE_UNAVAILABLE, Reason.TEMPORARY_FAILURE})
_FREE_LOSSES = 3
"""So many lost pods are replaced at once; more of them may mean that we are the cause."""


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
    exponent = _exponent(run.status.failures, last.reason or "", infrastructure=last.failure == "Infrastructure")
    if exponent < 0:
        return None
    doublings: int = 2 ** min(exponent, 10)
    return last.end_time + min(FIRST_DELAY * doublings, LONGEST_DELAY)


def _exponent(failures: Failures, reason: str, *, infrastructure: bool) -> int:
    if not infrastructure:
        return failures.user - 1
    return failures.infrastructure - 1 - (0 if reason in _UNREACHABLE else _FREE_LOSSES)

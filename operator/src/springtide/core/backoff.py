"""When may the next attempt start? 5 s after the first failure, doubling to 300 s."""

from datetime import datetime, timedelta

from springtide.api.constants import Reason

FIRST_DELAY = timedelta(seconds=5)
LONGEST_DELAY = timedelta(seconds=300)

# What cannot be reached or found now will not be there a moment later; a lost pod's successor can start at once.
_UNREACHABLE = frozenset(
    {
        Reason.TRACKING_UNAVAILABLE,
        Reason.STORE_UNAVAILABLE,
        Reason.ACCESS_DENIED,
        Reason.CHAMPION_NOT_FOUND,
        Reason.TEMPORARY_FAILURE,
    }
)
_FREE_LOSSES = 3
"""So many lost pods are replaced at once; more of them may mean that we are the cause."""


def after_failure(end: datetime, *, failures: int) -> datetime | None:
    """The earliest time after so many failures, the last of which ended at `end`; None: at once."""
    if failures < 1:
        return None
    doublings: int = 2 ** min(failures - 1, 10)
    return end + min(FIRST_DELAY * doublings, LONGEST_DELAY)


def after_loss(end: datetime, *, failures: int, reason: str) -> datetime | None:
    """The same after so many losses of infrastructure, the last of them for this reason."""
    return after_failure(end, failures=failures if reason in _UNREACHABLE else failures - _FREE_LOSSES)

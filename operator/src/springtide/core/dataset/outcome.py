"""What the end of a refresh means for the Dataset."""

from datetime import datetime

from springtide.api.constants import Reason
from springtide.api.dataset import CurrentRefresh, DatasetStatus, LastRefresh
from springtide.api.task import Result
from springtide.core.dataset import retention
from springtide.core.ending import Ending

MESSAGE_LIMIT = 1024


def lost(status: DatasetStatus, refresh: CurrentRefresh, end: Ending, *, now: datetime) -> DatasetStatus:
    """The status after an attempt whose infrastructure was lost: the refresh goes on with another.

    There is no budget. A refresh does nothing twice, the delay between attempts grows to minutes, and the store or
    the node that is missed today is back tomorrow.
    """
    following = refresh.model_copy(
        update={
            "attempt": refresh.attempt + 1,
            "failures": refresh.failures + 1,
            "failure_time": now.replace(microsecond=0),
            "failure_reason": end.reason,
        }
    )
    return status.model_copy(update={"current_refresh": following})


def ended(status: DatasetStatus, refresh: CurrentRefresh, end: Ending, *, now: datetime) -> DatasetStatus:
    """The status after a refresh that has ended, well or not. What was published before stays if it did not."""
    end = _checked(status, end)
    last = LastRefresh(
        number=refresh.number,
        trigger=refresh.trigger,
        due_time=refresh.due_time,
        time=now.replace(microsecond=0),
        outcome=end.reason,
        message=end.message[:MESSAGE_LIMIT],
        violations=end.result.violations if end.result else (),
        demand=refresh.demand,
        source_state=end.result.source_state if end.result else None,
    )
    if end.failure is None:
        assert end.result is not None, "only a result makes a success"
        if end.result.snapshot:
            status = retention.add(status, end.result.snapshot)
        else:
            last = _as_before(status, last)
        status = status.model_copy(update={"removing": ()})  # the Job has removed them
    return status.model_copy(update={"current_refresh": None, "last_refresh": last})


def was_good(last: LastRefresh) -> bool:
    """Whether the latest snapshot is the source as it was last seen."""
    return last.outcome in (Reason.REFRESHED, Reason.UNCHANGED)


def _as_before(status: DatasetStatus, last: LastRefresh) -> LastRefresh:
    """The source is the one of the refresh before and was not read: if that one refused it, it is still refused."""
    before = status.last_refresh
    if before is None or was_good(before):
        return last
    return last.model_copy(
        update={"outcome": before.outcome, "message": before.message, "violations": before.violations}
    )


def _checked(status: DatasetStatus, end: Ending) -> Ending:
    """The ending, unless it is a success that nothing was made of."""
    result: Result | None = end.result
    if end.failure is not None or (result and result.snapshot):
        return end
    if result and result.reason == Reason.UNCHANGED and status.last_refresh:
        return end
    message = f"the container ended well with reason {end.reason}, but named no snapshot"
    return Ending("User", Reason.INVALID_RESULT, message)

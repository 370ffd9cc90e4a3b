"""Is the newest data younger than the contract demands, and when will it not be any more?"""

from datetime import UTC, datetime, timedelta

from springtide.api.constants import ConditionType, Reason
from springtide.api.dataset import Contract, Snapshot
from springtide.core.conditions import Statement, Truth

END = datetime.max.replace(tzinfo=UTC)


def turning(contract: Contract, latest: Snapshot | None, *, now: datetime) -> datetime | None:
    """When `statement` will be another though nothing happens; None: never."""
    if latest is None or contract.max_age_seconds is None:
        return None
    newest = _newest(latest)
    times = (newest, _stale_from(newest, seconds=contract.max_age_seconds))
    return next((time for time in times if time > now), None)


def statement(contract: Contract, latest: Snapshot | None, *, now: datetime) -> Statement:
    """The condition. An event time that lies in the future says nothing of how old the data is."""
    if latest is None:
        return _fresh("Unknown", Reason.NO_SNAPSHOT, "there is no snapshot yet")
    if contract.max_age_seconds is None:
        return _fresh("True", Reason.NO_MAXIMUM_AGE, "spec.contract.maxAgeSeconds is not set: no age is too great")
    newest = _newest(latest)
    what = f"the newest row is of {_stamp(newest)}" if latest.event_time_max else f"it is of {_stamp(newest)}"
    if newest > now:
        return _fresh("Unknown", Reason.EVENT_TIME_IN_FUTURE, f"{what}, which is yet to come")
    if now >= _stale_from(newest, seconds=contract.max_age_seconds):
        return _fresh("False", Reason.STALE, f"{what}, longer ago than spec.contract.maxAgeSeconds allows")
    return _fresh("True", Reason.FRESH, what)


def _newest(latest: Snapshot) -> datetime:
    return latest.event_time_max or latest.created_time


def _stale_from(newest: datetime, *, seconds: int) -> datetime:
    """When data has grown too old; `END` where the calendar ends before, as with the 9999-12-31 that means never."""
    try:
        return newest + timedelta(seconds=seconds)
    except OverflowError:
        return END


def _stamp(time: datetime) -> str:
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")


def _fresh(truth: Truth, reason: Reason, message: str) -> Statement:
    return Statement(ConditionType.FRESH, truth, reason, message)

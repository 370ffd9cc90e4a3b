"""Is a refresh due, why, and when will the next one be?

However much of a schedule was missed, one refresh makes up for it: it reads the source as it is now. See `core.due`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from springtide.api.dataset import Refresh, Trigger
from springtide.core import due as due_times
from springtide.core import schedule
from springtide.core.dataset.demand import demand_of
from springtide.core.dataset.observed import ObservedDataset
from springtide.core.due import Known, Missed, come_round


@dataclass(frozen=True)
class Due:
    """A refresh is due. time: since when."""

    trigger: Trigger
    time: datetime


def due(dataset: ObservedDataset, *, now: datetime) -> Due | Missed | None:
    """What is due now; nothing is while the Dataset is suspended."""
    assert dataset.spec is not None, "nothing is due where the spec does not parse"
    status, last = dataset.status, dataset.status.last_refresh
    if dataset.spec.suspend:
        return None
    if last is None:
        return Due("Created", dataset.created)
    if dataset.asked and dataset.asked != status.manual_refresh:
        return Due("Manual", now)
    if last.demand != demand_of(dataset.spec):
        return Due("Changed", now)
    refresh, planned = dataset.spec.refresh, next_time(dataset, now=now)
    if refresh is None or planned is None or planned > now:
        return None
    if refresh.schedule is None:
        return Due("Interval", planned)
    match come_round(refresh, planned, now=now):
        case Missed() as missed:
            return missed
        case time:
            return Due("Schedule", time) if time else None


def next_time(dataset: ObservedDataset, *, now: datetime) -> datetime | None:
    """When the next refresh is due, which may have passed; None where none is planned."""
    assert dataset.spec is not None, "nothing is planned where the spec does not parse"
    refresh, status = dataset.spec.refresh, dataset.status
    if refresh is None or dataset.spec.suspend:
        return None
    if refresh.on_change_seconds:
        last = None if status.current_refresh else status.last_refresh  # counted from the end of the one before
        return last.time + timedelta(seconds=refresh.on_change_seconds) if last else None
    return due_times.planned(refresh, Known(status.schedule, status.next_refresh_time), now=now)


def after_this(dataset: ObservedDataset, *, now: datetime) -> datetime | None:
    """The next time when all times until now have been seen to."""
    assert dataset.spec is not None, "nothing is planned where the spec does not parse"
    refresh, planned = dataset.spec.refresh, next_time(dataset, now=now)
    if refresh is None or planned is None or refresh.schedule is None:
        return planned
    return due_times.after_this(refresh, planned, now=now)


def words(refresh: Refresh) -> str:
    """When it is refreshed, in words: two that differ in these are due at different times."""
    return f"every {refresh.on_change_seconds} s" if refresh.on_change_seconds else schedule.words(refresh)

"""Is a refresh due, why, and when will the next one be?

The time of the next refresh is kept in the status, so that what was missed while no operator was there can be told
from what never was to be. However much was missed, one refresh makes up for it: it reads the source as it is now.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from springtide.api.dataset import Refresh, Trigger
from springtide.core.dataset import schedule
from springtide.core.dataset.demand import demand_of
from springtide.core.dataset.observed import ObservedDataset


@dataclass(frozen=True)
class Due:
    """A refresh is due. time: since when."""

    trigger: Trigger
    time: datetime


@dataclass(frozen=True)
class Missed:
    """A time of the schedule came round when nobody was there, and is too old to be made up for."""

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
    newest = schedule.newest_until(refresh, now, since=planned)
    if _is_too_old(refresh, newest, now=now):
        return Missed(newest)
    return Due("Schedule", newest)


def next_time(dataset: ObservedDataset, *, now: datetime) -> datetime | None:
    """When the next refresh is due, which may have passed; None where none is planned.

    A schedule counts from the moment it is first seen: an edit and the end of a suspension bring nothing forth that
    lies before them.
    """
    assert dataset.spec is not None, "nothing is planned where the spec does not parse"
    refresh, status = dataset.spec.refresh, dataset.status
    if refresh is None or dataset.spec.suspend:
        return None
    if refresh.on_change_seconds:
        last = None if status.current_refresh else status.last_refresh  # counted from the end of the one before
        return last.time + timedelta(seconds=refresh.on_change_seconds) if last else None
    if status.next_refresh_time and status.schedule == schedule.words(refresh):
        return status.next_refresh_time
    return schedule.next_after(refresh, now)


def after_this(dataset: ObservedDataset, *, now: datetime) -> datetime | None:
    """The next time when all times until now have been seen to."""
    assert dataset.spec is not None, "nothing is planned where the spec does not parse"
    refresh, planned = dataset.spec.refresh, next_time(dataset, now=now)
    if refresh is None or planned is None or refresh.schedule is None or planned > now:
        return planned
    return schedule.next_after(refresh, now)


def _is_too_old(refresh: Refresh, time: datetime, *, now: datetime) -> bool:
    deadline = refresh.starting_deadline_seconds
    return deadline is not None and now - time > timedelta(seconds=deadline)

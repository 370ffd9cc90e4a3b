"""Has a time of a schedule come, and which will be the next?

The next time is kept in the status, beside the schedule that it was computed from, so that what was missed while no
operator was there can be told from what never was to be. However much was missed, one piece of work makes up for it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from springtide.core import schedule
from springtide.core.schedule import Scheduled


@dataclass(frozen=True)
class Missed:
    """A time of the schedule came round when nobody was there, and is too old to be made up for."""

    time: datetime


@dataclass(frozen=True)
class Known:
    """The plan as the status has it. words: the schedule that `time` was computed from."""

    words: str | None
    time: datetime | None


def planned(cron: Scheduled, known: Known, *, now: datetime) -> datetime:
    """The next time, which may have passed.

    A schedule counts from the moment it is first seen: an edit and the end of a suspension bring nothing forth that
    lies before them.
    """
    if known.time and known.words == schedule.words(cron):
        return known.time
    return schedule.next_after(cron, now)


def come_round(cron: Scheduled, planned: datetime, *, now: datetime) -> datetime | Missed | None:
    """The newest time that has come, from the planned one on; None where even that is yet to come."""
    if planned > now:
        return None
    newest = schedule.newest_until(cron, now, since=planned)
    deadline = cron.starting_deadline_seconds
    if deadline is not None and now - newest > timedelta(seconds=deadline):
        return Missed(newest)
    return newest


def after_this(cron: Scheduled, planned: datetime, *, now: datetime) -> datetime:
    """The next time when all times until now have been seen to."""
    return planned if planned > now else schedule.next_after(cron, now)

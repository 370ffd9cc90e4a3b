"""When a cron schedule comes round: five fields in a time zone, as a CronJob has them.

Clocks that are put forward: what lies in the hour that is left out comes right after it. Clocks that are put back: a
schedule of fixed hours comes once, one of every hour comes in both (cronsim, which does as Debian's cron).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Protocol
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

DEFAULT_ZONE = "Etc/UTC"
_ANY_TIME = datetime(2026, 1, 1, tzinfo=UTC)
# Looked back by, one after the other, until there was a time in between: few times lie in the last one that is needed.
_WINDOWS = tuple(timedelta(days=days) for days in (1 / 24, 1, 35, 366, 366 * 9))


class Scheduled(Protocol):
    """What may have a schedule: the fields of `api.schedule`."""

    @property
    def schedule(self) -> str | None:
        """Five fields; None: there is none."""

    @property
    def time_zone(self) -> str | None:
        """Where its hours are counted; None: `DEFAULT_ZONE`."""

    @property
    def starting_deadline_seconds(self) -> int | None:
        """By so much a time may be missed."""


def words(cron: Scheduled) -> str:
    """The schedule in words: two that differ in these come round at different times."""
    return f"{cron.schedule} {_zone_name(cron)}"


def problem(cron: Scheduled, *, field: str) -> str | None:
    """What is wrong with the schedule or its time zone, if anything. field: where it stands, such as `spec.refresh`."""
    if cron.schedule is None:
        return None
    try:
        ZoneInfo(_zone_name(cron))
    except (KeyError, ValueError, OSError):
        return f"{field}.timeZone: {_zone_name(cron)} is no time zone; write one such as Europe/Berlin"
    try:
        next_after(cron, _ANY_TIME)
    except CronSimError as error:
        what = str(error)
    except StopIteration:
        what = "it never comes round"
    else:
        return None
    return f"{field}.schedule: {cron.schedule!r} is no schedule: {what}"


def next_after(cron: Scheduled, time: datetime) -> datetime:
    """The first time of the schedule after `time`, in UTC. Raises CronSimError and StopIteration for a bad one."""
    return next(_times(cron, after=time))


def newest_until(cron: Scheduled, now: datetime, *, since: datetime) -> datetime:
    """The newest time of the schedule that is not after `now`. since: a time of it that is not after now either."""
    for window in _WINDOWS:
        begin = max(since, now - window)
        if found := tuple(takewhile(lambda time: time <= now, _times(cron, after=begin))):
            return found[-1]
        if begin == since:
            break
    return since


def _times(cron: Scheduled, *, after: datetime) -> Iterator[datetime]:
    # In the hour that comes twice, cronsim may begin in the first of the two though we asked in the second.
    times = CronSim(str(cron.schedule), after.astimezone(ZoneInfo(_zone_name(cron))))
    return (utc for time in times if (utc := time.astimezone(UTC)) > after)


def _zone_name(cron: Scheduled) -> str:
    return cron.time_zone or DEFAULT_ZONE

"""When a cron schedule comes round: five fields in a time zone, as a CronJob has them.

Clocks that are put forward: what lies in the hour that is left out comes right after it. Clocks that are put back: a
schedule of fixed hours comes once, one of every hour comes in both (cronsim, which does as Debian's cron).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from springtide.api.dataset import Refresh

DEFAULT_ZONE = "Etc/UTC"
_ANY_TIME = datetime(2026, 1, 1, tzinfo=UTC)
# Looked back by, one after the other, until there was a time in between: few times lie in the last one that is needed.
_WINDOWS = tuple(timedelta(days=days) for days in (1 / 24, 1, 35, 366, 366 * 9))


def words(refresh: Refresh) -> str:
    """The schedule in words: two that differ in these come round at different times."""
    if refresh.on_change_seconds:
        return f"every {refresh.on_change_seconds} s"
    return f"{refresh.schedule} {_zone_name(refresh)}"


def problem(refresh: Refresh) -> str | None:
    """What is wrong with the schedule or its time zone, if anything."""
    if refresh.schedule is None:
        return None
    try:
        ZoneInfo(_zone_name(refresh))
    except (KeyError, ValueError, OSError):
        return f"spec.refresh.timeZone: {_zone_name(refresh)} is no time zone; write one such as Europe/Berlin"
    try:
        next_after(refresh, _ANY_TIME)
    except CronSimError as error:
        what = str(error)
    except StopIteration:
        what = "it never comes round"
    else:
        return None
    return f"spec.refresh.schedule: {refresh.schedule!r} is no schedule: {what}"


def next_after(refresh: Refresh, time: datetime) -> datetime:
    """The first time of the schedule after `time`, in UTC. Raises CronSimError and StopIteration for a bad one."""
    return next(_times(refresh, after=time))


def newest_until(refresh: Refresh, now: datetime, *, since: datetime) -> datetime:
    """The newest time of the schedule that is not after `now`. since: a time of it that is not after now either."""
    for window in _WINDOWS:
        begin = max(since, now - window)
        if found := tuple(takewhile(lambda time: time <= now, _times(refresh, after=begin))):
            return found[-1]
        if begin == since:
            break
    return since


def _times(refresh: Refresh, *, after: datetime) -> Iterator[datetime]:
    # In the hour that comes twice, cronsim may begin in the first of the two though we asked in the second.
    times = CronSim(str(refresh.schedule), after.astimezone(ZoneInfo(_zone_name(refresh))))
    return (utc for time in times if (utc := time.astimezone(UTC)) > after)


def _zone_name(refresh: Refresh) -> str:
    return refresh.time_zone or DEFAULT_ZONE

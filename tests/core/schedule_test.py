"""When a cron schedule comes round, in zones that put their clocks forward and back."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from springtide.api.dataset import Refresh
from springtide.core import schedule

BERLIN = "Europe/Berlin"


def _refresh(text: str, zone: str | None = None) -> Refresh:
    return Refresh(schedule=text, time_zone=zone)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("text", "zone", "after", "expected"),
    [
        ("0 * * * *", None, "2026-11-23T12:00:00Z", "2026-11-23T13:00:00Z"),
        ("0 * * * *", None, "2026-11-23T11:59:59.5Z", "2026-11-23T12:00:00Z"),
        ("*/15 * * * *", None, "2026-11-23T12:01:00Z", "2026-11-23T12:15:00Z"),
        ("30 4 1 * *", None, "2026-11-23T12:00:00Z", "2026-12-01T04:30:00Z"),
        ("0 3 * * MON", None, "2026-11-23T12:00:00Z", "2026-11-30T03:00:00Z"),
        ("0 0 29 2 *", None, "2026-11-23T12:00:00Z", "2028-02-29T00:00:00Z"),
        ("0 9 * * *", BERLIN, "2026-11-23T00:00:00Z", "2026-11-23T08:00:00Z"),
        ("0 9 * * *", BERLIN, "2026-07-01T00:00:00Z", "2026-07-01T07:00:00Z"),
        ("0 9 * * *", "Asia/Kolkata", "2026-07-01T00:00:00Z", "2026-07-01T03:30:00Z"),
        # Clocks are put forward on 2026-03-29: 02:30 does not exist and comes right after the gap, once.
        ("30 2 * * *", BERLIN, "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"),
        ("30 2 * * *", BERLIN, "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"),
        ("0 * * * *", BERLIN, "2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z"),
        # Clocks are put back on 2026-10-25: 02:30 comes twice; a fixed hour counts once, every hour counts both.
        ("30 2 * * *", BERLIN, "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"),
        ("30 2 * * *", BERLIN, "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
        ("45 2 * * *", BERLIN, "2026-10-25T01:10:00Z", "2026-10-26T01:45:00Z"),
        ("30 * * * *", BERLIN, "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"),
    ],
)
def test_the_next_time(text: str, zone: str | None, after: str, expected: str) -> None:
    assert schedule.next_after(_refresh(text, zone), _at(after)) == _at(expected)


@pytest.mark.parametrize(
    ("text", "zone", "since", "now", "expected"),
    [
        ("0 * * * *", None, "2026-11-23T12:00:00Z", "2026-11-23T12:00:00Z", "2026-11-23T12:00:00Z"),
        ("0 * * * *", None, "2026-11-23T12:00:00Z", "2026-11-23T17:59:59Z", "2026-11-23T17:00:00Z"),
        ("* * * * *", None, "2001-01-01T00:00:00Z", "2026-11-23T17:59:59Z", "2026-11-23T17:59:00Z"),
        ("0 0 29 2 *", None, "2004-02-29T00:00:00Z", "2026-11-23T17:59:59Z", "2024-02-29T00:00:00Z"),
        ("0 0 1 1 *", None, "2020-01-01T00:00:00Z", "2026-11-23T17:59:59Z", "2026-01-01T00:00:00Z"),
        ("30 2 * * *", BERLIN, "2026-03-20T01:30:00Z", "2026-03-29T20:00:00Z", "2026-03-29T01:00:00Z"),
        ("30 2 * * *", BERLIN, "2026-10-20T00:30:00Z", "2026-10-25T20:00:00Z", "2026-10-25T00:30:00Z"),
    ],
)
def test_the_newest_time_that_has_come(text: str, zone: str | None, since: str, now: str, expected: str) -> None:
    found = schedule.newest_until(_refresh(text, zone), _at(now), since=_at(since))
    assert found == _at(expected)


TEXTS = st.sampled_from(["* * * * *", "*/7 * * * *", "0 * * * *", "30 2 * * *", "15 1,2,3 * * *", "0 3 * * SUN"])
ZONES = st.sampled_from(["Etc/UTC", BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
TIMES = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(TEXTS, ZONES, TIMES, st.timedeltas(timedelta(), timedelta(days=20)))
def test_looking_back_finds_what_looking_forward_step_by_step_does(
    text: str, zone: str, start: datetime, later: timedelta
) -> None:
    refresh = _refresh(text, zone)
    since = schedule.next_after(refresh, start)
    now = since + later
    found = schedule.newest_until(refresh, now, since=since)
    assert since <= found <= now < schedule.next_after(refresh, found)


@given(TEXTS, ZONES, TIMES)
def test_times_only_go_forward(text: str, zone: str, start: datetime) -> None:
    first = schedule.next_after(_refresh(text, zone), start)
    assert start < first < schedule.next_after(_refresh(text, zone), first)


@pytest.mark.parametrize(
    ("text", "zone", "words"),
    [
        ("61 * * * *", None, "Bad minute"),
        ("x * * * *", None, "Bad minute"),
        ("0 0 31 2 *", None, "Bad day-of-month"),
        ("0 * * * *", "Mars/Olympus", "spec.refresh.timeZone: Mars/Olympus is no time zone"),
        ("0 * * * *", "../etc/passwd", "is no time zone"),
        ("0 * * * *", "Europe", "is no time zone"),
    ],
)
def test_what_is_no_schedule_is_told(text: str, zone: str | None, words: str) -> None:
    assert words in str(schedule.problem(_refresh(text, zone), field="spec.refresh"))


def test_a_good_schedule_has_no_problem() -> None:
    assert schedule.problem(_refresh("0 3 * * MON", BERLIN), field="spec.refresh") is None
    assert schedule.problem(Refresh(on_change_seconds=60), field="spec.refresh") is None

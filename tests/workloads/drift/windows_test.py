"""Windows: the same cuts for everybody, each judged once, oldest first."""

from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from springtide.api.constants import Reason
from springtide_workloads.drift.times import event_times
from springtide_workloads.drift.windows import (
    DAY,
    HOUR,
    LOOK,
    ROOM,
    SECOND,
    WHOLE,
    Cells,
    Window,
    as_datetime,
    as_microseconds,
    cell_length,
    in_groups,
    windows_to_judge,
)
from springtide_workloads.errors import WorkloadError

NUMBERS = st.frozensets(st.integers(-60, 200), max_size=60)


def judged(with_rows: set[int], *, after: int | None = None, until: int) -> list[int]:
    """Numbers of windows of a day."""
    found = windows_to_judge(
        with_rows, length=DAY, after=None if after is None else after * DAY, closed_until=until * DAY
    )
    assert all(window.end - window.start == DAY for window in found)
    return [window.start // DAY for window in found]


def test_closed_windows_are_judged_from_the_oldest_on():
    assert judged({3, 4, 5, 6}, until=6) == [3, 4, 5]
    assert judged({3, 4, 5, 6}, after=5, until=6) == [5]
    assert judged({3, 4, 5, 6}, after=6, until=6) == []


def test_a_window_is_open_until_its_last_moment_has_passed():
    assert windows_to_judge({3}, length=DAY, after=None, closed_until=4 * DAY - 1) == ()
    assert windows_to_judge({3}, length=DAY, after=None, closed_until=4 * DAY) == (Window(3 * DAY, 4 * DAY),)


def test_a_window_without_rows_is_judged_too():
    assert judged({3, 6, 7}, until=7) == [3, 4, 5, 6]
    assert judged({9}, after=7, until=9) == [7, 8], "the window that has the newest row is still open"


def test_of_a_long_gap_only_the_first_window_is_judged():
    assert judged({3, 5_000, 5_001}, until=5_001) == [3, 4, 5_000]
    assert judged({5_000, 5_001}, after=5, until=5_001) == [5, 5_000]


def test_no_rows_are_no_windows():
    assert judged(set(), until=100) == []


@given(NUMBERS, st.integers(-60, 200))
def test_looks_one_after_another_judge_every_window_with_rows_once_and_in_order(with_rows, until):
    seen: list[int] = []
    after = None
    while found := judged(with_rows, after=after, until=until):
        assert len(found) <= LOOK
        seen += found
        after = found[-1] + 1
    assert seen == sorted(set(seen))
    assert set(seen) >= {number for number in with_rows if number < until}
    assert not seen or seen[0] == min(with_rows)


@given(st.lists(st.integers(-3 * DAY, 40 * DAY), max_size=50), st.sets(st.integers(-2, 39), min_size=1), st.data())
def test_each_row_is_in_the_cell_of_its_time(times, numbers, data):
    length, cell = data.draw(st.sampled_from([(DAY, HOUR), (DAY, DAY), (HOUR, HOUR), (90 * SECOND, 90 * SECOND)]))
    cells = Cells(tuple(Window(number * length, (number + 1) * length) for number in sorted(numbers)), cell)
    known = np.array(data.draw(st.lists(st.booleans(), min_size=len(times), max_size=len(times))), dtype=bool)
    grouping = cells.group(np.array(times, dtype=np.int64), known)
    for time, is_known, place in zip(times, known.tolist(), grouping.cells.tolist(), strict=True):
        if not is_known or time // length not in numbers:
            assert place == cells.size
        else:
            assert cells.start(place) <= time < cells.start(place) + cell
            assert cells.windows[place // cells.per_window].start == time // length * length


def test_rows_without_a_time_are_all_in_one_window():
    (cells,) = in_groups([WHOLE], cell_bytes=1 << 20)
    assert (cells.size, cells.per_window) == (1, 1)
    assert cells.whole(5).is_one_cell


def test_cells_are_hours_unless_they_need_too_much_memory():
    assert cell_length(DAY, cell_bytes=200_000) == HOUR
    assert cell_length(90 * 60 * SECOND, cell_bytes=8) == 90 * 60 * SECOND
    assert cell_length(60 * SECOND, cell_bytes=8) == 60 * SECOND
    assert cell_length(30 * DAY, cell_bytes=ROOM // 100) == DAY
    assert cell_length(365 * DAY, cell_bytes=ROOM // 100) == 365 * DAY


@given(st.integers(1, LOOK), st.integers(1, 2 * ROOM))
def test_windows_are_counted_in_as_few_readings_as_there_is_room_for(count, cell_bytes):
    windows = [Window(number * DAY, (number + 1) * DAY) for number in range(count)]
    groups = in_groups(windows, cell_bytes=cell_bytes)
    assert [window for cells in groups for window in cells.windows] == windows
    assert all(cells.size * cell_bytes <= ROOM or len(cells.windows) == cells.per_window == 1 for cells in groups)


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)))  # noqa: DTZ001  # made aware below
def test_instants_survive_as_numbers(time):
    instant = time.replace(tzinfo=UTC)
    assert as_datetime(as_microseconds(instant)) == instant


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_of_every_unit_and_zone_are_read(unit):
    expected = as_microseconds(datetime(2018, 3, 25, 1, tzinfo=UTC))
    for kind in (pa.timestamp(unit), pa.timestamp(unit, tz="UTC"), pa.timestamp(unit, tz="Europe/Berlin")):
        column = pa.chunked_array([pa.array([expected, None], pa.timestamp("us")).cast(pa.timestamp(unit)).cast(kind)])
        times, known = event_times(column, name="t", file="a")
        assert known.tolist() == [True, False]
        assert as_datetime(int(times[0])) == as_datetime(expected)


def test_a_date_is_its_first_moment():
    times, _ = event_times(pa.chunked_array([pa.array([date(2018, 3, 25)])]), name="t", file="a")
    assert as_datetime(int(times[0])) == datetime(2018, 3, 25, tzinfo=UTC)


def test_what_is_no_time_is_named():
    with pytest.raises(WorkloadError, match=r"column t is string in a\.parquet") as failure:
        event_times(pa.chunked_array([pa.array(["2018"])]), name="t", file="a.parquet")
    assert failure.value.reason == Reason.WRONG_TYPE

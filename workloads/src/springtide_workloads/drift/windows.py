"""Which stretches of event time are judged, and the cells that they are counted in. Pure arithmetic.

Times are microseconds since the epoch. Windows are aligned to it, so that every look, on any machine, cuts them at the
same places.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from springtide_workloads.drift.counting import Grouping

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
HOUR, DAY = 3_600 * SECOND, 86_400 * SECOND
LOOK = 24
"""Windows that one look judges at most; the next look goes on where it ended."""
ROOM = 256 << 20
"""Bytes of count vectors that are in memory at once."""

Times = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Window:
    """Event times in [start, end)."""

    start: int
    end: int


WHOLE = Window(np.iinfo(np.int64).min, np.iinfo(np.int64).max)
"""The one window of rows that have no event time."""


def as_microseconds(time: datetime) -> int:
    """Since the epoch."""
    return (time - EPOCH) // timedelta(microseconds=1)


def as_datetime(time: int) -> datetime:
    """In UTC."""
    return EPOCH + timedelta(microseconds=time)


FIRST = as_microseconds(datetime(2, 1, 1, tzinfo=UTC))
"""Event times begin here: the calendar does so a year before, and so the longest window still has a begin in it."""


def windows_to_judge(
    with_rows: Iterable[int], *, length: int, after: int | None, closed_until: int
) -> tuple[Window, ...]:
    """The oldest closed windows after the last judged one, at most `LOOK`.

    A window without rows is judged as well, for that is news; of a gap of more than `LOOK` only the first one, so that
    one row from the last century does not keep a monitor busy for years.

    with_rows: numbers of the windows that have rows, which is their start divided by their length.
    after: end of the last judged window; None: the first window with rows is the first one.
    closed_until: windows that end later are still open.
    """
    first = None if after is None else -(-after // length)
    last = closed_until // length
    numbers = sorted(number for number in with_rows if number < last and (first is None or number >= first))
    if first is None and not numbers:
        return ()
    expected = numbers[0] if first is None else first
    chosen: list[int] = []
    for number in [*numbers, last]:
        gap = range(expected, number)
        chosen += gap if len(gap) <= LOOK else gap[:1]
        chosen.append(number)
        expected = number + 1
        if len(chosen) > LOOK:
            break
    if chosen[-1] == last:
        chosen.pop()
    return tuple(Window(number * length, (number + 1) * length) for number in chosen[:LOOK])


def cell_length(length: int, *, cell_bytes: int) -> int:
    """How long a cell of a window is: an hour, unless that does not divide it or needs more than `ROOM`; a day; or all.

    cell_bytes: of the count vectors of one cell.
    """
    for cell in (HOUR, DAY):
        if length % cell == 0 and length // cell * cell_bytes <= ROOM:
            return cell
    return length


@dataclass(frozen=True)
class Cells:
    """The cells of some windows of one length, in order. cell: length of a cell."""

    windows: tuple[Window, ...]
    cell: int

    @property
    def per_window(self) -> int:
        """Cells of each window."""
        return 1 if self.windows == (WHOLE,) else (self.windows[0].end - self.windows[0].start) // self.cell

    @property
    def size(self) -> int:
        """Cells of all windows."""
        return self.per_window * len(self.windows)

    def start(self, cell: int) -> int:
        """When a cell begins."""
        window, place = divmod(cell, self.per_window)
        return self.windows[window].start + place * self.cell

    def group(self, times: Times, known: npt.NDArray[np.bool_]) -> Grouping:
        """The cell of each row. known: where there is a time."""
        starts = np.array([window.start for window in self.windows], dtype=np.int64)
        ends = np.array([window.end for window in self.windows], dtype=np.int64)
        place = np.searchsorted(starts, times, side="right") - 1
        inside = known & (place >= 0)
        place = np.maximum(place, 0)
        inside &= times < ends[place]
        cells = place * self.per_window + (times - starts[place]) // self.cell
        return Grouping(np.where(inside, cells, self.size), self.size)

    def whole(self, rows: int) -> Grouping:
        """All rows in the one window of rows without a time."""
        return Grouping(np.zeros(rows, dtype=np.int64), self.size)


def in_groups(windows: Sequence[Window], *, cell_bytes: int) -> list[Cells]:
    """Windows that are counted together, each group in one reading: as many as there is room for."""
    length = windows[0].end - windows[0].start
    cell = cell_length(length, cell_bytes=cell_bytes)
    at_once = max(1, ROOM // (length // cell * cell_bytes))
    return [Cells(tuple(windows[first : first + at_once]), cell) for first in range(0, len(windows), at_once)]

"""Counting a column's values in its bins, a chunk at a time and without a loop over rows.

Where the rows of a chunk belong to several cells (hours, slices), each value's slot is found once, in the same way, and
counted by cell.

Numbers are compared with the few edges one after another: a comparison of values that lie in the processor's cache is
one vectorised pass, and nine of them cost a tenth of a binary search for every value (1.1 against 20 ns a value).
Every comparison is exact, whichever type the column comes in.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from springtide_workloads.data.chunks import ArrowArray
from springtide_workloads.data.encoding import as_numbers, as_words
from springtide_workloads.drift.bins import MISSING, SPECIAL, UNSEEN, CategoryBins, Counts, NumberBins

BLOCK = 32_768
"""Values that meet every edge before the next ones are touched: 128 kB of float32 stay in the cache."""

Slots = npt.NDArray[np.integer[Any]]
"""The slot of each value."""


@dataclass(frozen=True)
class Grouping:
    """Which of `size` cells each row of a chunk belongs to. cells: (rows,) int64; `size` itself is none of them."""

    cells: npt.NDArray[np.int64]
    size: int

    @cached_property
    def least(self) -> int:
        """The first cell that has rows; `size` where none has."""
        return int(self.cells.min(initial=self.size))

    @cached_property
    def largest(self) -> int:
        """The last cell that has rows, or `size` where some rows belong to none."""
        return int(self.cells.max(initial=0))

    @cached_property
    def from_least(self) -> npt.NDArray[np.int64]:
        """Cells, counted from the first that has rows."""
        return self.cells - self.least

    @property
    def is_empty(self) -> bool:
        """Whether no row belongs to a cell."""
        return self.least == self.size

    @property
    def is_one_cell(self) -> bool:
        """Whether all rows belong to one cell."""
        return self.least == self.largest < self.size


def count_column(values: ArrowArray, *, bins: NumberBins | CategoryBins, column: str) -> Counts:
    """How many values are in each slot. Raises WrongType where bins of numbers meet a column of another type."""
    if isinstance(bins, CategoryBins):
        return _count_words(values, bins=bins)
    missing = values.null_count
    counts = count_numbers(as_numbers(values.drop_null() if missing else values, column=column), bins=bins)
    counts[MISSING] += missing
    return counts


def slots_of(values: ArrowArray, *, bins: NumberBins | CategoryBins, column: str) -> Slots:
    """The slot of each value, (rows,). Raises WrongType where bins of numbers meet a column of another type."""
    if isinstance(bins, CategoryBins):
        indices, words = as_words(values)
        return np.array([*_slots_of_words(words, bins=bins), MISSING], dtype=np.int64)[indices]
    if not values.null_count:
        return _slots_of_numbers(as_numbers(values, column=column), bins=bins)
    slots = np.full(len(values), MISSING, dtype=np.uint8)
    slots[values.is_valid().to_numpy(zero_copy_only=False)] = _slots_of_numbers(
        as_numbers(values.drop_null(), column=column), bins=bins
    )
    return slots


def count_by_cell(slots: Slots, *, width: int, grouping: Grouping) -> Counts:
    """The counts of each cell from the grouping's first to its last that has rows, (cells, slots)."""
    last = min(grouping.largest, grouping.size - 1)
    cells = max(last + 1 - grouping.least, 0)
    keys = grouping.from_least * width
    keys += slots
    found = np.bincount(keys, minlength=cells * width)
    return found[: cells * width].reshape(cells, width)


def count_numbers(values: npt.NDArray[np.generic], *, bins: NumberBins) -> Counts:
    """How many numbers, of whichever type, are in each slot; NaN is missing."""
    ladder = _ladder(bins, dtype=values.dtype)
    reached = np.zeros(ladder.size, dtype=np.int64)
    answers = np.empty(min(BLOCK, values.size), dtype=np.bool_)
    for start in range(0, values.size, BLOCK):
        block = values[start : start + BLOCK]
        _add_reached(block, ladder, answers=answers[: block.size], reached=reached)
    between = reached[:-1] - reached[1:]
    counts = np.empty(ladder.size, dtype=np.int64)  # as many as there are slots
    counts[MISSING] = values.size - reached[0]
    counts[SPECIAL] = between[0] + reached[-1]
    counts[SPECIAL + 1 :] = between[1:]
    return counts


@dataclass(frozen=True)
class _Ladder:
    """Ascending thresholds that part, in this order: NaN, -inf, below, the bins, above, +inf.

    numbers: each is the least value of a column's type that reaches the exact threshold; infinite where all values of
    the type reach it, or none. thresholds: the same in that type, as the arrays that numpy would make of them anew.
    """

    numbers: tuple[float, ...]
    thresholds: tuple[npt.NDArray[np.generic], ...]

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.numbers)

    def doubtful(self, values: npt.NDArray[np.generic]) -> range:
        """The thresholds that values must be compared with: all reach those before, and none those behind."""
        least, largest = values.min().item(), values.max().item()
        if math.isnan(least):
            return range(self.size)
        return range(bisect_right(self.numbers, least), bisect_right(self.numbers, largest))


@lru_cache(maxsize=16_384)  # for every block of every column it would cost as much as a comparison
def _ladder(bins: NumberBins, *, dtype: np.dtype[np.generic]) -> _Ladder:
    least = math.inf if bins.min is None else bins.min
    above = math.inf if bins.max is None else math.nextafter(bins.max, math.inf)
    exact = [-math.inf, math.nextafter(-math.inf, 0), least, *bins.edges, above, math.inf]
    if dtype.kind != "f":
        numbers = [_whole(value, limits=np.iinfo(dtype)) for value in exact]
        return _Ladder(tuple(numbers), tuple(np.array(one if math.isfinite(one) else 0, dtype) for one in numbers))
    rounded = _rounded(np.array(exact), dtype=dtype)
    return _Ladder(tuple(rounded.tolist()), tuple(np.array(one) for one in rounded))


def _whole(exact: float, *, limits: "np.iinfo[Any]") -> float:
    if exact <= limits.min:
        return -math.inf
    return math.inf if exact > limits.max else math.ceil(exact)


def _rounded(exact: npt.NDArray[np.float64], *, dtype: np.dtype[np.generic]) -> npt.NDArray[np.generic]:
    with np.errstate(over="ignore"):
        near = exact.astype(dtype)
        return np.where(near >= exact, near, np.nextafter(near, np.array(np.inf, dtype)))


def _add_reached(
    values: npt.NDArray[np.generic], ladder: _Ladder, *, answers: npt.NDArray[np.bool_], reached: Counts
) -> None:
    """For each threshold, adds how many values reach it. answers: room for one of each value."""
    doubtful = ladder.doubtful(values)
    reached[: doubtful.start] += values.size
    for place in doubtful:
        np.greater_equal(values, ladder.thresholds[place], out=answers)
        reached[place] += np.count_nonzero(answers)


def _slots_of_numbers(values: npt.NDArray[np.generic], *, bins: NumberBins) -> Slots:
    """The number of thresholds that a value reaches is its slot, but for +inf, which is special as -inf is."""
    ladder = _ladder(bins, dtype=values.dtype)
    slots = np.zeros(values.size, dtype=np.uint8)
    assert ladder.size < np.iinfo(slots.dtype).max, "bins are frozen at deciles"
    answers = np.empty(min(BLOCK, values.size), dtype=np.bool_)
    for start in range(0, values.size, BLOCK):
        block, found = values[start : start + BLOCK], slots[start : start + BLOCK]
        doubtful = ladder.doubtful(block)
        found += doubtful.start
        for place in doubtful:
            found += np.greater_equal(block, ladder.thresholds[place], out=answers[: block.size]).view(np.uint8)
    slots[slots == ladder.size] = SPECIAL
    return slots


def _count_words(values: ArrowArray, *, bins: CategoryBins) -> Counts:
    indices, words = as_words(values)
    counts = np.zeros(len(bins.slots), dtype=np.int64)
    found = np.bincount(indices, minlength=len(words) + 1)
    np.add.at(counts, [*_slots_of_words(words, bins=bins), MISSING], found)
    return counts


def _slots_of_words(words: list[str | None], *, bins: CategoryBins) -> list[int]:
    slots = {word: slot for slot, word in enumerate(bins.categories, start=UNSEEN + 1)}
    return [MISSING if word is None else slots.get(word, UNSEEN) for word in words]

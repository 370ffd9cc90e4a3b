"""Counting a column's values in its bins, a chunk at a time and without a loop over rows.

Numbers are compared with the few edges one after another: a comparison of values that lie in the processor's cache is
one vectorised pass, and nine of them cost a tenth of a binary search for every value (1.1 against 20 ns a value).
Every comparison is exact, whichever type the column comes in.
"""

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from springtide_workloads.data.chunks import ArrowArray
from springtide_workloads.data.encoding import as_numbers, as_words
from springtide_workloads.drift.bins import MISSING, SPECIAL, UNSEEN, CategoryBins, Counts, NumberBins

BLOCK = 65_536
"""Values that meet every edge before the next ones are touched: 256 kB of float32 stay in the cache."""

Threshold = np.generic | int | None
"""In a column's own type; None is more than any value."""


def count_column(values: ArrowArray, *, bins: NumberBins | CategoryBins, column: str) -> Counts:
    """How many values are in each slot. Raises WrongType where bins of numbers meet a column of another type."""
    if isinstance(bins, CategoryBins):
        return _count_words(values, bins=bins)
    missing = values.null_count
    counts = count_numbers(as_numbers(values.drop_null() if missing else values, column=column), bins=bins)
    counts[MISSING] += missing
    return counts


def count_numbers(values: npt.NDArray[np.generic], *, bins: NumberBins) -> Counts:
    """How many numbers, of whichever type, are in each slot; NaN is missing."""
    ladder = _ladder(bins, dtype=values.dtype)
    reached = np.zeros(len(ladder), dtype=np.int64)
    mask = np.empty(min(BLOCK, values.size), dtype=np.bool_)
    for start in range(0, values.size, BLOCK):
        block = values[start : start + BLOCK]
        reached += _reached(block, ladder=ladder, mask=mask[: block.size])
    between = reached[:-1] - reached[1:]
    counts = np.empty(len(ladder), dtype=np.int64)  # as many as there are slots
    counts[MISSING] = values.size - reached[0]
    counts[SPECIAL] = between[0] + reached[-1]
    counts[SPECIAL + 1 :] = between[1:]
    return counts


@lru_cache(maxsize=16_384)  # for every block of every column it would cost as much as a comparison
def _ladder(bins: NumberBins, *, dtype: np.dtype[np.generic]) -> tuple[Threshold, ...]:
    """Thresholds that part, in this order: NaN, -inf, below, the bins, above, +inf."""
    least = math.inf if bins.min is None else bins.min
    above = math.inf if bins.max is None else math.nextafter(bins.max, math.inf)
    exact = [-math.inf, math.nextafter(-math.inf, 0), least, *bins.edges, above, math.inf]
    return tuple(_at_least(value, dtype=dtype) for value in exact)


def _at_least(exact: float, *, dtype: np.dtype[np.generic]) -> Threshold:
    """The least value of a type that is not less than `exact`: comparing with it says the same."""
    if dtype.kind != "f":
        return None if exact == math.inf else -(1 << 64) if exact == -math.inf else math.ceil(exact)
    with np.errstate(over="ignore"):
        near = dtype.type(exact)
        return near if float(near) >= exact else np.nextafter(near, dtype.type(np.inf))


def _reached(values: npt.NDArray[np.generic], *, ladder: tuple[Threshold, ...], mask: npt.NDArray[np.bool_]) -> Counts:
    """How many values reach each threshold."""
    reached = np.zeros(len(ladder), dtype=np.int64)
    least, largest = values.min().item(), values.max().item()
    for place, threshold in enumerate(ladder):
        if threshold is None or largest < threshold:
            continue  # none; a NaN among the values makes every such comparison false
        if least >= threshold:
            reached[place] = values.size
            continue
        np.greater_equal(values, threshold, out=mask)
        reached[place] = np.count_nonzero(mask)
    return reached


def _count_words(values: ArrowArray, *, bins: CategoryBins) -> Counts:
    indices, words = as_words(values)
    slots = {word: slot for slot, word in enumerate(bins.categories, start=UNSEEN + 1)}
    counts = np.zeros(len(bins.slots), dtype=np.int64)
    found = np.bincount(indices, minlength=len(words) + 1)
    np.add.at(counts, [*(MISSING if word is None else slots.get(word, UNSEEN) for word in words), MISSING], found)
    return counts

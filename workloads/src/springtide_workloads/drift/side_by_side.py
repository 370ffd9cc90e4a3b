"""Two tables for Evidently: rows of the newest window beside rows that the model was trained on, column by column.

A column that cannot be had by row on both sides is drawn from the counts on both, one category for each bin: the score,
which training data does not have; what is missing throughout; and everything where no rows can be had.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from springtide_workloads.data.chunks import ArrowArray
from springtide_workloads.drift.bins import MISSING, SPECIAL, ColumnCounts, Counts, NumberBins
from springtide_workloads.drift.sampling import ROWS

NAMED, COMMON = 50, 5
"""Words that are shown: the `NAMED` most frequent ones of a column, as far as they are in `COMMON` rows or more."""
OTHERS = "other values"

Sides = tuple[ArrowArray, ArrowArray]
"""A column in the window and in the reference."""


@dataclass(frozen=True)
class RealRows:
    """Real rows: of the window, and of the snapshot with this digest. The tables have the same columns."""

    window: pa.Table
    reference: pa.Table
    snapshot: str


@dataclass(frozen=True)
class Shown:
    """Tables with the same columns, float64 and text; where a column is shorter than others, it ends with nulls.

    drawn: columns that are drawn from the counts. origin: what the rows are, in words. snapshot: digest of what the
    other columns of the reference are from; None: there are none.
    """

    window: pa.Table
    reference: pa.Table
    drawn: tuple[str, ...]
    origin: str
    snapshot: str | None


def side_by_side(counts: Sequence[tuple[ColumnCounts, Counts]], *, rows: RealRows | str) -> Shown:
    """The columns, each with its counts in the window. rows: or a sentence about why there are none."""
    real = {} if isinstance(rows, str) else dict(_real(rows))
    sides = {
        column.name: real.get(column.name) or (_drawn(column, counted), _drawn(column, column.vector))
        for column, counted in counts
    }
    drawn = tuple(name for name in sides if name not in real)
    return Shown(
        window=_table({name: window for name, (window, _) in sides.items()}),
        reference=_table({name: reference for name, (_, reference) in sides.items()}),
        drawn=drawn,
        origin=_origin(rows, drawn=drawn),
        snapshot=None if isinstance(rows, str) else rows.snapshot,
    )


def apportioned(counts: Counts, *, rows: int) -> npt.NDArray[np.int64]:
    """`rows` rows in the same shares as `counts`, by largest remainders (Hamilton's method). Some must be counted."""
    exact = np.asarray(counts / counts.sum() * rows, dtype=np.float64)
    found: npt.NDArray[np.int64] = np.floor(exact).astype(np.int64)
    remaining = np.argsort(found - exact, kind="stable")[: rows - int(found.sum())]
    found[remaining] += 1
    return found


def labels(column: ColumnCounts) -> list[str]:
    """A name for each slot, in the order in which numbers are."""
    if not isinstance(column.bins, NumberBins):
        return list(column.bins.slots)
    least, largest = column.bins.min, column.bins.max
    if least is None or largest is None:
        return list(column.bins.slots)
    bounds = [least, *column.bins.edges, largest]
    inner = [f"{low:g} to {high:g}" for low, high in pairwise(bounds)]
    named = ["missing", "infinite", f"below {least:g}", *inner, f"above {largest:g}"]
    return [
        name if place in (MISSING, SPECIAL) else f"{place - SPECIAL:02d}: {name}" for place, name in enumerate(named)
    ]


def _real(rows: RealRows) -> Iterator[tuple[str, Sides]]:
    """The columns that have values on both sides."""
    for name in rows.window.column_names:
        window, reference = (table.column(name).combine_chunks() for table in (rows.window, rows.reference))
        if window.null_count < len(window) and reference.null_count < len(reference):
            yield (
                name,
                _without_rare_words(window, reference) if pa.types.is_string(window.type) else (window, reference),
            )


def _without_rare_words(window: ArrowArray, reference: ArrowArray) -> Sides:
    """Evidently names every word, which says too much of few people, and of thousands of words takes a minute."""
    found: ArrowArray = pa.chunked_array([window, reference]).drop_null().value_counts()
    counted = zip(found.field("values").to_pylist(), found.field("counts").to_pylist(), strict=True)
    ordered = sorted((-number, word) for word, number in counted if number >= COMMON)
    named = pa.array([word for _, word in ordered[:NAMED]], pa.string())

    def told(words: ArrowArray) -> ArrowArray:
        return pc.if_else(pc.or_(pc.is_in(words, value_set=named), pc.is_null(words)), words, OTHERS)

    return told(window), told(reference)


def _drawn(column: ColumnCounts, counts: Counts) -> ArrowArray:
    number = apportioned(counts, rows=min(ROWS, int(counts.sum())))
    places: ArrowArray = pa.array(np.repeat(np.arange(number.size), number))
    return pa.array(labels(column), pa.string()).take(places)


def _table(columns: Mapping[str, ArrowArray]) -> pa.Table:
    rows = max(len(values) for values in columns.values())
    return pa.table(
        {
            name: pa.concat_arrays([values, pa.nulls(rows - len(values), values.type)])
            for name, values in columns.items()
        }
    )


def _origin(rows: RealRows | str, *, drawn: Sequence[str]) -> str:
    if isinstance(rows, str):
        return f"on rows that are drawn from the counts, {ROWS:,} at most on each side: {rows}"
    words = (
        f"on {rows.window.num_rows:,} rows of the window and {rows.reference.num_rows:,} of the snapshot"
        f" {rows.snapshot}, which the model was trained on, its held-out rows included"
    )
    return f"{words}; those of {', '.join(drawn)} are drawn from the counts" if drawn else words

"""`profile.json` of a snapshot: what its columns hold, and the frozen bins that drift is measured in.

Made of counts and bounds. Bins are frozen from a random sample; the counts are of all rows.
"""

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from pydantic import Field
from springtide.api.base import ApiModel

from springtide_workloads.data.chunks import ArrowArray
from springtide_workloads.data.encoding import as_numbers, as_words
from springtide_workloads.data.profile import MAX_CATEGORIES
from springtide_workloads.drift.bins import MISSING, Bins, CategoryBins, Counts, NumberBins
from springtide_workloads.drift.freezing import freeze_numbers
from springtide_workloads.snapshot.contract import is_time
from springtide_workloads.snapshot.statistics import ColumnStatistics, as_instant

PROFILE_FILE = "profile.json"


class ColumnProfile(ApiModel):
    """One column."""

    name: str
    type: str = Field(description="Its Arrow type.")
    missing: int = Field(description="Rows that are null or NaN.")
    min: float | int | str | None = Field(default=None, description="The least finite number, or the oldest time.")
    max: float | int | str | None = None
    distinct: int | None = Field(
        default=None, description="Distinct values among the sampled rows; of all where all were sampled."
    )
    bins: Bins | None = Field(
        default=None,
        description="Unset for times, nested values, and text that tells rows apart rather than describes.",
    )
    counts: tuple[int, ...] | None = Field(default=None, description="Rows in each slot of the bins.")


class Profile(ApiModel):
    """All columns, in order."""

    format: int = 1
    rows: int
    sampled_rows: int = Field(description="Rows that bins and distinct values come from.")
    columns: tuple[ColumnProfile, ...]


def freeze_bins(sample: pa.Table) -> dict[str, NumberBins | CategoryBins]:
    """Bins for every column that can be counted."""
    frozen = {name: _freeze(_values(sample, name), name=name) for name in sample.column_names}
    return {name: bins for name, bins in frozen.items() if bins is not None}


def describe(
    statistics: Mapping[str, ColumnStatistics],
    *,
    rows: int,
    sample: pa.Table,
    bins: Mapping[str, NumberBins | CategoryBins],
    counts: Mapping[str, Counts],
) -> Profile:
    """The profile of a table."""
    columns = []
    for name, known in statistics.items():
        vector = counts.get(name)
        columns.append(
            ColumnProfile(
                name=name,
                type=str(known.kind),
                missing=known.nulls if vector is None else int(vector[MISSING]),
                min=_told(known.least, kind=known.kind),
                max=_told(known.greatest, kind=known.kind),
                distinct=_distinct(_values(sample, name)),
                bins=bins.get(name),
                counts=None if vector is None else tuple(vector.tolist()),
            )
        )
    return Profile(rows=rows, sampled_rows=sample.num_rows, columns=tuple(columns))


def _freeze(values: ArrowArray, *, name: str) -> NumberBins | CategoryBins | None:
    kind = values.type
    if pa.types.is_string(kind):
        return _freeze_words(values)
    if any(
        test(kind) for test in (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal)
    ):
        return freeze_numbers(as_numbers(values, column=name))
    return None


def _freeze_words(values: ArrowArray) -> CategoryBins | None:
    """None where values name rows rather than describe them: too many, or nearly each but once."""
    indices, words = as_words(values)
    found = np.bincount(indices, minlength=len(words) + 1)[: len(words)]
    counts = Counter({word: int(count) for word, count in zip(words, found, strict=True) if word is not None and count})
    if len(counts) > MAX_CATEGORIES or (len(counts) > 20 and 2 * len(counts) > counts.total()):
        return None
    return CategoryBins(categories=tuple(sorted(counts)))


def _distinct(values: ArrowArray) -> int | None:
    if pa.types.is_nested(values.type):
        return None
    return len(values.drop_null().unique())


def _told(value: float | None, *, kind: pa.DataType) -> float | int | str | None:
    if value is None or not is_time(kind):
        return value
    instant = as_instant(value, kind=kind)
    return None if instant is None else instant.isoformat()


def _values(table: pa.Table, name: str) -> ArrowArray:
    column = table.column(name)
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)

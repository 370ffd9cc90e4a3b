"""What is counted: the baseline's columns, the score, and the slices; and what of it a file cannot give."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from springtide_workloads.data.encoding import as_numbers
from springtide_workloads.drift.bins import UNSEEN, Baseline, CategoryBins, ColumnCounts, NumberBins
from springtide_workloads.drift.verdict import Unusable
from springtide_workloads.errors import WorkloadError

SLICE_VALUES = 16
"""Of a slice column: its most frequent categories, as the baseline has them."""


@dataclass(frozen=True)
class SliceColumn:
    """A column whose values part the rows. The column must be a category of the model."""

    name: str
    values: tuple[str, ...]

    @property
    def bins(self) -> CategoryBins:
        """A slot for each value."""
        return CategoryBins(categories=self.values)

    def label(self, value: int) -> str:
        """How people call a slice."""
        return f"{self.name}={self.values[value]}"


@dataclass(frozen=True)
class Layout:
    """Columns by name, each with its reference; score: the one that is counted in rows of the baseline's model only."""

    columns: dict[str, ColumnCounts]
    score: str | None
    slices: tuple[SliceColumn, ...]

    @property
    def cell_bytes(self) -> int:
        """Of the count vectors of one cell."""
        slots = sum(len(column.bins.slots) for column in self.columns.values())
        return slots * 8 * (1 + sum(len(one.values) for one in self.slices))

    @cached_property
    def category_names(self) -> tuple[str, ...]:
        """Columns that are counted by category."""
        return tuple(name for name, column in self.columns.items() if isinstance(column.bins, CategoryBins))

    def problem(self, name: str, schema: pa.Schema) -> Unusable | None:
        """Why a file with this schema cannot give a column; None where it can."""
        place = schema.get_field_index(name)
        if place < 0:
            return Unusable("is gone", reason="ColumnGone")
        kind = schema.field(place).type
        if isinstance(self.columns[name].bins, NumberBins):
            try:
                as_numbers(pa.nulls(0, kind), column=name)
            except WorkloadError:
                return Unusable(f"is {kind}, where the reference has numbers")
        elif pa.types.is_nested(kind):
            return Unusable(f"is {kind}, where the reference has categories")
        return None


def lay_out(
    baseline: Baseline, *, score: str | None, slices: Sequence[str], exclude: Sequence[str]
) -> tuple[Layout, tuple[str, ...]]:
    """What is counted, and sentences about what was asked for and cannot be.

    score: the column of the rows that holds the model's answer; None: they have none.
    """
    features = {feature.name: feature for feature in baseline.features}
    columns = {name: feature for name, feature in features.items() if name not in exclude}
    if score is not None and score not in exclude:
        columns[score] = baseline.score.model_copy(update={"name": score})
    frozen = {one.column for one in baseline.slices}
    found, notes = [], []
    for name in slices:
        feature = features.get(name)
        if feature is None or not isinstance(feature.bins, CategoryBins):
            notes.append(f"slices: {name} is not a category that the model was trained on")
        elif name not in frozen:
            notes.append(f"slices: {name} was not frozen with the model; name it in evaluation.slices of its run")
        else:
            found.append(SliceColumn(name, most_frequent(feature)))
    return Layout(columns, score if score in columns else None, tuple(found)), tuple(notes)


def most_frequent(column: ColumnCounts) -> tuple[str, ...]:
    """The categories of a column that slices are made of; equally frequent ones in the order of the alphabet."""
    counted = zip(column.bins.slots[UNSEEN + 1 :], column.counts[UNSEEN + 1 :], strict=True)
    ordered = sorted(counted, key=lambda one: (-one[1], one[0]))
    return tuple(category for category, rows in ordered[:SLICE_VALUES] if rows)

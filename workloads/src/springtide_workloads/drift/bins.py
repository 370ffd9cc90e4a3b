"""Frozen bins: where one column's values are counted. Models and snapshots carry them; monitors count with them.

A column's counts are one vector of int64, one count for each of the bins' `slots`. Each row is counted in exactly one
slot, so the vectors of any parts of the rows add up to the vector of all of them.
"""

from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field
from springtide.api.base import ApiModel

Counts = npt.NDArray[np.int64]

BASELINE_FILE = "baseline.json"
"""Where a model's folder has its `Baseline`."""

MISSING = 0
"""The slot of missing values, in every vector: null, or NaN."""
SPECIAL, BELOW, ABOVE = 1, 2, -1
"""Of numbers: infinities; finite values below the reference's least; finite values above its largest."""
UNSEEN = 1
"""Of categories: any value that is none of them."""


class NumberBins(ApiModel):
    """Bins `[min, edge 1), [edge 1, edge 2), ..., [last edge, max]` of numbers; booleans are 0 and 1."""

    kind: Literal["Number"] = "Number"
    edges: Annotated[tuple[float, ...], Field(description="Ascending and distinct; between min and max.")] = ()
    min: Annotated[float | None, Field(description="Unset where the reference had no finite value.")] = None
    max: float | None = None

    @property
    def slots(self) -> tuple[str, ...]:
        """What each count is of."""
        return ("missing", "special", "below", *(f"bin {place}" for place in range(len(self.edges) + 1)), "above")


class CategoryBins(ApiModel):
    """A bin for each category, spelled as text; booleans and numbers may be categories, too."""

    kind: Literal["Category"] = "Category"
    categories: tuple[str, ...] = ()

    @property
    def slots(self) -> tuple[str, ...]:
        """What each count is of."""
        return ("missing", "unseen", *self.categories)


Bins = Annotated[NumberBins | CategoryBins, Field(discriminator="kind")]


class ColumnCounts(ApiModel):
    """A column's bins, and how many of the rows were counted in each slot."""

    name: str
    bins: Bins
    counts: tuple[int, ...]

    @property
    def vector(self) -> Counts:
        """The counts to compute with."""
        return np.array(self.counts, dtype=np.int64)

    @property
    def rows(self) -> int:
        """All rows that were counted."""
        return sum(self.counts)


class SliceCounts(ApiModel):
    """What the rows with one value of a column looked like. counts: of each feature, in the baseline's order."""

    column: str
    value: str
    counts: tuple[tuple[int, ...], ...]


class Baseline(ApiModel):
    """What a model saw when it was trained: `baseline.json` of its folder. Counts only, no rows."""

    features: tuple[ColumnCounts, ...]
    score: Annotated[ColumnCounts, Field(description="Of the held-out rows, as the model will meet them.")]
    slices: Annotated[
        tuple[SliceCounts, ...],
        Field(description="By `evaluation.slices`, where these are categories."),
    ] = ()

"""One pass over the held-out rows: the answers of all models, and the columns to slice by."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from springtide_workloads.data.chunks import ParquetTable
from springtide_workloads.data.encoding import as_words
from springtide_workloads.data.split import Role, Rows
from springtide_workloads.evaluation.contestants import Contestant, blaming
from springtide_workloads.evaluation.metrics import Values
from springtide_workloads.evaluation.slices import SliceCollector, SliceColumn
from springtide_workloads.process.progress import Progress


@dataclass(frozen=True)
class Scored:
    """The held-out rows in their order. target: (n,) of 0 and 1. weight: (n,), ones where the task has no weights.

    champion: None where there is none. slices: by column; None where a column has too many values to be sliced by.
    """

    target: npt.NDArray[np.int8]
    weight: Values
    challenger: npt.NDArray[np.float64]
    champion: npt.NDArray[np.float64] | None
    slices: dict[str, SliceColumn | None]

    @property
    def rows(self) -> int:
        """How many rows."""
        return int(self.target.size)


def score_rows(
    contestants: Sequence[Contestant], *, table: ParquetTable, rows: Rows, slices: Sequence[str], progress: Progress
) -> Scored:
    """The answers of the challenger, and of the champion if there is one. Raises WrongType, naming the model."""
    held_out = rows.roles == Role.TEST
    count = int(held_out.sum())
    scores = {one.part: np.empty(count) for one in contestants}
    collectors = [SliceCollector(name) for name in slices]
    features = [name for one in contestants for name in one.model.signature.names]
    order = [chunk.number for chunk in table.chunks if held_out[chunk.start : chunk.start + chunk.rows].any()]
    done = 0
    with progress.phase("scoring", total=count, unit="rows") as phase:
        for chunk, batch in table.scan([*features, *slices], order=order):
            part = batch.take(np.flatnonzero(held_out[chunk.start : chunk.start + chunk.rows]))
            for one in contestants:
                with blaming(one.name):
                    scores[one.part][done : done + part.num_rows] = one.model.predict(part)
            for collector in collectors:
                collector.add(*as_words(part.column(collector.name)))
            done += part.num_rows
            phase.advance(part.num_rows)
    return Scored(
        target=rows.target[held_out],
        weight=np.ones(count) if rows.weight is None else rows.weight[held_out].astype(np.float64),
        challenger=scores["challenger"],
        champion=scores.get("champion"),
        slices={one.name: None if one.too_many or not count else one.column() for one in collectors},
    )

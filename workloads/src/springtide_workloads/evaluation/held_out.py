"""The last pass over the data: the model's answers on the held-out rows, and all that is judged by them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from springtide.api.constants import Reason

from springtide_workloads.data.chunks import ParquetTable
from springtide_workloads.data.columns import Columns
from springtide_workloads.data.encoding import Encoded, Encoder, as_words
from springtide_workloads.data.split import Role, Rows
from springtide_workloads.errors import WorkloadError
from springtide_workloads.evaluation.importance import MOST_ROWS
from springtide_workloads.evaluation.slices import SliceCollector, SliceColumn
from springtide_workloads.process.progress import Progress
from springtide_workloads.recipes.recipe import Predictor

GOLDEN_ROWS = 16


@dataclass(frozen=True)
class HeldOut:
    """Held-out rows in order: target, score and weight of each, the columns to slice by.

    golden: some of them as they came, features only, and their scores.
    sample, sample_target: more of them, encoded.
    """

    target: npt.NDArray[np.int8]
    score: npt.NDArray[np.float64]
    weight: npt.NDArray[np.float32] | None
    slices: tuple[SliceColumn, ...]
    notes: tuple[str, ...]
    golden: pa.RecordBatch
    golden_score: npt.NDArray[np.float64]
    sample: Encoded
    sample_target: npt.NDArray[np.int8]


def predict_held_out(
    model: Predictor, *, table: ParquetTable, rows: Rows, columns: Columns, encoder: Encoder, progress: Progress
) -> HeldOut:
    """Raises LossNotFinite where the model answers with something that is no probability."""
    roles = rows.roles
    numbers = rows.of(Role.TEST)
    golden = numbers[np.linspace(0, numbers.size - 1, min(GOLDEN_ROWS, numbers.size)).astype(np.int64)]
    sample = numbers[np.linspace(0, numbers.size - 1, min(MOST_ROWS, numbers.size)).astype(np.int64)]
    collectors = [SliceCollector(name) for name in columns.slices]
    scores, golden_parts, sample_parts = [], [], []
    order = [
        chunk.number for chunk in table.chunks if (roles[chunk.start : chunk.start + chunk.rows] == Role.TEST).any()
    ]
    with progress.phase("evaluating", total=numbers.size, unit="rows") as phase:
        for chunk, batch in table.scan([*encoder.columns, *columns.slices], order=order):
            here = slice(chunk.start, chunk.start + chunk.rows)
            part = batch.take(np.flatnonzero(roles[here] == Role.TEST))
            encoded = encoder.encode(part)
            scores.append(model.predict(encoded))
            for collector in collectors:
                collector.add(*as_words(part.column(collector.name)))
            inside = numbers[(numbers >= chunk.start) & (numbers < chunk.start + chunk.rows)]
            sample_parts.append(encoded.take(np.flatnonzero(np.isin(inside, sample))))
            golden_parts.append(part.select(list(encoder.columns)).take(np.flatnonzero(np.isin(inside, golden))))
            phase.advance(part.num_rows)
    score = np.concatenate(scores)
    if not np.isfinite(score).all():
        raise WorkloadError(
            Reason.LOSS_NOT_FINITE, f"the model answers {int((~np.isfinite(score)).sum())} held-out rows with NaN"
        )
    target = rows.target[numbers]
    return HeldOut(
        target=target,
        score=score,
        weight=None if rows.weight is None else rows.weight[numbers],
        slices=tuple(collector.column() for collector in collectors if not collector.too_many),
        notes=tuple(
            f"column {collector.name} is not sliced by: it has more than {SliceCollector.MOST} distinct values"
            for collector in collectors
            if collector.too_many
        ),
        golden=_concatenated(golden_parts),
        golden_score=score[np.isin(numbers, golden)],
        sample=_joined(sample_parts),
        sample_target=target[np.isin(numbers, sample)],
    )


def _concatenated(parts: list[pa.RecordBatch]) -> pa.RecordBatch:
    return pa.Table.from_batches(parts).unify_dictionaries().combine_chunks().to_batches()[0]


def _joined(parts: list[Encoded]) -> Encoded:
    return Encoded(
        np.concatenate([part.numbers for part in parts], axis=1), np.concatenate([part.codes for part in parts], axis=1)
    )

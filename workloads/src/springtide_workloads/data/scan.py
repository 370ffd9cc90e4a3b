"""The first pass over the data: target, weight and time of every row, and from them each row's role."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from springtide.api.constants import Reason
from springtide.api.training_run import Split

from springtide_workloads.data.chunks import ArrowArray, ParquetTable
from springtide_workloads.data.columns import Columns
from springtide_workloads.data.split import Role, Rows, Times, assign_roles, check_rows
from springtide_workloads.data.target import Classes, TargetEncoder
from springtide_workloads.errors import WorkloadError
from springtide_workloads.process.progress import Progress

SAMPLE_VALUES = 16_000_000
SAMPLE_ROWS = (10_000, 100_000)


def sample_rows(features: int) -> int:
    """How many rows a sample that is kept in memory may have: about 64 MB of float32, 10,000 to 100,000 rows."""
    least, most = SAMPLE_ROWS
    return min(max(SAMPLE_VALUES // max(features, 1), least), most)


def scan_rows(
    table: ParquetTable, *, columns: Columns, split: Split, seed: int, progress: Progress
) -> tuple[Rows, Classes]:
    """Rows that a model can be trained and judged on, a few bytes a row in memory.

    Raises TargetAllNull, TargetNotBinary, OneClass, TooFewRows, WrongType.
    """
    rows, classes = read_rows(table, columns=columns, split=split, seed=seed, progress=progress)
    check_rows(rows, column=columns.target, classes=(classes.negative, classes.positive))
    return rows, classes


def read_rows(
    table: ParquetTable, *, columns: Columns, split: Split, seed: int, progress: Progress
) -> tuple[Rows, Classes]:
    """Reads target, weight and time. Which rows are held out depends on these, the split and the seed only.

    Raises TargetAllNull, TargetNotBinary, TooFewRows, WrongType.
    """
    encoder = TargetEncoder(columns.target, table.schema.field(columns.target).type)
    target = np.empty(table.rows, dtype=np.int8)
    weight = np.empty(table.rows, dtype=np.float32) if columns.weight else None
    times = np.empty(table.rows, dtype=_time_type(table, columns.time)) if columns.time else None
    known = np.ones(table.rows, dtype=bool)
    names = [name for name in (columns.target, columns.weight, columns.time) if name is not None]
    with progress.phase("reading the target", total=table.rows, unit="rows") as phase:
        for chunk, batch in table.scan(names):
            here = slice(chunk.start, chunk.start + chunk.rows)
            target[here] = encoder.encode(batch.column(columns.target))
            if weight is not None and columns.weight:
                weight[here] = _weights(batch.column(columns.weight), column=columns.weight)
            if times is not None and columns.time:
                times[here], known[here] = _times(batch.column(columns.time))
            phase.advance(chunk.rows)
    classes, codes = encoder.classes()
    target = codes[target]
    known &= target >= 0
    _check_all_null(target, column=columns.target)
    most = sample_rows(len(columns.features))
    roles = assign_roles(split, known=known, times=times, seed=seed, max_validation_rows=most)
    kept = None if times is None or columns.time is None else _kept(times, roles, kind=table.schema.field(columns.time))
    return Rows(roles=roles, target=target, weight=weight, times=kept), classes


def _kept(times: npt.NDArray[np.generic], roles: npt.NDArray[np.uint8], *, kind: "pa.Field[Any]") -> Times:
    """What is kept of all times: a number, and that of the held-out rows."""
    learned = times[(roles == Role.TRAIN) | (roles == Role.VALIDATION)]
    return Times(
        type=str(kind.type),
        learned_until=learned.max().item() if learned.size else None,
        held_out=times[roles == Role.TEST],
    )


def _check_all_null(target: npt.NDArray[np.int8], *, column: str) -> None:
    if not (target >= 0).any():
        raise WorkloadError(Reason.TARGET_ALL_NULL, f"target.column: all {target.size} values of {column} are null")


def _weights(values: ArrowArray, *, column: str) -> npt.NDArray[np.float32]:
    found = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
    wrong = ~(np.isfinite(found) & (found >= 0))
    if wrong.any():
        raise WorkloadError(
            Reason.WRONG_TYPE,
            f"target.weightColumn: column {column} has values that are null, negative or not finite",
        )
    return np.asarray(found, dtype=np.float32)


def _time_type(table: ParquetTable, column: str) -> type[np.float64] | type[np.int64]:
    kind = table.schema.field(column).type
    return np.float64 if pa.types.is_floating(kind) or pa.types.is_decimal(kind) else np.int64


def _times(values: ArrowArray) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.bool_]]:
    """Times as numbers, and where there are any."""
    if pa.types.is_floating(values.type) or pa.types.is_decimal(values.type):
        numbers = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
        return numbers, ~np.isnan(numbers)
    if pa.types.is_date32(values.type):
        values = values.cast(pa.int32())
    known = np.asarray(values.is_valid().to_numpy(zero_copy_only=False), dtype=bool)
    return values.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False), known

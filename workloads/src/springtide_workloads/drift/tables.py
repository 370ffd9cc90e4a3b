"""A report's tables: every verdict, and the counts by hour and slice, from which any other window can be judged."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from springtide_workloads.data.chunks import ArrowArray
from springtide_workloads.drift.bins import Counts
from springtide_workloads.drift.judging import Judged
from springtide_workloads.drift.tally import Tally
from springtide_workloads.drift.tally_share import OVERALL
from springtide_workloads.drift.verdict import ColumnDrift
from springtide_workloads.drift.windows import WHOLE

VERDICTS_FILE, COUNTS_FILE = "verdicts.parquet", "counts.parquet"
ROOM = 1 << 20
"""Counts that are in memory before they are written."""

TIME = pa.timestamp("us", tz="UTC")
MEASURES = ("psi", "ks", "jensen_shannon", "p_value", "missing", "unseen")
_OF_VERDICTS: list["pa.Field[Any]"] = [
    pa.field("window_start", TIME),
    pa.field("window_end", TIME),
    pa.field("slice", pa.string()),
    pa.field("column", pa.string()),
    pa.field("verdict", pa.string()),
    pa.field("reason", pa.string()),
    pa.field("message", pa.string()),
    pa.field("rows", pa.int64()),
    *(pa.field(name, pa.float64()) for name in MEASURES),
]
VERDICTS = pa.schema(_OF_VERDICTS)
_OF_COUNTS: list["pa.Field[Any]"] = [
    pa.field("start", TIME),
    pa.field("end", TIME),
    pa.field("slice", pa.string()),
    pa.field("column", pa.string()),
    pa.field("counts", pa.list_(pa.int64())),
]
COUNTS = pa.schema(_OF_COUNTS)


class ReportTables:
    """Writes both tables, window after window. Times are unset where the rows have none."""

    def __init__(self, folder: Path) -> None:
        self._verdicts = pq.ParquetWriter(folder / VERDICTS_FILE, VERDICTS, compression="zstd")
        self._counts = pq.ParquetWriter(folder / COUNTS_FILE, COUNTS, compression="zstd")

    def write_verdicts(self, judged: Judged) -> None:
        """All columns and slices of a window."""
        drifts = (*judged.columns, *judged.slices)
        whole = judged.window == WHOLE
        times = [None if whole else time for time in (judged.window.start, judged.window.end)]
        self._verdicts.write_table(_verdict_table(drifts, start=times[0], end=times[1]))

    def write_counts(self, tally: Tally) -> None:
        """The counts of all cells that have rows, in the slots of the columns' bins (see the model's baseline)."""
        batches: list[pa.RecordBatch] = []
        size = 0
        for batch in _count_batches(tally):
            batches.append(batch)
            size += batch.nbytes // 8
            if size >= ROOM:
                self._counts.write_table(pa.Table.from_batches(batches).combine_chunks())
                batches, size = [], 0
        if batches:
            self._counts.write_table(pa.Table.from_batches(batches).combine_chunks())

    def __enter__(self) -> "ReportTables":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._verdicts.close()
        self._counts.close()


def _verdict_table(drifts: Sequence[ColumnDrift], *, start: int | None, end: int | None) -> pa.Table:
    rows = len(drifts)
    columns: list[ArrowArray] = [
        pa.array([start] * rows, pa.int64()).cast(TIME),
        pa.array([end] * rows, pa.int64()).cast(TIME),
        pa.array([one.slice for one in drifts], pa.string()),
        pa.array([one.name for one in drifts], pa.string()),
        *(pa.array([getattr(one, name) for one in drifts], pa.string()) for name in ("verdict", "reason", "message")),
        pa.array([one.rows for one in drifts], pa.int64()),
        *(pa.array([getattr(one, name) for one in drifts], pa.float64()) for name in MEASURES),
    ]
    return pa.Table.from_arrays(columns, schema=VERDICTS)


def _count_batches(tally: Tally) -> Iterator[pa.RecordBatch]:
    labels = {part.name: [part.label(place) for place in range(len(part.values))] for part in tally.layout.slices}
    for part, columns in tally.counts.items():
        names = labels.get(part, [None]) if part != OVERALL else [None]
        for column, counts in columns.items():
            yield _batch(tally, counts, column=column, slices=names)


def _batch(tally: Tally, counts: Counts, *, column: str, slices: Sequence[str | None]) -> pa.RecordBatch:
    cells = tally.cells
    kept = np.flatnonzero(counts.any(axis=1))
    cell, value = np.divmod(kept, len(slices))
    whole = cells.windows == (WHOLE,)
    starts = np.array([0 if whole else cells.start(one) for one in cell.tolist()], dtype=np.int64)
    flat = counts[kept]
    offsets = np.arange(kept.size + 1, dtype=np.int32) * counts.shape[1]
    unknown = np.full(kept.size, whole)
    return pa.RecordBatch.from_arrays(
        [
            pa.array(starts, pa.int64(), mask=unknown).cast(TIME),
            pa.array(starts + (0 if whole else cells.cell), pa.int64(), mask=unknown).cast(TIME),
            pa.array([slices[one] for one in value.tolist()], pa.string()),
            pa.array([column] * kept.size, pa.string()),
            pa.ListArray.from_arrays(pa.array(offsets), pa.array(flat.ravel())),
        ],
        schema=COUNTS,
    )

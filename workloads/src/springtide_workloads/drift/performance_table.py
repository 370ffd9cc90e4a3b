"""A report's table of performance: every window, model and slice that was measured."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from springtide_workloads.drift.realised import ModelWindow

PERFORMANCE_FILE = "performance.parquet"
TIME = pa.timestamp("us", tz="UTC")
_FIELDS: list["pa.Field[Any]"] = [
    pa.field("window_start", TIME),
    pa.field("window_end", TIME),
    pa.field("model", pa.string()),
    pa.field("slice", pa.string()),
    pa.field("rows", pa.int64()),
    pa.field("labelled", pa.int64()),
    pa.field("positives", pa.int64()),
    *(pa.field(name, pa.float64()) for name in ("auc", "low", "high", "promised")),
    pa.field("outcome", pa.string()),
    pa.field("message", pa.string()),
]
PERFORMANCE = pa.schema(_FIELDS)


def write_performance(folder: Path, windows: Sequence[ModelWindow]) -> None:
    """The newest window first; of each model all rows (`slice` unset), then its slices, whose `rows` are not known."""
    table = pa.Table.from_pylist([line for one in windows for line in _lines(one)], schema=PERFORMANCE)
    pq.write_table(table, folder / PERFORMANCE_FILE, compression="zstd")


def _lines(one: ModelWindow) -> Iterator[dict[str, object]]:
    for reading in (one.overall, *one.slices):
        estimate = reading.estimate
        yield {
            "window_start": one.window.start,
            "window_end": one.window.end,
            "model": one.model,
            "slice": reading.label,
            "rows": one.rows if reading.slice is None else None,
            "labelled": reading.labelled,
            "positives": reading.positives,
            "auc": None if estimate is None else estimate.value,
            "low": None if estimate is None else estimate.low,
            "high": None if estimate is None else estimate.high,
            "promised": reading.promised,
            "outcome": reading.outcome,
            "message": reading.message,
        }

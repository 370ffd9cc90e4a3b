"""Some rows of a window or of a snapshot as they are, for people to look at: a few columns of a bounded sample.

Which rows these are follows from the rows, or from where they lie, so that looking again finds the same. In memory are
the sample and one piece of a file.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from springtide.api.constants import Reason

from springtide_workloads.data.chunks import ArrowArray, corrupt
from springtide_workloads.data.encoding import as_numbers, as_text
from springtide_workloads.data.sample import Draws, RowSample
from springtide_workloads.data.split import SHOW, draw
from springtide_workloads.drift.bins import NumberBins
from springtide_workloads.drift.duplicates import hash_rows
from springtide_workloads.drift.layout import Layout
from springtide_workloads.drift.pieces import PieceFile
from springtide_workloads.drift.rows import LOG_REQUEST, LOG_ROW, RowFile, Rows, files_between
from springtide_workloads.drift.times import event_times
from springtide_workloads.drift.windows import WHOLE, Window
from springtide_workloads.errors import WorkloadError
from springtide_workloads.process.progress import Progress

ROWS = 5_000
NEVER = 1.0
"""The draw of a row that is not asked for."""


def sample_rows(
    rows: Rows,
    *,
    layout: Layout,
    columns: Sequence[str],
    progress: Progress,
    window: Window = WHOLE,
    time: str | None = None,
) -> pa.Table:
    """At most `ROWS` rows of a window; time: the event time column; None: of all rows.

    Numbers are float64, categories are text as counting spells them. Null is what is missing or infinite, and a column
    that a file does not have or has as another type. A torn file of a log is left out. Raises ColumnNotFound,
    WrongType, DataNotFound, DataCorrupt, AccessDenied, StoreUnavailable.
    """
    sampling = _Sampling(rows, layout, columns, window=window, time=time)
    files = files_between(rows, start=None if time is None else window.start, end=window.end)
    with progress.phase("sampling", total=len(files), unit="files") as phase:
        for file in files:
            sampling.add(file)
            phase.advance(1)
    return sampling.sample.table(sampling.schema)


class _Sampling:
    """What is known while files are read. first: number of the next row."""

    def __init__(self, rows: Rows, layout: Layout, columns: Sequence[str], *, window: Window, time: str | None) -> None:
        self._rows, self._layout, self._columns = rows, layout, columns
        self._window, self._time = window, time
        self._first = 0
        self.sample = RowSample(ROWS)
        self.schema = pa.schema([(name, pa.float64() if self._is_number(name) else pa.string()) for name in columns])

    def add(self, file: RowFile) -> None:
        """A torn file of a log is told of in the verdict already; one of a snapshot is no snapshot's."""
        try:
            with self._rows.open(file) as path, PieceFile(path, name=file.name) as opened:
                self._add(opened, file=file)
        except WorkloadError as error:
            if not self._rows.is_log or error.retryable:
                raise
        except (pa.ArrowException, OSError) as error:
            if not self._rows.is_log:
                raise corrupt(file.name, error) from error

    def _add(self, opened: PieceFile, *, file: RowFile) -> None:
        parquet = opened.parquet
        schema = parquet.schema_arrow
        pieces = opened.cut([name for name in self._columns if self._layout.problem(name, schema) is None])
        for row_group in range(parquet.num_row_groups):
            draws = self._draws(parquet, row_group, file=file)
            places = self.sample.wanted(draws)
            if not places.size:
                continue
            found = {
                name: self._shown(name, values.take(pa.array(places)))
                for name, values in opened.read(row_group, pieces)
            }
            arrays = [found.get(field.name, pa.nulls(places.size, field.type)) for field in self.schema]
            self.sample.add(pa.RecordBatch.from_arrays(arrays, schema=self.schema), draws[places])

    def _draws(self, parquet: pq.ParquetFile, row_group: int, *, file: RowFile) -> Draws:
        """By what they are in a log, whose servers divide it into files as it happens; by their place in a snapshot."""
        there = set(parquet.schema_arrow.names)
        if self._time is not None and self._time not in there:
            raise WorkloadError(Reason.COLUMN_NOT_FOUND, f"{file.name} has no column {self._time}, the event time")
        identity = [LOG_REQUEST, LOG_ROW] if self._rows.is_log and {LOG_REQUEST, LOG_ROW} <= there else []
        wanted = [*identity, *([self._time] if self._time is not None else [])]
        rows = parquet.metadata.row_group(row_group).num_rows
        keys = parquet.read_row_group(row_group, columns=wanted, use_threads=False).combine_chunks()
        if identity:
            hashes = hash_rows(*(keys.column(name).combine_chunks() for name in identity))
            draws = (hashes >> np.uint64(11)).astype(np.float64) * 2.0**-53
        else:
            draws = draw(rows, seed=0, salt=SHOW, first=self._first)
        self._first += rows
        if self._time is None:
            return draws
        times, known = event_times(keys.column(self._time).combine_chunks(), name=self._time, file=file.name)
        return np.where(known & (times >= self._window.start) & (times < self._window.end), draws, NEVER)

    def _shown(self, name: str, values: ArrowArray) -> ArrowArray:
        if self._is_number(name):
            numbers = np.asarray(as_numbers(values, column=name)).astype(np.float64)
            return pa.array(numbers, mask=~np.isfinite(numbers))
        return as_text(values)

    def _is_number(self, name: str) -> bool:
        return isinstance(self._layout.columns[name].bins, NumberBins)

"""The second pass over the rows: every column counted by cell, overall and for each slice.

Rows are first given their cells, from the columns that say where they belong; the others are then read a few at a time.
A row group without a row in the windows is not read any further.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from springtide.api.constants import Reason

from springtide_workloads.data.chunks import ArrowArray, corrupt
from springtide_workloads.drift.bins import UNSEEN, Counts
from springtide_workloads.drift.counting import Grouping, add_by_cell, count_by_cell, count_column, slots_of
from springtide_workloads.drift.duplicates import Duplicates, hash_rows
from springtide_workloads.drift.layout import Layout, SliceColumn
from springtide_workloads.drift.pieces import Piece, PieceReader, columns_at_once, in_threads
from springtide_workloads.drift.rows import LOG_MODEL, LOG_REQUEST, LOG_ROW, RowFile, Rows
from springtide_workloads.drift.times import event_times
from springtide_workloads.drift.verdict import Unusable
from springtide_workloads.drift.windows import HOUR, Cells
from springtide_workloads.errors import WorkloadError
from springtide_workloads.process.progress import Phase, Progress
from springtide_workloads.serving.log_losses import MINUTE, read_metadata

OVERALL = ""
"""Beside the names of slice columns: all rows."""


@dataclass
class Tally:
    """What was counted in the cells of some windows.

    rows: (cells,) of any model. of_model: (cells,) rows that the baseline's model answered; all rows of a Dataset.
    dropped: (windows,) rows that the inference log could not keep.
    counts: by slice column (`OVERALL` for all rows) and column, (cells x values of the slice column, slots).
    unusable: by column and number of the window, why a file could not give it.
    unreadable: by number of the window, what is wrong with files of a log that may have rows of it.
    """

    layout: Layout
    cells: Cells
    rows: Counts = field(init=False)
    of_model: Counts = field(init=False)
    dropped: Counts = field(init=False)
    counts: dict[str, dict[str, Counts]] = field(init=False)
    duplicates: list[Duplicates] = field(init=False)
    unusable: dict[str, dict[int, Unusable]] = field(default_factory=dict)
    unreadable: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        size = self.cells.size
        self.rows, self.of_model = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
        self.dropped = np.zeros(len(self.cells.windows), dtype=np.int64)
        values = {OVERALL: 1, **{one.name: len(one.values) for one in self.layout.slices}}
        self.counts = {
            part: {
                name: np.zeros((size * number, len(column.bins.slots)), dtype=np.int64)
                for name, column in self.layout.columns.items()
            }
            for part, number in values.items()
        }
        self.duplicates = [Duplicates() for _ in self.cells.windows]

    def of_window(self, number: int, *, column: str, part: SliceColumn | None = None) -> Counts:
        """A column's counts in a window: (slots,) of all rows, or (values, slots) by slice."""
        whole = self.counts[OVERALL if part is None else part.name][column]
        values = 1 if part is None else len(part.values)
        cells = whole.reshape(self.cells.size, values, -1)[self._place(number)]
        counts: Counts = cells.sum(axis=0)
        return counts[0] if part is None else counts

    def rows_of_window(self, number: int) -> int:
        """Rows of any model."""
        return int(self.rows[self._place(number)].sum())

    def others_in_window(self, number: int) -> int:
        """Rows that another model answered."""
        return int((self.rows - self.of_model)[self._place(number)].sum())

    def _place(self, number: int) -> slice:
        return slice(number * self.cells.per_window, (number + 1) * self.cells.per_window)


@dataclass(frozen=True)
class _Cut:
    """The cells of a row group's rows, by slice column, and those of the score."""

    groupings: dict[str, Grouping]
    score: dict[str, Grouping]


@dataclass(frozen=True)
class _Keys:
    """The columns of a row group that say where its rows belong."""

    table: pa.Table
    file: str

    def has(self, name: str) -> bool:
        return name in self.table.column_names

    def column(self, name: str) -> ArrowArray:
        return self.table.column(name).combine_chunks()


def tally_windows(
    rows: Rows, *, layout: Layout, cells: Cells, time: str | None, model: str | None, progress: Progress
) -> Tally:
    """Counts the rows of some windows.

    time: the event time column; None: all rows are in the one window. model: digest of the baseline's model, whose
    score is counted; None: the rows do not tell. Raises ColumnNotFound, WrongType, DataCorrupt, naming the file.
    """
    return _Counting(rows, layout=layout, cells=cells, time=time, model=model).run(progress)


class _Counting:
    """One pass."""

    def __init__(self, rows: Rows, *, layout: Layout, cells: Cells, time: str | None, model: str | None) -> None:
        self._rows, self._layout, self._cells, self._time, self._model = rows, layout, cells, time, model
        self._tally = Tally(layout, cells)
        self._lock = threading.Lock()
        self._reader = PieceReader()

    def run(self, progress: Progress) -> Tally:
        after = None if self._time is None else self._cells.windows[0].start
        files = self._rows.files(after=after)
        if self._rows.is_log:
            until = self._cells.windows[-1].end
            files = tuple(file for file in files if file.start is None or file.start < until)
        with progress.phase("counting", total=len(files), unit="files") as phase:
            for file in files:
                self._count_file(file, phase=phase)
        return self._tally

    def _count_file(self, file: RowFile, *, phase: Phase) -> None:
        """A torn file of a log is noted, for the others are still worth counting; one of a snapshot ends the task."""
        try:
            with self._rows.open(file) as path, pq.ParquetFile(path) as parquet:
                self._note_dropped(parquet.metadata)
                for _ in in_threads(self._count, self._pieces(parquet, path=path, file=file)):
                    phase.advance(0)
        except WorkloadError as error:
            if not self._rows.is_log or error.retryable:
                raise
            self._note_unreadable(file, error)
        except (pa.ArrowException, OSError) as error:
            failure = corrupt(file.name, error)
            if not self._rows.is_log:
                raise failure from error
            self._note_unreadable(file, failure)
        phase.advance(1)

    def _pieces(self, parquet: pq.ParquetFile, *, path: Path, file: RowFile) -> Iterator[Piece[_Cut]]:
        schema = parquet.schema_arrow
        problems = {name: self._layout.problem(name, schema) for name in self._layout.columns}
        metadata = parquet.metadata
        at_once = columns_at_once(metadata, [name for name, problem in problems.items() if problem is None])
        for number in range(metadata.num_row_groups):
            keys = self._read_keys(parquet, number, file=file)
            windows = self._group(keys)
            if windows.is_empty:
                continue
            own = self._own(keys, windows)
            self._note(keys, windows, own=own)
            if not own.is_empty:
                self._note_problems(problems, own, file=file)
            cut = _Cut(self._by_slice(keys, windows), self._by_slice(keys, own))
            for columns in at_once:
                yield Piece(path, file.name, metadata, number, columns, cut)

    def _read_keys(self, parquet: pq.ParquetFile, number: int, *, file: RowFile) -> _Keys:
        names = set(parquet.schema_arrow.names)
        wanted = [one.name for one in self._layout.slices]
        if self._time is not None:
            if self._time not in names:
                raise WorkloadError(Reason.COLUMN_NOT_FOUND, f"{file.name} has no column {self._time}, the event time")
            wanted.append(self._time)
        if self._rows.is_log:
            wanted += [LOG_MODEL, LOG_REQUEST, LOG_ROW]
        chosen = list(dict.fromkeys(name for name in wanted if name in names))
        table = parquet.read_row_group(number, columns=chosen)
        return _Keys(table if chosen else _without_columns(parquet, number), file.name)

    def _group(self, keys: _Keys) -> Grouping:
        if self._time is None:
            return self._cells.whole(keys.table.num_rows)
        return self._cells.group(*event_times(keys.column(self._time), name=self._time, file=keys.file))

    def _own(self, keys: _Keys, windows: Grouping) -> Grouping:
        """The rows that the baseline's model answered."""
        if self._model is None or not keys.has(LOG_MODEL):
            return windows
        indices = keys.column(LOG_MODEL).dictionary_encode()
        words = [*(word == self._model for word in indices.dictionary.to_pylist()), False]
        places = indices.indices.cast(pa.int32()).fill_null(len(words) - 1).to_numpy(zero_copy_only=False)
        is_own = np.array(words, dtype=bool)[places]
        return Grouping(np.where(is_own, windows.cells, windows.size), windows.size)

    def _by_slice(self, keys: _Keys, windows: Grouping) -> dict[str, Grouping]:
        found = {OVERALL: windows}
        for one in self._layout.slices:
            if keys.has(one.name):
                found[one.name] = _within_slices(windows, keys.column(one.name), one)
        return found

    def _note(self, keys: _Keys, windows: Grouping, *, own: Grouping) -> None:
        """How many rows there are, and which of them are the same."""
        self._tally.rows += np.bincount(windows.cells, minlength=windows.size + 1)[:-1]
        self._tally.of_model += np.bincount(own.cells, minlength=own.size + 1)[:-1]
        if not (self._rows.is_log and keys.has(LOG_REQUEST) and keys.has(LOG_ROW)):
            return
        hashes = hash_rows(keys.column(LOG_REQUEST), keys.column(LOG_ROW))
        window = windows.cells // self._cells.per_window
        for number, duplicates in enumerate(self._tally.duplicates):
            here = window == number
            if here.any():
                duplicates.add(hashes[here])

    def _note_dropped(self, metadata: pq.FileMetaData) -> None:
        if not self._rows.is_log:
            return
        for minute, rows in read_metadata(metadata.metadata).items():
            for number, window in enumerate(self._cells.windows):
                if window.start <= minute * MINUTE < window.end:
                    self._tally.dropped[number] += rows

    def _note_problems(self, problems: dict[str, Unusable | None], own: Grouping, *, file: RowFile) -> None:
        """Only where the baseline's model was asked: another one may have other features."""
        windows = np.unique(own.cells[own.cells < own.size] // self._cells.per_window).tolist()
        for name, problem in problems.items():
            if problem is not None:
                known = self._tally.unusable.setdefault(name, {})
                for window in windows:
                    known.setdefault(window, replace(problem, message=f"{problem.message} in {file.name}"))

    def _note_unreadable(self, file: RowFile, failure: WorkloadError) -> None:
        for number, window in enumerate(self._cells.windows):
            if file.start is None or (file.start < window.end and window.start < file.start + HOUR):
                self._tally.unreadable.setdefault(number, failure.message)

    def _count(self, piece: Piece[_Cut]) -> None:
        for name, values in self._reader.read(piece):
            groupings = piece.cut.score if name == self._layout.score else piece.cut.groupings
            self._count_column(name, values, groupings=groupings)

    def _count_column(self, name: str, values: ArrowArray, *, groupings: dict[str, Grouping]) -> None:
        bins = self._layout.columns[name].bins
        overall = groupings[OVERALL]
        if len(groupings) == 1 and overall.is_one_cell:
            counts = count_column(values, bins=bins, column=name)
            with self._lock:
                self._tally.counts[OVERALL][name][overall.least] += counts
            return
        slots = slots_of(values, bins=bins, column=name)
        for part, grouping in groupings.items():
            found = count_by_cell(slots, width=len(bins.slots), grouping=grouping)
            with self._lock:
                add_by_cell(self._tally.counts[part][name], found, grouping=grouping)


def _within_slices(windows: Grouping, values: ArrowArray, column: SliceColumn) -> Grouping:
    number = len(column.values)
    value = slots_of(values, bins=column.bins, column=column.name) - (UNSEEN + 1)
    size = windows.size * number
    is_in = (value >= 0) & (windows.cells < windows.size)
    return Grouping(np.where(is_in, windows.cells * number + value, size), size)


def _without_columns(parquet: pq.ParquetFile, number: int) -> pa.Table:
    rows = parquet.metadata.row_group(number).num_rows
    return pa.table({"": pa.nulls(rows)})

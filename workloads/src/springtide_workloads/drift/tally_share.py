"""What one share of a file adds to a tally. Nothing here is shared, so shares can be counted in several processes.

Rows are first given their cells, from the columns that say where they belong; the others are then read a few at a time.
A row group without a row in the windows is not read any further.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from springtide.api.constants import Reason

from springtide_workloads.data.chunks import ArrowArray, corrupt
from springtide_workloads.drift.bins import UNSEEN, Counts
from springtide_workloads.drift.counting import Grouping, count_by_cell, count_column, slots_of
from springtide_workloads.drift.duplicates import Hashes, hash_rows
from springtide_workloads.drift.layout import Layout, SliceColumn
from springtide_workloads.drift.pieces import PieceFile, Share
from springtide_workloads.drift.rows import LOG_MODEL, LOG_REQUEST, LOG_ROW, RowFile, Rows
from springtide_workloads.drift.times import event_times
from springtide_workloads.drift.verdict import Unusable
from springtide_workloads.drift.windows import Cells
from springtide_workloads.errors import WorkloadError
from springtide_workloads.serving.log_losses import MINUTE, read_metadata

OVERALL = ""
"""Beside the names of slice columns: all rows."""


class Span(NamedTuple):
    """Counts of the cells from number `first` on, (cells, slots)."""

    first: int
    counts: Counts

    def joined(self, other: "Span") -> "Span":
        """Both, in one span."""
        if (self.first, self.counts.shape) == (other.first, other.counts.shape):
            return Span(self.first, self.counts + other.counts)
        first = min(self.first, other.first)
        last = max(self.first + len(self.counts), other.first + len(other.counts))
        total = np.zeros((last - first, self.counts.shape[1]), dtype=np.int64)
        for one in (self, other):
            one.add_to(total, first=first)
        return Span(first, total)

    def add_to(self, total: Counts, *, first: int = 0) -> None:
        """Adds its counts to those of cells from number `first` on."""
        start = self.first - first
        total[start : start + len(self.counts)] += self.counts


@dataclass
class Found:
    """What a share holds. See `Tally`; hashes: of the rows of each window, as `Duplicates` takes them.

    failure: why the share, which is then left out as a whole, cannot be read; of a log only.
    """

    rows: Counts
    of_model: Counts
    dropped: Counts
    hashes: list[list[Hashes]]
    counts: dict[str, dict[str, Span]] = field(default_factory=dict)
    unusable: dict[str, dict[int, Unusable]] = field(default_factory=dict)
    failure: str | None = None

    @classmethod
    def nothing(cls, cells: Cells, *, failure: str | None = None) -> "Found":
        """Before anything was counted."""
        return cls(
            rows=np.zeros(cells.size, dtype=np.int64),
            of_model=np.zeros(cells.size, dtype=np.int64),
            dropped=np.zeros(len(cells.windows), dtype=np.int64),
            hashes=[[] for _ in cells.windows],
            failure=failure,
        )

    def add(self, part: str, column: str, span: Span) -> None:
        """Counts of some rows."""
        known = self.counts.setdefault(part, {})
        known[column] = known[column].joined(span) if column in known else span


@dataclass(frozen=True)
class CountShare:
    """Counts a share of a file. See `tally_windows`."""

    rows: Rows
    layout: Layout
    cells: Cells
    time: str | None
    model: str | None

    def __call__(self, share: Share[RowFile]) -> Found:
        """A torn file of a log is noted, for the others are still worth counting; one of a snapshot ends the task."""
        file = share.file
        try:
            with self.rows.open(file) as path, PieceFile(path, name=file.name) as opened:
                return self._count(opened, share)
        except WorkloadError as error:
            if not self.rows.is_log or error.retryable:
                raise
            return Found.nothing(self.cells, failure=error.message)
        except (pa.ArrowException, OSError) as error:
            failure = corrupt(file.name, error)
            if not self.rows.is_log:
                raise failure from error
            return Found.nothing(self.cells, failure=failure.message)

    def _count(self, opened: PieceFile, share: Share[RowFile]) -> Found:
        found, file, parquet = Found.nothing(self.cells), share.file, opened.parquet
        schema = parquet.schema_arrow  # made anew each time that it is asked for
        problems = {name: self.layout.problem(name, schema) for name in self.layout.columns}
        usable = [name for name, problem in problems.items() if problem is None]
        pieces = opened.cut(usable)
        if self.rows.is_log:
            self._note_dropped(found, parquet.metadata)
        for row_group in share.row_groups(parquet):
            keys = self._read_keys(parquet, row_group, file=file)
            windows = self._group(keys)
            if windows.is_empty:
                continue
            own = self._own(keys, windows)
            self._note(found, keys, windows, own=own)
            if not own.is_empty:
                self._note_problems(found, problems, own, file=file)
            of_all, of_score = self._by_slice(keys, windows), self._by_slice(keys, own)
            for name, values in opened.read(row_group, pieces):
                groupings = of_score if name == self.layout.score else of_all
                for part, span in self._count_column(name, values, groupings=groupings):
                    found.add(part, name, span)
        return found

    def _note_dropped(self, found: Found, metadata: pq.FileMetaData) -> None:
        for minute, rows in read_metadata(metadata.metadata).items():
            for number, window in enumerate(self.cells.windows):
                if window.start <= minute * MINUTE < window.end:
                    found.dropped[number] += rows

    def _read_keys(self, parquet: pq.ParquetFile, row_group: int, *, file: RowFile) -> "_Keys":
        names = set(parquet.schema_arrow.names)
        wanted = [one.name for one in self.layout.slices]
        if self.time is not None:
            if self.time not in names:
                raise WorkloadError(Reason.COLUMN_NOT_FOUND, f"{file.name} has no column {self.time}, the event time")
            wanted.append(self.time)
        if self.rows.is_log:
            wanted += [LOG_MODEL, LOG_REQUEST, LOG_ROW]
        chosen = list(dict.fromkeys(name for name in wanted if name in names))
        table = parquet.read_row_group(row_group, columns=chosen, use_threads=False)
        return _Keys(table if chosen else _without_columns(parquet, row_group), file.name)

    def _group(self, keys: "_Keys") -> Grouping:
        if self.time is None:
            return self.cells.whole(keys.table.num_rows)
        return self.cells.group(*event_times(keys.column(self.time), name=self.time, file=keys.file))

    def _own(self, keys: "_Keys", windows: Grouping) -> Grouping:
        """The rows that the baseline's model answered."""
        if self.model is None or not keys.has(LOG_MODEL):
            return windows
        indices = keys.column(LOG_MODEL).dictionary_encode()
        words = [*(word == self.model for word in indices.dictionary.to_pylist()), False]
        places = indices.indices.cast(pa.int32()).fill_null(len(words) - 1).to_numpy(zero_copy_only=False)
        is_own = np.array(words, dtype=bool)[places]
        return Grouping(np.where(is_own, windows.cells, windows.size), windows.size)

    def _by_slice(self, keys: "_Keys", windows: Grouping) -> dict[str, Grouping]:
        found = {OVERALL: windows}
        for one in self.layout.slices:
            if keys.has(one.name):
                found[one.name] = _within_slices(windows, keys.column(one.name), one)
        return found

    def _note(self, found: Found, keys: "_Keys", windows: Grouping, *, own: Grouping) -> None:
        """How many rows there are, and which of them are the same."""
        found.rows += np.bincount(windows.cells, minlength=windows.size + 1)[:-1]
        found.of_model += np.bincount(own.cells, minlength=own.size + 1)[:-1]
        if not (self.rows.is_log and keys.has(LOG_REQUEST) and keys.has(LOG_ROW)):
            return
        hashes = hash_rows(keys.column(LOG_REQUEST), keys.column(LOG_ROW))
        window = windows.cells // self.cells.per_window
        for number, known in enumerate(found.hashes):
            here = window == number
            if here.any():
                known.append(hashes[here])

    def _note_problems(
        self, found: Found, problems: dict[str, Unusable | None], own: Grouping, *, file: RowFile
    ) -> None:
        """Only where the baseline's model was asked: another one may have other features."""
        windows = np.unique(own.cells[own.cells < own.size] // self.cells.per_window).tolist()
        for name, problem in problems.items():
            if problem is not None:
                told = replace(problem, message=f"{problem.message} in {file.name}")
                found.unusable.setdefault(name, {}).update(dict.fromkeys(windows, told))

    def _count_column(
        self, name: str, values: ArrowArray, *, groupings: dict[str, Grouping]
    ) -> Iterator[tuple[str, Span]]:
        bins = self.layout.columns[name].bins
        overall = groupings[OVERALL]
        if len(groupings) == 1 and overall.is_one_cell:
            yield OVERALL, Span(overall.least, count_column(values, bins=bins, column=name)[None, :])
            return
        slots = slots_of(values, bins=bins, column=name)
        for part, grouping in groupings.items():
            yield part, Span(grouping.least, count_by_cell(slots, width=len(bins.slots), grouping=grouping))


@dataclass(frozen=True)
class _Keys:
    """The columns of a row group that say where its rows belong."""

    table: pa.Table
    file: str

    def has(self, name: str) -> bool:
        return name in self.table.column_names

    def column(self, name: str) -> ArrowArray:
        return self.table.column(name).combine_chunks()


def _within_slices(windows: Grouping, values: ArrowArray, column: SliceColumn) -> Grouping:
    number = len(column.values)
    value = slots_of(values, bins=column.bins, column=column.name) - (UNSEEN + 1)
    size = windows.size * number
    is_in = (value >= 0) & (windows.cells < windows.size)
    return Grouping(np.where(is_in, windows.cells * number + value, size), size)


def _without_columns(parquet: pq.ParquetFile, number: int) -> pa.Table:
    rows = parquet.metadata.row_group(number).num_rows
    return pa.table({"": pa.nulls(rows)})

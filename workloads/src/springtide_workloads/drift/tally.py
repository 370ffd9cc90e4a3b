"""The second pass over the rows: what was counted in the cells of some windows, overall and for each slice."""

from dataclasses import dataclass, field

import numpy as np

from springtide_workloads.drift.bins import Counts
from springtide_workloads.drift.duplicates import Duplicates
from springtide_workloads.drift.layout import Layout, SliceColumn
from springtide_workloads.drift.pieces import in_shares
from springtide_workloads.drift.rows import RowFile, Rows, files_between
from springtide_workloads.drift.tally_share import OVERALL, CountShare, Found
from springtide_workloads.drift.verdict import Unusable
from springtide_workloads.drift.windows import HOUR, Cells
from springtide_workloads.process.crew import in_processes, processes_for
from springtide_workloads.process.progress import Progress

ROOM_TO_SHARE = 64 << 20
"""Bytes of count vectors that are worth copying between processes."""


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

    def add(self, found: Found, *, file: RowFile) -> None:
        """What a share of a file holds."""
        self.rows += found.rows
        self.of_model += found.of_model
        self.dropped += found.dropped
        for part, columns in found.counts.items():
            for name, span in columns.items():
                span.add_to(self.counts[part][name])
        for duplicates, known in zip(self.duplicates, found.hashes, strict=True):
            for hashes in known:
                duplicates.add(hashes)
        for name, problems in found.unusable.items():
            self.unusable[name] = problems | self.unusable.get(name, {})
        if found.failure is not None:
            self._note_unreadable(file, found.failure)

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

    def _note_unreadable(self, file: RowFile, failure: str) -> None:
        for number, window in enumerate(self.cells.windows):
            if file.start is None or (file.start < window.end and window.start < file.start + HOUR):
                self.unreadable.setdefault(number, failure)


def tally_windows(
    rows: Rows, *, layout: Layout, cells: Cells, time: str | None, model: str | None, progress: Progress
) -> Tally:
    """Counts the rows of some windows.

    time: the event time column; None: all rows are in the one window. model: digest of the baseline's model, whose
    score is counted; None: the rows do not tell. Raises ColumnNotFound, WrongType, DataCorrupt, naming the file.
    """
    tally = Tally(layout, cells)
    files = files_between(rows, start=None if time is None else cells.windows[0].start, end=cells.windows[-1].end)
    is_small = layout.cell_bytes * cells.size <= ROOM_TO_SHARE
    processes = processes_for(sum(file.size for file in files)) if is_small else 1
    shares = in_shares(files, each=1 if rows.is_log else processes)
    count = CountShare(rows, layout, cells, time, model)
    with progress.phase("counting", total=len(shares), unit="parts") as phase:
        for share, found in zip(shares, in_processes(count, shares, processes=processes), strict=True):
            tally.add(found, file=share.file)
            phase.advance(1)
    return tally

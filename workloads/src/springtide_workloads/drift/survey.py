"""The first pass over the rows: their event times alone. It finds which windows there are to judge.

Nothing but one column is read, and of a log only what is newer than the last judged window.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from springtide.api.constants import Reason

from springtide_workloads.data.chunks import corrupt
from springtide_workloads.drift.rows import RowFile, Rows
from springtide_workloads.drift.times import event_times
from springtide_workloads.drift.windows import HOUR, LOOK, Times, Window, windows_to_judge
from springtide_workloads.errors import WorkloadError
from springtide_workloads.process.progress import Progress


@dataclass
class Survey:
    """What the event times say.

    newest: the latest time that is not in the future; None where there is none.
    windows: to judge, oldest first. is_all: whether no closed window is left for the next look.
    in_future: rows whose time is later than now. They close no window, or one wrong clock would close all of them.
    without_time: rows whose time is missing, or before the calendar; they are in no window.
    unreadable: files of a log that cannot be read, by name, and what is wrong with them.
    """

    newest: int | None = None
    windows: tuple[Window, ...] = ()
    in_future: int = 0
    without_time: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)


def survey(
    rows: Rows, *, column: str, length: int, delay: int, after: int | None, now: int, progress: Progress
) -> Survey:
    """Finds the windows to judge. All times are in microseconds.

    delay: a window is closed once a row is so much newer than its end. Raises ColumnNotFound, WrongType, DataCorrupt.
    """
    found = Survey()
    files = rows.files(after=after)
    with_rows: Counter[int] = Counter()
    with progress.phase("reading event times", total=len(files), unit="files") as phase:
        found.newest = newest_time(rows, files, column=column, now=now) if rows.is_log else None
        for file in files:
            if rows.is_log and _is_enough(with_rows, file, length=length, after=after):
                break
            for times in _times(rows, file, column=column, found=found):
                past = times[times <= now]
                found.in_future += times.size - past.size
                if past.size:
                    found.newest = max(int(past.max()), int(past.max()) if found.newest is None else found.newest)
                numbers, counts = np.unique(past // length, return_counts=True)
                with_rows.update(dict(zip(numbers.tolist(), counts.tolist(), strict=True)))
            phase.advance(1)
    if found.newest is not None:
        found.windows = windows_to_judge(with_rows, length=length, after=after, closed_until=found.newest - delay)
    return found


def _is_enough(with_rows: Counter[int], file: RowFile, *, length: int, after: int | None) -> bool:
    """Whether a log, which is read from the oldest file on, has shown as many windows as one look judges."""
    if file.start is None:
        return False
    first = -(-after // length) if after is not None else min(with_rows, default=0)
    before = [number for number in with_rows if first <= number < file.start // length]
    return len(before) >= LOOK


def newest_time(rows: Rows, files: tuple[RowFile, ...], *, column: str, now: int) -> int | None:
    """The latest time of a log that is not in the future: in its last folder, or one before it."""
    newest: int | None = None
    for file in reversed(files):
        if newest is not None and file.start is not None and file.start + HOUR <= newest:
            break
        for times in _times(rows, file, column=column, found=Survey()):
            past = times[times <= now]
            if past.size:
                newest = max(int(past.max()), newest if newest is not None else int(past.max()))
    return newest


def _times(rows: Rows, file: RowFile, *, column: str, found: Survey) -> Iterator[Times]:
    """The known times of each row group. A torn file of a log is noted; one of a snapshot ends the task."""
    try:
        with rows.open(file) as path, pq.ParquetFile(path) as parquet:
            _check(parquet, column=column, file=file.name)
            for number in range(parquet.num_row_groups):
                values = parquet.read_row_group(number, columns=[column]).column(column)
                times, known = event_times(values, name=column, file=file.name)
                found.without_time += int(known.size - known.sum())
                yield times[known]
    except WorkloadError as error:
        if not rows.is_log or error.retryable:
            raise
        found.unreadable[file.name] = error.message
    except (pa.ArrowException, OSError) as error:
        failure = corrupt(file.name, error)
        if not rows.is_log:
            raise failure from error
        found.unreadable[file.name] = failure.message


def _check(parquet: pq.ParquetFile, *, column: str, file: str) -> None:
    if column not in parquet.schema_arrow.names:
        raise WorkloadError(Reason.COLUMN_NOT_FOUND, f"{file} has no column {column}, the event time")

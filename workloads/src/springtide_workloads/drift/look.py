"""From a drift task to its result, in the order in which it happens.

The rows are read twice at most: their event times, which say what windows there are, then all that is counted. Windows
are counted together as far as there is room for their counts, so memory grows with columns and not with rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from springtide.api.constants import Reason
from springtide.api.drift_monitor import WindowSummary
from springtide.api.task import DriftTask, Result

from springtide_workloads.artifacts.store import open_section
from springtide_workloads.data.pinned import collect_snapshot
from springtide_workloads.drift.answer import answer
from springtide_workloads.drift.bins import Baseline, Counts
from springtide_workloads.drift.judging import Judged, judge_window, questions_of, ranked
from springtide_workloads.drift.layout import Layout, lay_out
from springtide_workloads.drift.opening import open_baseline
from springtide_workloads.drift.performance import Realised, measure
from springtide_workloads.drift.report import Report
from springtide_workloads.drift.rows import LOG_SCORE, LOG_TIME, LogRows, Rows, SnapshotRows
from springtide_workloads.drift.showing import show
from springtide_workloads.drift.side_by_side import Shown
from springtide_workloads.drift.survey import Survey, survey
from springtide_workloads.drift.tables import ReportTables
from springtide_workloads.drift.tally import Tally, tally_windows
from springtide_workloads.drift.windows import (
    SECOND,
    WHOLE,
    Cells,
    Window,
    as_microseconds,
    in_groups,
)
from springtide_workloads.errors import WorkloadError
from springtide_workloads.process.logs import log
from springtide_workloads.process.progress import Progress

USUAL = 48
"""Earlier windows that tell how many rows are usual."""
SHOWN = 20
"""Columns that Evidently is shown, the first ones of the ranking."""


@dataclass(frozen=True)
class Work:
    """A task, understood. time: column of event times; None: all rows are one window."""

    task: DriftTask
    baseline: Baseline
    rows: Rows
    layout: Layout
    time: str | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Looked:
    """What was judged. newest: the last window in detail, beside its counts by column; windows: all, oldest first."""

    newest: Judged | None
    counts: dict[str, Counts]
    windows: tuple[WindowSummary, ...]


def look(task: DriftTask, *, start_time: datetime, scratch: Path, progress: Progress) -> Result:
    """Judges what has closed since the last look and publishes the report.

    Raises BaselineNotFound, DigestMismatch, DataNotFound, ColumnNotFound, WrongType, DataCorrupt, AccessDenied,
    StoreUnavailable, DiskFull.
    """
    store = open_section(task.store_uri, task.report_uri, field="reportUri")
    store.check_writable()
    work = understand(task, scratch=scratch, progress=progress)
    windows, found = find_windows(work, now=start_time, progress=progress)
    notes = (*work.notes, *found)
    folder = scratch / "report"
    folder.mkdir()
    looked = Looked(None, {}, ())
    if windows:
        with ReportTables(folder) as tables:
            looked = judge_windows(work, windows, tables=tables, progress=progress)
    realised = measure_windows(work, windows, now=start_time, scratch=scratch, progress=progress)
    shown = None if looked.newest is None else show_worst(work, looked, scratch=scratch, progress=progress)
    report = Report(task, work.layout, looked.newest, looked.counts, looked.windows, realised, notes, shown)
    published = None if report.is_empty else report.publish(folder, store=store, progress=progress)
    log.info("judged", windows=len(windows), report=published)
    return answer(
        task,
        newest=looked.newest,
        windows=looked.windows,
        realised=realised,
        report=published,
        notes=notes,
        start_time=start_time,
    )


def understand(task: DriftTask, *, scratch: Path, progress: Progress) -> Work:
    """Opens what the task names."""
    baseline = open_baseline(task.baseline)
    rows = _open_rows(task, scratch=scratch, progress=progress)
    score = LOG_SCORE if rows.is_log else None
    layout, notes = lay_out(baseline, score=score, slices=task.slices, exclude=task.exclude)
    if not layout.columns:
        raise WorkloadError(Reason.COLUMN_NOT_FOUND, "columns.exclude leaves no column of the model to be judged")
    return Work(task, baseline, rows, layout, LOG_TIME if rows.is_log else task.event_time_column, notes)


def find_windows(work: Work, *, now: datetime, progress: Progress) -> tuple[tuple[Window, ...], tuple[str, ...]]:
    """The windows to judge, and what is noteworthy about the event times."""
    if work.time is None:
        return (WHOLE,), ()
    task = work.task
    found = survey(
        work.rows,
        column=work.time,
        length=task.window_seconds * SECOND,
        delay=task.delay_seconds * SECOND,
        after=None if task.after is None else as_microseconds(task.after),
        now=as_microseconds(now),
        progress=progress,
    )
    return found.windows, tuple(_sentences(found))


def judge_windows(
    work: Work, windows: tuple[Window, ...], *, tables: ReportTables | None = None, progress: Progress
) -> Looked:
    """Counts and judges, the oldest window first. tables: is given every verdict and every count."""
    questions = questions_of(work.layout, baseline=work.baseline)
    usual = [one.rows + (one.dropped_rows or 0) for one in work.task.earlier]
    summaries: list[WindowSummary] = []
    newest, counts = None, {}
    for cells in in_groups(windows, cell_bytes=work.layout.cell_bytes):
        tally = _tally(work, cells, progress=progress)
        if tables is not None:
            tables.write_counts(tally)
        for number in range(len(cells.windows)):
            newest = judge_window(tally, number, questions=questions, rules=work.task.rules, usual=usual[-USUAL:])
            if tables is not None:
                tables.write_verdicts(newest)
            usual.append(newest.rows + newest.dropped)
            summaries.append(newest.summary())
        last = len(cells.windows) - 1
        counts = {name: tally.of_window(last, column=name) for name in work.layout.columns}
    return Looked(newest, counts, tuple(summaries))


def show_worst(work: Work, looked: Looked, *, scratch: Path, progress: Progress) -> Shown | None:
    """Rows of the newest window beside the reference, of its worst columns; None where no column has any."""
    assert looked.newest is not None, "without a window nothing is shown"
    columns = [work.layout.columns[one.name] for one in ranked(looked.newest.columns) if one.rows]
    counted = [(column, looked.counts[column.name]) for column in columns[:SHOWN]]
    counts = [(column, found) for column, found in counted if column.rows and found.sum()]
    if not counts:
        return None
    return show(
        work.task,
        counts,
        rows=work.rows,
        layout=work.layout,
        window=looked.newest.window,
        time=work.time,
        scratch=scratch,
        progress=progress,
    )


def measure_windows(
    work: Work, windows: tuple[Window, ...], *, now: datetime, scratch: Path, progress: Progress
) -> Realised | None:
    """Performance by the labels of the task; None where it has none, or where there is nothing new.

    windows: that have closed since the last look. With labels that were joined before, only they are measured.
    """
    labels, task = work.task.labels, work.task
    if labels is None or not work.rows.is_log or (labels.is_measured and not windows):
        return None
    return measure(
        labels,
        rows=work.rows,
        slices=task.slices,
        length=task.window_seconds * SECOND,
        delay=task.delay_seconds * SECOND,
        now=as_microseconds(now),
        since=windows[0].start if labels.is_measured else None,
        store_uri=task.store_uri,
        scratch=scratch,
        progress=progress,
    )


def _open_rows(task: DriftTask, *, scratch: Path, progress: Progress) -> Rows:
    if task.data.snapshot is None:
        return LogRows(task.data.uri, scratch=scratch)
    files, _ = collect_snapshot(task.data.uri, digest=task.data.snapshot, scratch=scratch, progress=progress)
    return SnapshotRows(files)


def _tally(work: Work, cells: Cells, *, progress: Progress) -> Tally:
    return tally_windows(
        work.rows,
        layout=work.layout,
        cells=cells,
        time=work.time,
        model=work.task.baseline.digest if work.rows.is_log else None,
        progress=progress,
    )


def _sentences(found: Survey) -> Iterator[str]:
    if found.newest is None:
        yield "there are no rows with an event time yet"
    if found.in_future:
        yield f"{found.in_future} rows have an event time in the future and are in no window"
    if found.without_time:
        yield f"{found.without_time} rows have no event time, or one before the year 2, and are in no window"
    if found.unreadable:
        name, problem = next(iter(found.unreadable.items()))
        more = f" (and {len(found.unreadable) - 1} more)" if len(found.unreadable) > 1 else ""
        yield f"a file of the log cannot be read: {problem if name in problem else f'{name}: {problem}'}{more}"

"""How well a model did, by labels that arrived late: the inference log joined with them, window by window.

The log is read from its newest file back, and only the columns that say whose row it is and what was answered. A window
is measured when nothing older can belong to it, and forgotten then; after the newest windows with labels, as many as a
monitor lists, no older file is opened. So memory does not grow with the log, but for the rows of one window that have a
label.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from springtide.api.constants import Reason
from springtide.api.drift_monitor import PERFORMANCE_LISTED
from springtide.api.task import Labels as LabelsTask

from springtide_workloads.data.chunks import ArrowArray, corrupt
from springtide_workloads.data.encoding import as_words
from springtide_workloads.drift import answered
from springtide_workloads.drift.answered import Answered, Codes
from springtide_workloads.drift.labels import NONE, Labels, read_labels
from springtide_workloads.drift.promises import Promises
from springtide_workloads.drift.realised import ModelWindow, Rule, measure_window
from springtide_workloads.drift.rows import LOG_MODEL, LOG_REQUEST, LOG_ROW, LOG_SCORE, LOG_TIME, RowFile, Rows
from springtide_workloads.drift.survey import newest_time
from springtide_workloads.drift.times import event_times
from springtide_workloads.drift.windows import HOUR, Times, Window, as_microseconds
from springtide_workloads.errors import WorkloadError
from springtide_workloads.process.logs import log
from springtide_workloads.process.progress import Progress

OWN = (LOG_REQUEST, LOG_ROW, LOG_TIME, LOG_MODEL, LOG_SCORE)
DIGEST_PREFIX, DIGEST_LENGTH = "sha256:", 71
MOST_WORDS = 10_000
"""Values of a slice column that are told apart; the others are in no slice."""


@dataclass(frozen=True)
class Span:
    """Which windows there are: all of one length, closed, and none before `since`. Microseconds."""

    length: int
    closed_until: int
    now: int
    since: int | None = None


@dataclass(frozen=True)
class Realised:
    """What was measured, the newest window first. problem: why nothing could be. notes: sentences about the labels."""

    windows: tuple[ModelWindow, ...] = ()
    problem: WorkloadError | None = None
    notes: tuple[str, ...] = ()


def measure(
    task: LabelsTask,
    *,
    rows: Rows,
    slices: tuple[str, ...],
    length: int,
    delay: int,
    now: int,
    since: int | None,
    store_uri: str,
    scratch: Path,
    progress: Progress,
) -> Realised:
    """Measures the newest closed windows that have labels, or had. All times are in microseconds.

    since: windows that begin earlier are as they were; None: any window may be another. Labels that cannot be used are
    told of; raises only what waiting can help: StoreUnavailable.
    """
    try:
        labels = read_labels(task, scratch=scratch, progress=progress)
    except WorkloadError as error:
        if error.retryable:
            raise
        log.warning("the labels cannot be used", reason=error.reason, problem=error.message)
        return Realised(problem=error)
    newest = newest_time(rows, rows.files(after=since), column=LOG_TIME, now=now)
    if newest is None:
        return Realised(notes=("there are no rows with an event time yet",))
    known = frozenset((as_microseconds(one.end), one.model) for one in task.known)
    walk = _Walk(rows, labels, Span(length, newest - delay, now, since), slices, known)
    rule = Rule(task.min_rows, task.max_drop)
    promises = Promises(store_uri)
    windows = [
        measure_window(one, labels, words=walk.words, promise=promises.of(one.model), rule=rule)
        for one in walk.windows(progress)
    ]
    ordered = sorted(windows, key=lambda one: (one.window.end, one.rows, one.model), reverse=True)
    log.info("measured", windows=len(ordered), labels=labels.hashes.size * labels.scale)
    return Realised(tuple(ordered[:PERFORMANCE_LISTED]), notes=tuple(walk.notes()))


@dataclass
class _Walk:
    """Back through the log. known: ends and models of windows that had labels. words: values of slice columns."""

    rows: Rows
    labels: Labels
    span: Span
    slices: tuple[str, ...]
    known: frozenset[tuple[int, str]]
    words: dict[str, dict[str, int]] = field(default_factory=dict)
    _open: dict[tuple[int, str], Answered] = field(default_factory=dict)
    _found: int = 0
    _is_whole: bool = True
    _unreadable: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.words = {name: {} for name in self.slices}
        self._used = np.zeros(self.labels.hashes.size, dtype=bool)

    def windows(self, progress: Progress) -> Iterator[Answered]:
        """What each model answered in each window that is to be measured, the newest windows first."""
        files = self.rows.files(after=self.span.since)
        with progress.phase("joining labels", total=len(files), unit="files") as phase:
            for file in reversed(files):
                if file.start is not None:
                    yield from self._closed(before=file.start + HOUR)
                if self._found >= PERFORMANCE_LISTED:
                    self._is_whole = False
                    return
                self._read(file)
                phase.advance(1)
            yield from self._closed(before=None)

    def notes(self) -> Iterator[str]:
        """What is noteworthy about the labels, once all windows were taken."""
        if self.labels.without_key:
            yield f"{self.labels.without_key} labels name no request"
        unknown = int(self._used.size - self._used.sum()) * self.labels.scale
        total = self._used.size * self.labels.scale
        if unknown and self.span.since is None:
            whose = "requests that the log does not have" if self._is_whole else "older requests, or of unknown ones"
            yield f"{unknown} of {total} labels are of {whose}"
        for problem in list(self._unreadable.values())[:1]:
            yield f"a file of the log cannot be read: {problem}"

    def _closed(self, *, before: int | None) -> Iterator[Answered]:
        """Windows that get no more rows: those that begin at `before` or later."""
        done = [key for key, one in self._open.items() if before is None or one.window.start >= before]
        for key in sorted(done, reverse=True):
            one = self._open.pop(key)
            if one.has_labels or (one.window.end, one.model) in self.known:
                self._found += 1
                yield one

    def _read(self, file: RowFile) -> None:
        """A file that is torn or no file of ours is noted: the drift of its window says so as well."""
        if file.start is not None and file.start >= self.span.closed_until:
            return
        try:
            with self.rows.open(file) as path, pq.ParquetFile(path, read_dictionary=[LOG_REQUEST]) as parquet:
                chosen = _columns(parquet, slices=self.slices, file=file.name)
                for number in range(parquet.num_row_groups):
                    self._take(parquet.read_row_group(number, columns=chosen), file=file.name)
        except WorkloadError as error:
            if error.retryable:
                raise
            self._unreadable[file.name] = error.message
        except (pa.ArrowException, OSError) as error:
            self._unreadable[file.name] = corrupt(file.name, error).message

    def _take(self, table: pa.Table, *, file: str) -> None:
        times, known = event_times(_column(table, LOG_TIME), name=LOG_TIME, file=file)
        numbers = times // self.span.length
        last = self.span.closed_until // self.span.length
        inside = known & (times <= self.span.now) & (numbers < last)
        if self.span.since is not None:
            inside &= times >= self.span.since
        if not inside.any():
            return
        places = self.labels.find(_column(table, LOG_REQUEST), _column(table, LOG_ROW))
        found = answered.Rows(places, times, _scores(table), self._codes(table))
        models, names = as_words(_column(table, LOG_MODEL))
        for model in np.unique(models[inside]).tolist():
            name = names[model] if model < len(names) else None
            if name is not None and name.startswith(DIGEST_PREFIX) and len(name) == DIGEST_LENGTH:
                self._add(found, numbers, inside & (models == model), model=name)

    def _add(self, found: answered.Rows, numbers: Times, chosen: np.ndarray, *, model: str) -> None:
        for number in np.unique(numbers[chosen]).tolist():
            here = chosen & (numbers == number)
            start = number * self.span.length
            one = self._open.setdefault((start, model), Answered(Window(start, start + self.span.length), model))
            labelled = found.take(here & (found.places != NONE))
            self._used[labelled.places] = True
            one.add(labelled, rows=int(here.sum()))

    def _codes(self, table: pa.Table) -> dict[str, Codes]:
        """A number for each value of each slice column; `NONE` where the file does not have it."""
        return {name: self._code(table, name) for name in self.slices}

    def _code(self, table: pa.Table, name: str) -> Codes:
        if name not in table.column_names or not _is_text(table.schema.field(name).type):
            return np.full(table.num_rows, NONE, dtype=np.int32)
        indices, words = as_words(_column(table, name))
        known = self.words[name]
        for word in words:
            if word is not None and len(known) < MOST_WORDS:
                known.setdefault(word, len(known))
        codes = [NONE if word is None else known.get(word, NONE) for word in words]
        return np.array([*codes, NONE], dtype=np.int32)[indices]


def _columns(parquet: pq.ParquetFile, *, slices: tuple[str, ...], file: str) -> list[str]:
    names = set(parquet.schema_arrow.names)
    if missing := [name for name in OWN if name not in names]:
        raise WorkloadError(Reason.COLUMN_NOT_FOUND, f"{file} has no column {missing[0]}")
    return [*OWN, *(name for name in slices if name in names)]


def _column(table: pa.Table, name: str) -> ArrowArray:
    column = table.column(name)
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _scores(table: pa.Table) -> answered.Scores:
    scores = _column(table, LOG_SCORE).cast(pa.float32()).to_numpy(zero_copy_only=False)
    return np.asarray(scores, dtype=np.float32)


def _is_text(kind: pa.DataType) -> bool:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(value) or pa.types.is_large_string(value))

"""One window of one model: its AUC by the labels that are there, overall and by slice, held against the promise."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from springtide.api.drift_monitor import PerformanceWindow

from springtide_workloads.drift.answered import Answered, Rows
from springtide_workloads.drift.labels import Labels, Truths
from springtide_workloads.drift.promises import Promise
from springtide_workloads.drift.windows import Window, as_datetime
from springtide_workloads.evaluation.delong import AucEstimate, estimate_auc
from springtide_workloads.evaluation.slices import MIN_OF_EACH_CLASS, MIN_ROWS

Outcome = Literal["Held", "Dropped", "Inconclusive"]
SLICE_VALUES = 16
"""Of a slice column in a window: its most frequent values."""
TEXT = 256


@dataclass(frozen=True)
class Rule:
    """min_rows: labels that a window needs. max_drop: so much less than promised is accepted."""

    min_rows: int
    max_drop: float


@dataclass(frozen=True)
class Reading:
    """Some rows, measured. slice: column and value; None: all rows. estimate: None where they do not allow one."""

    slice: tuple[str, str] | None
    labelled: int
    positives: int
    estimate: AucEstimate | None
    promised: float | None
    outcome: Outcome
    message: str

    @property
    def label(self) -> str | None:
        """How people call the slice."""
        return None if self.slice is None else "=".join(self.slice)


@dataclass(frozen=True)
class ModelWindow:
    """What one model did in one window. rows: with labels and without."""

    window: Window
    model: str
    rows: int
    overall: Reading
    slices: tuple[Reading, ...]

    def summary(self) -> PerformanceWindow:
        """As a status has it: four digits, as many as the interval is good for."""
        overall, estimate = self.overall, self.overall.estimate
        return PerformanceWindow(
            start=as_datetime(self.window.start),
            end=as_datetime(self.window.end),
            model=self.model,
            rows=self.rows,
            labelled=overall.labelled,
            auc=None if estimate is None else round(estimate.value, 4),
            low=None if estimate is None else round(estimate.low, 4),
            high=None if estimate is None else round(estimate.high, 4),
            promised=None if overall.promised is None else round(overall.promised, 4),
            outcome=overall.outcome,
            message=overall.message if len(overall.message) <= TEXT else f"{overall.message[: TEXT - 1]}…",
        )


def measure_window(
    answered: Answered, labels: Labels, *, words: dict[str, dict[str, int]], promise: Promise, rule: Rule
) -> ModelWindow:
    """words: the code of each value of each slice column."""
    rows, twice = answered.labelled()
    target = labels.values[rows.places]
    notes = [
        *([f"{twice} rows were written more than once"] if twice else []),
        *([f"{answered.without_score} labelled rows have no score"] if answered.without_score else []),
    ]
    overall = _read(
        target,
        rows,
        scale=labels.scale,
        promised=promise.overall,
        problem=promise.problem,
        least=rule.min_rows,
        max_drop=rule.max_drop,
    )
    if notes:
        overall = Reading(**vars(overall) | {"message": "; ".join([overall.message, *notes])})
    slices = tuple(
        reading
        for name, known in words.items()
        for reading in _by_value(name, known, target, rows, labels=labels, promise=promise, rule=rule)
    )
    total = max(answered.rows, overall.labelled)
    return ModelWindow(answered.window, answered.model, total, overall, slices)


def judge(estimate: AucEstimate, *, promised: float, max_drop: float) -> Outcome:
    """Dropped and Held are certain, by the whole interval; what lies between is not known."""
    line = promised - max_drop
    if estimate.high < line:
        return "Dropped"
    return "Held" if estimate.low >= line else "Inconclusive"


def _by_value(
    name: str, known: dict[str, int], target: Truths, rows: Rows, *, labels: Labels, promise: Promise, rule: Rule
) -> Iterator[Reading]:
    codes = rows.codes.get(name, np.empty(0, dtype=np.int32))
    counts = np.bincount(codes[codes >= 0], minlength=len(known))
    frequent = sorted(((-counts[code], word, code) for word, code in known.items() if counts[code]))[:SLICE_VALUES]
    for _, word, code in frequent:
        here = codes == code
        yield _read(
            target[here],
            rows.take(here),
            scale=labels.scale,
            promised=promise.slices.get((name, word)),
            problem="name the column in evaluation.slices of its run",
            least=MIN_ROWS,
            max_drop=rule.max_drop,
            part=(name, word),
        )


def _read(
    target: Truths,
    rows: Rows,
    *,
    scale: int,
    promised: float | None,
    problem: str,
    least: int,
    max_drop: float,
    part: tuple[str, str] | None = None,
) -> Reading:
    """scale: each label stands for so many. least: rows that are needed. problem: why nothing is promised."""
    labelled, positives = target.size * scale, int(target.sum()) * scale

    def told(outcome: Outcome, message: str, estimate: AucEstimate | None = None) -> Reading:
        return Reading(part, labelled, positives, estimate, promised, outcome, message)

    if labelled < least:
        return told("Inconclusive", f"{labelled} rows have a label, at least {least} are needed")
    if min(positives, labelled - positives) < MIN_OF_EACH_CLASS * scale:
        counts = f"{positives} labels are positive and {labelled - positives} negative"
        return told("Inconclusive", f"{counts}, at least {MIN_OF_EACH_CLASS} of each are needed")
    estimate = estimate_auc(target, rows.scores)
    words = f"AUC {estimate.value:.4f} ({estimate.low:.4f} to {estimate.high:.4f}) by {labelled} labels"
    if promised is None:
        return told("Inconclusive", f"{words}; what was promised is not known: {problem}", estimate)
    outcome = judge(estimate, promised=promised, max_drop=max_drop)
    line = f"{promised:.4f} was promised, {max_drop:g} less is accepted"
    return told(outcome, f"{words}; {line}", estimate)

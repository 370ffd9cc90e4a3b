"""Metrics of parts of the rows: each value of a column that the task names."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from springtide_workloads.evaluation.intervals import auc_interval
from springtide_workloads.evaluation.metrics import Targets, Values, all_metrics

MIN_ROWS = 100
MIN_OF_EACH_CLASS = 10
MAX_VALUES = 100
RESAMPLES = 200
NULL = "null"


@dataclass(frozen=True)
class SliceColumn:
    """The values of one column: `codes` (rows,) are places in `words`."""

    name: str
    codes: npt.NDArray[np.int32]
    words: tuple[str, ...]


def slice_metrics(
    column: SliceColumn, *, target: Targets, score: Values, weight: Values | None, seed: int
) -> dict[str, object]:
    """The metrics of each value, and the values left out with the reason, by the value's name."""
    rows = np.bincount(column.codes, minlength=len(column.words))
    order = sorted(range(len(column.words)), key=lambda place: (-rows[place], column.words[place]))
    values: dict[str, object] = {}
    omitted: dict[str, str] = {}
    for place in order[:MAX_VALUES]:
        here = column.codes == place
        part = None if weight is None else weight[here]
        word = column.words[place]
        if reason := _why_not(target[here]):
            omitted[word] = reason
            continue
        try:
            values[word] = _of_one(target[here], score[here], part, seed=seed)
        except ValueError as error:
            omitted[word] = str(error)
    rarer = f"only the {MAX_VALUES} most frequent values are reported"
    omitted |= dict.fromkeys((column.words[place] for place in order[MAX_VALUES:]), rarer)
    return {"values": values, "omitted": omitted}


def _of_one(target: Targets, score: Values, weight: Values | None, *, seed: int) -> dict[str, float]:
    found = {"rows": float(target.size), "positiveRate": float(np.average(target, weights=weight))}
    found |= all_metrics(target, score, weight)
    interval = auc_interval(target, score, weight, seed=seed, resamples=RESAMPLES)
    if interval is not None:
        found |= {"aucLow": interval[0], "aucHigh": interval[1]}
    return found


def _why_not(target: Targets) -> str | None:
    positives = int(target.sum())
    negatives = target.size - positives
    if target.size < MIN_ROWS:
        return f"{target.size} rows, at least {MIN_ROWS} are needed"
    if min(positives, negatives) < MIN_OF_EACH_CLASS:
        return f"{positives} positive and {negatives} negative rows, at least {MIN_OF_EACH_CLASS} of each are needed"
    return None


class SliceCollector:
    """Collects the values of a column chunk by chunk; gives up on a column that has too many."""

    MOST = 10_000

    def __init__(self, name: str) -> None:
        self.name = name
        self.too_many = False
        self._places: dict[str, int] = {}
        self._parts: list[npt.NDArray[np.int32]] = []

    def add(self, indices: npt.NDArray[np.int64], words: Sequence[str | None]) -> None:
        """Rows as `encoding.as_words` gives them."""
        if self.too_many:
            return
        used = np.zeros(len(words) + 1, dtype=bool)
        used[indices] = True
        spelled = [*words, None]
        lookup = np.zeros(len(spelled), dtype=np.int32)
        for place in np.flatnonzero(used):
            lookup[place] = self._places.setdefault(spelled[place] or NULL, len(self._places))
        self._parts.append(lookup[indices])
        self.too_many = len(self._places) > self.MOST

    def column(self) -> SliceColumn:
        """All rows so far."""
        return SliceColumn(self.name, np.concatenate(self._parts), tuple(self._places))

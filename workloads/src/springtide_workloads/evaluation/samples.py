"""What was measured for a gate: each part of the rows, on the rows themselves and on their resamples."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from springtide.api.gate import Gate, GateMetric

from springtide_workloads.evaluation.bootstrap import Noise, Resampled, resample, resamples_for
from springtide_workloads.evaluation.impact import Groups, extremes, groups_of, impact_ratio, threshold
from springtide_workloads.evaluation.metrics import Values
from springtide_workloads.evaluation.scoring import Scored
from springtide_workloads.evaluation.slices import MIN_OF_EACH_CLASS, SliceColumn
from springtide_workloads.evaluation.statistics import Places, Statistic, statistic
from springtide_workloads.process.progress import Progress

LEAST_ROWS = 20
NEEDS_BOTH_CLASSES = frozenset({"AUC", "KS"})
MORE_IS_BETTER = frozenset({"AUC", "KS", "AdverseImpactRatio"})
NOISE: dict[GateMetric, Noise] = {"KS": "Push", "ECE": "OneSided", "AdverseImpactRatio": "OneSided"}


@dataclass(frozen=True)
class Part:
    """Some of the rows. label: such as `sex=female`; None: all of them. problem: why nothing can be measured there."""

    label: str | None
    rows: Places
    positives: int = 0
    problem: str | None = None
    groups: Groups | None = None


@dataclass(frozen=True)
class Sample:
    """A metric of one part. problem, problem_of_champion: why a model has none; label: where it says more."""

    label: str | None
    rows: int
    positives: int
    challenger: Resampled | None
    champion: Resampled | None
    problem: str | None
    problem_of_champion: str | None


@dataclass(frozen=True)
class Samples:
    """All parts that a gate looks at, and those that it left out: label and rows."""

    parts: tuple[Sample, ...]
    left_out: tuple[tuple[str, int], ...]


class Measures:
    """Measures what gates ask for, once for all gates that ask for the same. All see the same resamples."""

    def __init__(self, scored: Scored, *, seed: int, progress: Progress) -> None:
        self._scored = scored
        self._seed = seed
        self._progress = progress
        self._known: dict[object, Samples] = {}
        self.problem = _problem_of("the challenger", scored.challenger)
        self.problem_of_champion = None if scored.champion is None else _problem_of("the champion", scored.champion)

    def of(self, gate: Gate) -> Samples:
        """The samples of a gate."""
        resamples = resamples_for(gate.confidence)
        support = gate.min_support if gate.slices else 0
        key = (gate.metric, gate.slices, support, resamples)
        if key not in self._known:
            parts, left_out = self._parts(gate)
            self._known[key] = Samples(tuple(self._measured(gate, parts, resamples=resamples)), tuple(left_out))
        return self._known[key]

    def threshold_of(self, score: Values) -> float:
        """The score from which on a model's decisions are positive."""
        return threshold(self._scored.target, score, self._scored.weight)

    def _parts(self, gate: Gate) -> tuple[list[Part], list[tuple[str, int]]]:
        """The parts to measure, and the slices that are left out."""
        if not gate.slices:
            return [self._checked(Part(None, np.arange(self._scored.rows)), gate)], []
        parts: list[Part] = []
        left_out: list[tuple[str, int]] = []
        for name in gate.slices:
            column = self._scored.slices[name]
            if column is None:
                empty = "there are no held-out rows" if not self._scored.rows else "too many values to slice by"
                parts.append(Part(name, np.arange(0), problem=f"column {name}: {empty}"))
                continue
            counts = np.bincount(column.codes, minlength=len(column.words))
            few = np.flatnonzero(counts < gate.min_support)
            left_out += [(f"{name}={column.words[code]}", int(counts[code])) for code in few]
            cut = self._compared if gate.metric == "AdverseImpactRatio" else self._cut
            parts += cut(gate, column, np.flatnonzero(counts >= gate.min_support))
        return parts, left_out

    def _cut(self, gate: Gate, column: SliceColumn, enough: Places) -> Iterator[Part]:
        """A part for each value with enough rows, the most frequent first."""
        order = np.argsort(column.codes, kind="stable")
        bounds = np.searchsorted(column.codes[order], np.arange(len(column.words) + 1))
        for code in sorted(enough.tolist(), key=lambda code: (bounds[code] - bounds[code + 1], column.words[code])):
            rows = order[bounds[code] : bounds[code + 1]]
            yield self._checked(Part(f"{column.name}={column.words[code]}", rows), gate)

    def _compared(self, gate: Gate, column: SliceColumn, enough: Places) -> Iterator[Part]:
        """One part with all groups that have enough rows; nothing where no group has."""
        if enough.size == 0:
            return
        groups = groups_of(column, places=enough)
        if enough.size == 1:
            only = f"only {groups.words[0]} has {gate.min_support} rows: there is nothing to compare it with"
            yield Part(column.name, groups.rows, problem=f"column {column.name}: {only}")
            return
        yield self._checked(Part(column.name, groups.rows, groups=groups), gate)

    def _checked(self, part: Part, gate: Gate) -> Part:
        """The part with its classes counted, and with what is missing there."""
        rows, positives = part.rows.size, int(self._scored.target[part.rows].sum())
        problem = None
        if rows < LEAST_ROWS:
            problem = f"there are {rows} held-out rows, at least {LEAST_ROWS} are needed"
        elif gate.metric in NEEDS_BOTH_CLASSES and min(positives, rows - positives) < MIN_OF_EACH_CLASS:
            problem = (
                f"there are {positives} positive and {rows - positives} negative rows, at least {MIN_OF_EACH_CLASS} of"
                " each are needed"
            )
        elif not self._scored.weight[part.rows].sum() > 0:
            problem = "no row has weight"
        return Part(part.label, part.rows, positives, problem, part.groups)

    def _measured(self, gate: Gate, parts: list[Part], *, resamples: int) -> Iterator[Sample]:
        scored = self._scored
        models = [scored.challenger] if self.problem is None else []
        has_champion = scored.champion is not None and self.problem_of_champion is None
        if scored.champion is not None and has_champion:
            models.append(scored.champion)
        good = [part for part in parts if part.problem is None]
        statistics = [self._statistic(gate.metric, score, part) for part in good for score in models]
        found: list[Resampled] = []
        if statistics:
            with self._progress.phase(f"resampling for {gate.name}", total=resamples, unit="resamples") as phase:
                found = resample(statistics, weight=scored.weight, resamples=resamples, seed=self._seed, phase=phase)
        values = iter(found)
        for part in parts:
            is_good = part.problem is None
            yield Sample(
                label=self._label(part),
                rows=int(part.rows.size),
                positives=part.positives,
                challenger=next(values) if is_good and self.problem is None else None,
                champion=next(values) if is_good and has_champion else None,
                problem=part.problem or self.problem,
                problem_of_champion=part.problem or self.problem_of_champion,
            )

    def _statistic(self, metric: GateMetric, score: Values, part: Part) -> Statistic:
        scored = self._scored
        if part.groups is not None:
            limit = self.threshold_of(score)
            return impact_ratio(score, threshold=limit, groups=part.groups, weight=scored.weight)
        return statistic(metric, target=scored.target, score=score, weight=scored.weight, rows=part.rows)

    def _label(self, part: Part) -> str | None:
        """Of compared groups: which two are the farthest apart."""
        if part.groups is None or part.problem is not None or self.problem is not None:
            return part.label
        limit = self.threshold_of(self._scored.challenger)
        low, high = extremes(self._scored.challenger, threshold=limit, groups=part.groups, weight=self._scored.weight)
        return f"{part.label}: {low} to {high}"


def _problem_of(name: str, score: Values) -> str | None:
    wrong = int((~np.isfinite(score)).sum())
    return f"{name} answers {wrong} of {score.size} held-out rows with NaN" if wrong else None

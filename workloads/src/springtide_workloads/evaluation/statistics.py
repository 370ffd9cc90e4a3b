"""What gates measure, as functions of the rows' weights: resampling rows is weighting them anew.

A statistic keeps the rows of its part in the order that its formula needs, so that nothing is sorted again for a
resample. Everywhere: n rows are held out, m of them are in the part, b resamples are measured together. The formulas
are those of `metrics`, whose values these equal.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from springtide.api.gate import GateMetric

from springtide_workloads.evaluation.metrics import BINS, CLIP, Targets, Values

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Statistic:
    """A metric of one model on one part.

    rows: (m,) places of the part's rows. measure: from their weights (b, m) to values (b,); NaN: there is none.
    from_noise: of a metric that noise can push to one side only: what a resample's noise alone would make of a model
    without any flaw, whose value is `flawless`.
    """

    rows: Places
    measure: Callable[[Values], Values]
    from_noise: Callable[[Values], Values] | None = None
    flawless: float = 0.0

    def of(self, weights: Values) -> Values:
        """Values (b,) and pushes (b,), zero where there are none, for the weights (b, n) of all held-out rows."""
        with np.errstate(divide="ignore", invalid="ignore"):
            here = np.take(weights, self.rows, axis=1)
            values = self.measure(here)
            pushes = np.zeros(values.shape) if self.from_noise is None else self.from_noise(here) - self.flawless
            return np.stack([values, pushes])

    def on(self, weight: Values) -> float:
        """The value for the weights (n,) themselves."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(self.measure(weight[None, self.rows])[0])


def statistic(metric: GateMetric, *, target: Targets, score: Values, weight: Values, rows: Places) -> Statistic:
    """A metric of a model's scores on some rows. target, score, weight: (n,) of all held-out rows."""
    match metric:
        case "AUC" | "KS":
            return _ranking(target, score, rows, measure=_area if metric == "AUC" else _distance)
        case "LogLoss":
            clipped = np.clip(score[rows], CLIP, 1 - CLIP)
            return _mean(rows, -np.where(target[rows] == 1, np.log(clipped), np.log1p(-clipped)))
        case "Brier":
            return _mean(rows, (score[rows] - target[rows]) ** 2)
        case "ECE":
            return _calibration_error(target, score, weight, rows)
        case "AdverseImpactRatio":
            raise AssertionError("it compares groups: see impact.py")


def _mean(rows: Places, loss: Values) -> Statistic:
    return Statistic(rows, lambda weights: weights @ loss / weights.sum(axis=1))


def _calibration_error(target: Targets, score: Values, weight: Values, rows: Places) -> Statistic:
    place = np.minimum((score[rows] * BINS).astype(np.int64), BINS - 1)
    order = np.argsort(place, kind="stable")
    rows, first = rows[order], starts(place[order])
    gap = score[rows] - target[rows]

    def gaps(weights: Values) -> Values:
        return np.asarray(np.add.reduceat(weights * gap, first, axis=1) / weights.sum(axis=1, keepdims=True))

    found = gaps(weight[None, rows])
    return Statistic(
        rows,
        measure=lambda weights: np.abs(gaps(weights)).sum(axis=1),
        from_noise=lambda weights: np.abs(gaps(weights) - found).sum(axis=1),
    )


def _ranking(target: Targets, score: Values, rows: Places, *, measure: Callable[[Values, Values], Values]) -> Statistic:
    """A measure of the weights of negative and of positive rows at each distinct score, ascending."""
    order = np.argsort(score[rows], kind="stable")
    rows = rows[order]
    first = starts(score[rows])
    positives = target[rows].astype(np.float64)

    def by_score(weights: Values) -> Values:
        positive = weights * positives
        negative = weights - positive
        if first.size < rows.size:
            positive, negative = (np.add.reduceat(one, first, axis=1) for one in (positive, negative))
        return measure(negative, positive)

    return Statistic(rows, by_score)


def _area(negative: Values, positive: Values) -> Values:
    below = np.cumsum(negative, axis=1)
    pairs = below[:, -1] * positive.sum(axis=1)
    return np.asarray(np.einsum("ij,ij->i", positive, below - negative / 2) / pairs)


def _distance(negative: Values, positive: Values) -> Values:
    below, above = np.cumsum(negative, axis=1), np.cumsum(positive, axis=1)
    return np.asarray(np.abs(above / above[:, -1:] - below / below[:, -1:]).max(axis=1))


def starts(values: npt.NDArray[np.generic]) -> Places:
    """Where runs of equal values begin, (runs,)."""
    return np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))

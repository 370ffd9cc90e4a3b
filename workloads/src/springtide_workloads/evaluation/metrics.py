"""Metrics of a binary classifier, weighted, in numpy.

Everywhere: target is (rows,) of 0 and 1, score is (rows,) probabilities of 1, weight is (rows,) or None for ones.
A metric that the rows do not allow (one class, no rows, NaN) raises ValueError that says so; none is ever NaN.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.floating[Any]]
Targets = npt.NDArray[np.integer[Any]] | npt.NDArray[np.floating[Any]]

BINS = 15
"""Of the calibration error, as in Guo et al. (ICML 2017)."""
CLIP = 2.0**-52
"""Probabilities are kept this far from 0 and 1 in the log loss, as scikit-learn does."""


def auc(target: Targets, score: Values, weight: Values | None = None) -> float:
    """Area under the ROC curve: the chance that a positive row scores above a negative one, ties counting half
    (Mann and Whitney, 1947)."""
    negative, positive = _weight_by_score(target, score, weight)
    below = np.cumsum(negative) - negative
    return float((positive * (below + negative / 2)).sum() / (positive.sum() * negative.sum()))


def ks(target: Targets, score: Values, weight: Values | None = None) -> float:
    """Kolmogorov-Smirnov: the largest distance between the score distributions of the two classes."""
    negative, positive = _weight_by_score(target, score, weight)
    return float(np.abs(np.cumsum(positive) / positive.sum() - np.cumsum(negative) / negative.sum()).max())


def log_loss(target: Targets, score: Values, weight: Values | None = None) -> float:
    """Mean negative log-likelihood, in nats."""
    weight = _checked(target, score, weight)
    clipped = np.clip(score.astype(np.float64), CLIP, 1 - CLIP)
    return float(np.average(-np.where(target == 1, np.log(clipped), np.log1p(-clipped)), weights=weight))


def brier(target: Targets, score: Values, weight: Values | None = None) -> float:
    """Mean squared error of the probabilities (Brier, 1950)."""
    weight = _checked(target, score, weight)
    return float(np.average((score.astype(np.float64) - target) ** 2, weights=weight))


def ece(target: Targets, score: Values, weight: Values | None = None) -> float:
    """Expected calibration error: the mean distance between score and outcome over bins of equal width
    (Naeini et al., AAAI 2015)."""
    total, mean_score, mean_target = calibration(target, score, weight)
    return float((total * np.abs(mean_score - mean_target)).sum() / total.sum())


def calibration(
    target: Targets, score: Values, weight: Values | None = None, *, bins: int = BINS
) -> tuple[Values, Values, Values]:
    """Weight, mean score and mean target of the bins of equal width that have rows, each (bins with rows,)."""
    weight = _checked(target, score, weight)
    place = np.minimum((score * bins).astype(np.int64), bins - 1)
    total: Values = np.bincount(place, weights=weight, minlength=bins).astype(np.float64)
    some = total > 0
    mean_score = np.bincount(place, weights=weight * score, minlength=bins)[some] / total[some]
    mean_target = np.bincount(place, weights=weight * target, minlength=bins)[some] / total[some]
    return total[some], mean_score, mean_target


METRICS: dict[str, Callable[[Targets, Values, Values | None], float]] = {
    "auc": auc,
    "logLoss": log_loss,
    "brier": brier,
    "ece": ece,
    "ks": ks,
}


def all_metrics(target: Targets, score: Values, weight: Values | None = None) -> dict[str, float]:
    """Every metric by name."""
    return {name: metric(target, score, weight) for name, metric in METRICS.items()}


def roc(target: Targets, score: Values, weight: Values | None = None) -> tuple[Values, Values]:
    """False and true positive rates from the strictest threshold to the laxest, each (distinct scores + 1,)."""
    negative, positive = _weight_by_score(target, score, weight)
    false_rate = np.cumsum(negative[::-1]) / negative.sum()
    true_rate = np.cumsum(positive[::-1]) / positive.sum()
    return np.concatenate([[0.0], false_rate]), np.concatenate([[0.0], true_rate])


def _weight_by_score(target: Targets, score: Values, weight: Values | None) -> tuple[Values, Values]:
    """Weight of the negative and of the positive rows at each distinct score, ascending."""
    weight = _checked(target, score, weight)
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    positive = np.add.reduceat((weight * target)[order], first)
    negative = np.add.reduceat((weight * (1 - target))[order], first)
    if not positive.sum() > 0 or not negative.sum() > 0:
        raise ValueError("only one class has weight")
    return negative, positive


def _checked(target: Targets, score: Values, weight: Values | None) -> Values:
    if not target.size:
        raise ValueError("no rows")
    if not np.isfinite(score).all():
        raise ValueError("some scores are not finite")
    weight = np.ones(target.size) if weight is None else weight.astype(np.float64)
    if not weight.sum() > 0:
        raise ValueError("no row has weight")
    return weight

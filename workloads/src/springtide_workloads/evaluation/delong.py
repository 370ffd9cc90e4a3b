"""The interval of an AUC in closed form, for as many windows and slices as there are: no resampling."""

from dataclasses import dataclass

import numpy as np

from springtide_workloads.evaluation.metrics import Targets, Values

Z = 1.959963984540054
"""Of 95 %."""
TAIL = 0.025


@dataclass(frozen=True)
class AucEstimate:
    """An AUC and its 95 % interval."""

    value: float
    low: float
    high: float


def estimate_auc(target: Targets, score: Values) -> AucEstimate:
    """AUC of unweighted rows, with the variance of DeLong, DeLong and Clarke-Pearson (Biometrics, 1988).

    It is computed from the sorted scores (Sun and Xu, IEEE Signal Processing Letters, 2014), and the interval is made
    on the logit scale, where it stays within 0 and 1 (Pepe, 2003). Where the classes are parted without a mistake the
    variance is 0, which is no certainty: then the interval is that of a share with no failure among the rows of the
    rarer class (Clopper and Pearson, Biometrika, 1934).

    target: (rows,) 0 or 1. score: (rows,). Raises ValueError where a class has fewer than two rows.
    """
    positives = int(target.sum())
    negatives = int(target.size) - positives
    if min(positives, negatives) < 2:
        raise ValueError(f"{positives} positive and {negatives} negative rows, at least 2 of each are needed")
    _, place = np.unique(score, return_inverse=True)
    positive = np.bincount(place, weights=target)
    negative = np.bincount(place) - positive
    # Of a positive row: the share of negative ones below it; of a negative row: of positive ones above it.
    below = (np.cumsum(negative) - negative / 2) / negatives
    above = (positives - np.cumsum(positive) + positive / 2) / positives
    value = float(positive @ below) / positives
    variance = float(positive @ (below - value) ** 2) / (positives - 1) / positives
    variance += float(negative @ (above - value) ** 2) / (negatives - 1) / negatives
    return AucEstimate(value, *_interval(value, variance, rarer=min(positives, negatives)))


def _interval(value: float, variance: float, *, rarer: int) -> tuple[float, float]:
    spread = value * (1 - value)
    if spread < 1e-12:
        bound = float(TAIL ** (1 / rarer))
        return (bound, 1.0) if value > 0.5 else (0.0, 1 - bound)
    middle, reach = np.log(value / (1 - value)), Z * np.sqrt(variance) / spread
    low, high = 1 / (1 + np.exp(-(middle + np.array([-reach, reach]))))
    return float(low), float(high)

"""Bootstrap intervals (Efron, 1979) of metrics, vectorised over resamples and seeded.

Rows are first counted in cells: a bin of the score and a class. A resample of the rows is then one multinomial draw
of the cells' counts, which is the same thing exactly while every distinct score has a bin of its own, and for more
rows differs from it by less than a bin's width. Its cost does not grow with the rows.
"""

import numpy as np
import numpy.typing as npt

from springtide_workloads.evaluation.metrics import Targets, Values

RESAMPLES = 400
CELLS = 4096
LEVEL = 0.95


def auc_interval(
    target: Targets, score: Values, weight: Values | None = None, *, seed: int, resamples: int = RESAMPLES
) -> tuple[float, float] | None:
    """The 95 % percentile interval of the AUC; None where too few resamples have both classes to tell."""
    bins = _score_bins(score)
    count, total, square = (_cells(target, bins, values) for values in _moments(target, weight))
    draw = np.random.default_rng(seed)
    counts = draw.multinomial(target.size, (count / target.size).ravel(), size=resamples)
    counts = counts.reshape(resamples, *count.shape)
    weights = _resampled_weight(counts, count=count, total=total, square=square, draw=draw)
    negative, positive = weights[:, 0], weights[:, 1]
    below = np.cumsum(negative, axis=1) - negative
    both = negative.sum(axis=1) * positive.sum(axis=1)
    usable = both > 0
    if usable.mean() < LEVEL:
        return None
    values = (positive * (below + negative / 2)).sum(axis=1)[usable] / both[usable]
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _score_bins(score: Values) -> npt.NDArray[np.int64]:
    """The bin of each row: distinct scores if they are few, bins of equal count otherwise."""
    distinct, place = np.unique(score, return_inverse=True)
    if distinct.size <= CELLS:
        return place
    edges = np.unique(np.quantile(score, np.linspace(0, 1, CELLS + 1)[1:-1]))
    return np.searchsorted(edges, score, side="right")


def _moments(target: Targets, weight: Values | None) -> tuple[Values, Values, Values]:
    ones = np.ones(target.size)
    if weight is None:
        return ones, ones, ones
    wide = weight.astype(np.float64)
    return ones, wide, wide**2


def _cells(target: Targets, bins: npt.NDArray[np.int64], values: Values) -> Values:
    """Sums of `values`, (2 classes, bins)."""
    width = int(bins.max()) + 1
    flat = np.bincount(target.astype(np.int64) * width + bins, weights=values, minlength=2 * width)
    return flat.astype(np.float64).reshape(2, width)


def _resampled_weight(
    counts: npt.NDArray[np.int64], *, count: Values, total: Values, square: Values, draw: np.random.Generator
) -> Values:
    """Weight of each cell in each resample: its mean weight, and the spread within the cell by the normal law."""
    rows = np.maximum(count, 1)
    mean = total / rows
    variance = np.maximum(square / rows - mean**2, 0)
    weights = counts * mean
    if variance.max() > 0:
        weights = np.maximum(weights + np.sqrt(counts * variance) * draw.standard_normal(counts.shape), 0)
    return np.asarray(weights)

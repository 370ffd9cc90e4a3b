"""How far two vectors of counts are apart. Pure arithmetic; all values are float, no logarithm of zero is taken.

A bin that is empty on one side only counts as half a row there (Haldane, Annals of Human Genetics 20, 1956; Anscombe,
Biometrika 43, 1956), so one stray row cannot make a distance infinite. Equal shares have distance 0, exactly.
"""

import numpy as np
import numpy.typing as npt

from springtide_workloads.drift.bins import (
    ABOVE,
    BELOW,
    MISSING,
    SPECIAL,
    UNSEEN,
    CategoryBins,
    Counts,
    NumberBins,
)

HALF_A_ROW = 0.5
FEW = 5
"""Categories that can be expected fewer times than this are compared together, as in any chi-squared test (Cochran,
Annals of Mathematical Statistics 23, 1952)."""

Floats = npt.NDArray[np.float64]


def comparable(reference: Counts, window: Counts, *, bins: NumberBins | CategoryBins) -> tuple[Counts, Counts]:
    """The bins that are compared, without those that are empty on both sides.

    Missing, special and unseen values are bins of their own. Numbers beyond the reference's range belong to the
    outermost bins: a few always lie there. Rare categories are one bin.
    """
    both = np.stack([reference, window])
    both = _with_open_ends(both) if isinstance(bins, NumberBins) else _with_rare_together(both)
    kept = both[:, both.sum(axis=0) > 0]
    return kept[0], kept[1]


def population_stability_index(reference: Counts, window: Counts) -> float:
    """PSI = sum of (w - r) ln(w / r) over the bins' shares w and r (Lewis, An Introduction to Credit Scoring, 1994).

    Symmetric, not negative; 0 for equal shares. NaN where either side has no rows.
    """
    if not reference.sum() or not window.sum():
        return float("nan")
    r, w = _shares(np.maximum(reference, HALF_A_ROW), reference), _shares(np.maximum(window, HALF_A_ROW), window)
    return float(((w - r) * np.log(w / r)).sum())


def jensen_shannon_distance(reference: Counts, window: Counts) -> float:
    """The square root of the Jensen-Shannon divergence to base 2: from 0, equal, to 1, nothing in common.

    Lin, IEEE Transactions on Information Theory 37, 1991; Endres and Schindelin, the same 49, 2003. NaN where either
    side has no rows.
    """
    if not reference.sum() or not window.sum():
        return float("nan")
    r, w = _shares(reference, reference), _shares(window, window)
    middle = (r + w) / 2
    divergence = (_relative_entropy(r, middle) + _relative_entropy(w, middle)) / 2
    return float(np.sqrt(min(max(divergence, 0.0), 1.0)))


def kolmogorov_smirnov(reference: Counts, window: Counts) -> float:
    """The largest difference of the distribution functions of two columns of numbers, at the edges of their bins.

    At most the two-sample statistic of the values themselves (Smirnov, 1939), from which it differs by what happens
    within one bin. Missing and special values are left out. NaN where either side has no finite value.
    """
    r, w = reference[BELOW:], window[BELOW:]
    if not r.sum() or not w.sum():
        return float("nan")
    return float(np.abs(np.cumsum(_shares(r, r)) - np.cumsum(_shares(w, w))).max())


def _with_open_ends(both: Counts) -> Counts:
    inner = both[:, BELOW + 1 : ABOVE].copy()
    inner[:, 0] += both[:, BELOW]
    inner[:, -1] += both[:, ABOVE]
    return np.concatenate([both[:, : SPECIAL + 1], inner], axis=1)


def _with_rare_together(both: Counts) -> Counts:
    categories = both[:, UNSEEN + 1 :]
    rows = both.sum(axis=1)
    expected = categories[0] * min(1.0, rows[1] / max(rows[0], 1))
    rare = expected < FEW
    return np.concatenate(
        [both[:, [MISSING, UNSEEN]], categories[:, rare].sum(axis=1, keepdims=True), categories[:, ~rare]], axis=1
    )


def _shares(values: npt.NDArray[np.generic], counts: Counts) -> Floats:
    return np.asarray(values / counts.sum(), dtype=np.float64)


def _relative_entropy(p: Floats, q: Floats) -> float:
    some = p > 0
    return float((p[some] * np.log2(p[some] / q[some])).sum())

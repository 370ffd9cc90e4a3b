"""The adverse impact ratio: the lowest share of positive decisions of a group, divided by the highest.

The four-fifths rule of the Uniform Guidelines on Employee Selection Procedures (29 CFR 1607.4(D), EEOC 1978) takes a
ratio below 0.8 for evidence of adverse impact. A decision is positive where the score reaches a threshold: the one
at which as large a share of all held-out rows is decided positive as is positive in truth, so that two models are held
against each other at equal strictness, whatever their calibration. The threshold is part of the rule that is judged:
it stays the same in all resamples.
"""

from dataclasses import dataclass

import numpy as np

from springtide_workloads.evaluation.metrics import Targets, Values
from springtide_workloads.evaluation.slices import SliceColumn
from springtide_workloads.evaluation.statistics import Places, Statistic, starts


@dataclass(frozen=True)
class Groups:
    """Groups with enough rows. rows: (m,) places, group after group; first: where each begins; words: their names."""

    rows: Places
    first: Places
    words: tuple[str, ...]


def groups_of(column: SliceColumn, *, places: Places) -> Groups:
    """The groups whose codes are `places`."""
    rows = np.flatnonzero(np.isin(column.codes, places))
    rows = rows[np.argsort(column.codes[rows], kind="stable")]
    codes = column.codes[rows]
    first = starts(codes)
    return Groups(rows, first, tuple(column.words[code] for code in codes[first]))


def threshold(target: Targets, score: Values, weight: Values) -> float:
    """The score from which on rows are decided positive, see above. Of two that are equally near: the stricter."""
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    last = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), ordered.size - 1)
    decided = np.cumsum(weight[order])[last]
    return float(ordered[last[np.abs(decided - (weight * target).sum()).argmin()]])


def impact_ratio(score: Values, *, threshold: float, groups: Groups, weight: Values) -> Statistic:
    """The ratio; NaN where no group has a positive decision."""
    positive = score[groups.rows] >= threshold

    def shares(weights: Values) -> Values:
        decided = np.add.reduceat(weights * positive, groups.first, axis=1)
        return np.asarray(decided / np.add.reduceat(weights, groups.first, axis=1))

    here = weight[groups.rows]
    found = shares(here[None])
    overall = (here * positive).sum() / here.sum()
    return Statistic(
        groups.rows,
        measure=lambda weights: _ratio(shares(weights)),
        from_noise=lambda weights: _ratio(np.maximum(shares(weights) - found + overall, 0)),
        flawless=1.0,
    )


def extremes(score: Values, *, threshold: float, groups: Groups, weight: Values) -> tuple[str, str]:
    """The groups with the lowest and with the highest share of positive decisions."""
    here = weight[groups.rows]
    decided = np.add.reduceat(here * (score[groups.rows] >= threshold), groups.first)
    shares = decided / np.add.reduceat(here, groups.first)
    return groups.words[int(np.nanargmin(shares))], groups.words[int(np.nanargmax(shares))]


def _ratio(shares: Values) -> Values:
    highest = shares.max(axis=1)
    return np.asarray(np.where(highest > 0, shares.min(axis=1) / highest, np.nan))

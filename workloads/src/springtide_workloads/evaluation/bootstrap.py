"""The paired bootstrap (Efron, 1979): rows are drawn anew, the same for both models, and everything is measured again.

Each resample has a stream of random numbers of its own, so the outcome depends on the seed and neither on the number
of threads nor on what else is measured. Memory does not grow with the resamples.

An interval is made by what noise does to the metric, see `Noise`:

- None: the percentiles of the resamples.
- Push: noise pushes the metric to one side, and resampling does it once more (a KS is a maximum). The basic interval
  takes it off again (Davison and Hinkley, 1997, section 5.2.1). The difference of two is taken as without a push.
- OneSided: noise alone makes a flaw where there is none, the more the smaller the flaw (the calibration error of a
  calibrated model, the impact ratio of a fair one), so no resampling tells how much of the value it is. It is
  between nothing and what noise would make of a flawless model, and the interval leaves room for all of that.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np

from springtide_workloads.evaluation.metrics import Values
from springtide_workloads.evaluation.statistics import Statistic
from springtide_workloads.process.cpus import available_cpus
from springtide_workloads.process.progress import Phase

LEAST, MOST = 400, 4_000
IN_A_TAIL = 10
"""Resamples beyond each end of an interval, as far as `MOST` allows."""
Noise = Literal["None", "Push", "OneSided"]

SALT = 0x67617465
BLOCK = 1 << 19
"""Weights that are in memory for each thread."""


def resamples_for(confidence: float) -> int:
    """How many resamples an interval of this confidence needs."""
    return int(min(max(np.ceil(2 * IN_A_TAIL / (1 - confidence) - 1e-6), LEAST), MOST))


@dataclass(frozen=True)
class Resampled:
    """A statistic on the rows themselves, and on their resamples: values and pushes (resamples,), see `Statistic`."""

    point: float
    values: Values
    pushes: Values


def resample(
    statistics: Sequence[Statistic], *, weight: Values, resamples: int, seed: int, phase: Phase | None = None
) -> list[Resampled]:
    """All statistics on the same resamples. weight: (n,) of all held-out rows."""
    children = np.random.SeedSequence([SALT, seed % 2**64]).spawn(resamples)
    size = max(1, BLOCK // weight.size)
    blocks = [children[first : first + size] for first in range(0, resamples, size)]

    def measured(block: Sequence[np.random.SeedSequence]) -> Values:
        weights = np.stack([_drawn(child, weight.size) for child in block]) * weight
        return np.stack([one.of(weights) for one in statistics])

    parts = []
    with ThreadPoolExecutor(available_cpus()) as pool:
        for block, part in zip(blocks, pool.map(measured, blocks), strict=True):
            parts.append(part)
            if phase is not None:
                phase.advance(len(block))
    together = np.concatenate(parts, axis=2)
    return [Resampled(one.on(weight), *found) for one, found in zip(statistics, together, strict=True)]


def interval_of(found: Resampled, *, confidence: float, noise: Noise) -> tuple[float, float] | None:
    """The interval of a metric; None where too few resamples have a value."""
    return _interval(found.point, found.values, confidence=confidence, noise=noise, pushes=(_mean_of(found.pushes), 0))


def interval_of_gain(
    challenger: Resampled, champion: Resampled, *, confidence: float, sign: int, noise: Noise
) -> tuple[float, float] | None:
    """The interval of challenger minus champion, or, with sign -1, of champion minus challenger."""
    better, worse = (challenger, champion) if sign > 0 else (champion, challenger)
    return _interval(
        better.point - worse.point,
        better.values - worse.values,
        confidence=confidence,
        noise="OneSided" if noise == "OneSided" else "None",  # the pushes of a KS cancel
        pushes=(_mean_of(better.pushes), -_mean_of(worse.pushes)),
    )


def _interval(
    point: float, values: Values, *, confidence: float, noise: Noise, pushes: tuple[float, float]
) -> tuple[float, float] | None:
    known = values[np.isfinite(values)]
    if not np.isfinite(point) or known.size < confidence * values.size:
        return None
    low, high = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2])
    if noise == "Push":
        low, high = 2 * point - high, 2 * point - low
    elif noise == "OneSided":
        up, down = (sum(bound(push, 0.0) for push in pushes) for bound in (max, min))
        low, high = point - (high - known.mean()) - up, point + (known.mean() - low) - down
    return float(low), float(high)


def _mean_of(pushes: Values) -> float:
    known = pushes[np.isfinite(pushes)]
    return float(known.mean()) if known.size else 0.0


def _drawn(seed: np.random.SeedSequence, rows: int) -> Values:
    """How often each row is drawn."""
    drawn = np.random.default_rng(seed).integers(0, rows, rows)
    return np.bincount(drawn, minlength=rows).astype(np.float64)

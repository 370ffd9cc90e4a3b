"""From a sample of the reference to bins: deciles of numbers, categories of text."""

import numpy as np
import numpy.typing as npt

from springtide_workloads.drift.bins import NumberBins

DECILES = np.linspace(0, 1, 11)[1:-1]


def freeze_numbers(sample: npt.NDArray[np.generic]) -> NumberBins:
    """Bins at the deciles of the finite values. NaN is missing; deciles that coincide are one edge.

    An edge is a value of the sample, so it stays what it is in whichever type the column comes later.
    """
    values = sample.astype(np.float64)
    finite = values[np.isfinite(values)]
    if not finite.size:
        return NumberBins()
    edges = np.unique(np.quantile(finite, DECILES, method="higher"))
    least, largest = float(finite.min()), float(finite.max())
    inner = edges[edges > least]  # nothing lies below the least value: an edge there would make an empty bin
    return NumberBins(edges=tuple(inner.tolist()), min=least, max=largest)

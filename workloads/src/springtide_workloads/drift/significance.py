"""Whether a distance can be chance: the distribution of PSI without drift, and many columns tested at once."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def psi_p_value(psi: float, *, bins: int, reference_rows: int, window_rows: int) -> float:
    """The probability of such a PSI or a larger one between two samples of one population.

    Without drift PSI / (1/n + 1/m) is close to chi-squared with `bins` - 1 degrees of freedom (Yurdakul and Naranjo,
    Journal of Risk Model Validation 14(4), 2020), for n and m rows. NaN where nothing can be tested: fewer than two
    bins, no rows.
    """
    from scipy.special import chdtrc

    if bins < 2 or not reference_rows or not window_rows or np.isnan(psi):
        return float("nan")
    return float(chdtrc(bins - 1, psi / (1 / reference_rows + 1 / window_rows)))


def discoveries(p_values: Floats, *, false_discovery_rate: float) -> npt.NDArray[np.bool_]:
    """Which of many tests may be believed, so that of those at most this share is expected to be wrong.

    Benjamini and Hochberg, Journal of the Royal Statistical Society B 57, 1995. A NaN was no test: it is not counted
    and never believed.
    """
    found = np.zeros(p_values.size, dtype=bool)
    tested = np.flatnonzero(~np.isnan(p_values))
    ordered = tested[np.argsort(p_values[tested], kind="stable")]
    limits = false_discovery_rate * np.arange(1, ordered.size + 1) / max(ordered.size, 1)
    below = np.flatnonzero(p_values[ordered] <= limits)
    if below.size:
        found[ordered[: below[-1] + 1]] = True
    return found


def rise_p_value(reference: int, reference_rows: int, window: int, window_rows: int) -> float:
    """The probability of such a rise of a share or a larger one by chance: the pooled two-proportion z-test.

    Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions, 2003, chapter 3. NaN without rows.
    """
    from scipy.special import ndtr

    if not reference_rows or not window_rows:
        return float("nan")
    pooled = (reference + window) / (reference_rows + window_rows)
    variance = pooled * (1 - pooled) * (1 / reference_rows + 1 / window_rows)
    if variance == 0:
        return 1.0
    return float(ndtr(-(window / window_rows - reference / reference_rows) / np.sqrt(variance)))

"""What two vectors of counts say about a column: drifted, broken, or nothing that can be said.

Drift is told only where it matters (PSI) and cannot be chance (significance over all columns). Faults of the data are
kept apart from drift: a model that is trained on them learns the fault. Pure: no clock, no files.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import Field
from springtide.api.base import ApiModel

from springtide_workloads.drift.bins import (
    ABOVE,
    BELOW,
    MISSING,
    SPECIAL,
    UNSEEN,
    ColumnCounts,
    Counts,
    NumberBins,
)
from springtide_workloads.drift.distance import (
    comparable,
    jensen_shannon_distance,
    kolmogorov_smirnov,
    population_stability_index,
)
from springtide_workloads.drift.significance import discoveries, psi_p_value, rise_p_value

Verdict = Literal["Stable", "Drifted", "DataBroken", "Inconclusive"]


class Limits(ApiModel):
    """From where on a difference matters."""

    psi: float = Field(
        default=0.2,
        description="By convention a population shifted from 0.25 on. Less than that, or the chance in drawing a window"
        " would hide every second shift of just that size.",
    )
    false_discovery_rate: float = Field(default=0.01, description="Share of the alarms that may be chance.")
    rise: float = Field(
        default=0.1, description="By so much the share of missing, special, unseen or out-of-range values may rise."
    )
    min_rows: int = Field(default=100, description="Fewer rows say nothing: ten bins need ten rows each.")
    volume_factor: float = Field(default=10.0, description="So many times fewer or more rows than usual are a fault.")


class ColumnDrift(ApiModel):
    """One column of a window, beside its reference. Measures that do not exist are unset, never NaN."""

    name: str
    verdict: Verdict
    reason: str = Field(description="One word, such as `NullSpike`; the verdict where there is no other.")
    message: str
    rows: int
    psi: float | None = None
    ks: float | None = None
    jensen_shannon: float | None = None
    p_value: float | None = None
    missing: float | None = Field(default=None, description="Share of the window's rows.")
    unseen: float | None = Field(default=None, description="Share with unseen categories, or out of the range.")


def judge(
    reference: Sequence[ColumnCounts], window: Sequence[Counts | None], *, limits: Limits
) -> tuple[ColumnDrift, ...]:
    """A verdict for each column; significance counts all columns that could be tested.

    window: counts in the reference's bins, in its order; None where the column is gone or has another type.
    """
    measured = [_measure(column, counts, limits=limits) for column, counts in zip(reference, window, strict=True)]
    p_values = np.array([np.nan if one.p_value is None else one.p_value for one in measured], dtype=np.float64)
    believed = discoveries(p_values, false_discovery_rate=limits.false_discovery_rate)
    return tuple(_with_drift(one, limits=limits) if sure else one for one, sure in zip(measured, believed, strict=True))


def judge_volume(rows: int, *, usual: Sequence[int], limits: Limits) -> tuple[Verdict, str]:
    """Whether a window has about as many rows as earlier ones (their median); a verdict and its sentence."""
    if not usual:
        return "Inconclusive", f"{rows} rows, and no earlier window to compare with"
    middle = float(np.median(usual))
    if rows * limits.volume_factor < middle or rows > middle * limits.volume_factor:
        return "DataBroken", f"{rows} rows, where {middle:.0f} are usual"
    return "Stable", f"{rows} rows; {middle:.0f} are usual"


def overall(columns: Sequence[ColumnDrift]) -> Verdict:
    """The verdict on a window: a fault in any column comes first, because nothing may be learned from it."""
    found = {column.verdict for column in columns}
    order: tuple[Verdict, ...] = ("DataBroken", "Drifted", "Stable")
    return next((verdict for verdict in order if verdict in found), "Inconclusive")


def _measure(reference: ColumnCounts, window: Counts | None, *, limits: Limits) -> ColumnDrift:
    name = reference.name
    if window is None:
        return ColumnDrift(
            name=name,
            verdict="DataBroken",
            reason="TypeChanged",
            message=f"column {name} is gone or has another type than the reference",
            rows=0,
        )
    rows = int(window.sum())
    if rows < limits.min_rows or reference.rows < limits.min_rows:
        return _inconclusive(
            reference,
            window,
            reason="TooFewRows",
            message=f"{rows} rows beside {reference.rows} of the reference; {limits.min_rows} are needed on both sides",
        )
    fault = _fault(reference, window, limits=limits)
    if fault is not None:
        return _described(
            reference, window, verdict="DataBroken", reason=fault[0], message=f"column {name}: {fault[1]}"
        )
    if np.count_nonzero(comparable(reference.vector, reference.vector, bins=reference.bins)[0]) < 2:
        return _inconclusive(
            reference, window, reason="ConstantColumn", message=f"column {name} had one value only in the reference"
        )
    return _described(
        reference, window, verdict="Stable", reason="Stable", message=f"column {name} is as in the reference"
    )


def _fault(reference: ColumnCounts, window: Counts, *, limits: Limits) -> tuple[str, str] | None:
    """What is wrong with the data, if anything: a reason and a sentence."""
    checks = [("NullSpike", "missing values", [MISSING])]
    if isinstance(reference.bins, NumberBins):
        checks += [("SpecialSpike", "infinite values", [SPECIAL]), ("RangeBreak", _beyond(reference), [BELOW, ABOVE])]
    else:
        checks += [("UnseenCategories", "values that the reference did not have", [UNSEEN])]
    for reason, what, slots in checks:
        before, now = int(reference.vector[slots].sum()), int(window[slots].sum())
        was, is_ = before / reference.rows, now / int(window.sum())
        if is_ - was < limits.rise:
            continue
        if rise_p_value(before, reference.rows, now, int(window.sum())) <= limits.false_discovery_rate:
            return reason, f"{is_:.1%} {what}, {was:.1%} in the reference"
    return None


def _beyond(reference: ColumnCounts) -> str:
    assert isinstance(reference.bins, NumberBins)
    if reference.bins.min is None:
        return "values, where the reference had none"
    return f"values outside {reference.bins.min:g} to {reference.bins.max:g} (another unit?)"


def _inconclusive(reference: ColumnCounts, window: Counts, *, reason: str, message: str) -> ColumnDrift:
    drift = _described(reference, window, verdict="Inconclusive", reason=reason, message=message)
    return drift.model_copy(update={"p_value": None})  # what proves nothing is no test


def _described(reference: ColumnCounts, window: Counts, *, verdict: Verdict, reason: str, message: str) -> ColumnDrift:
    base, rows = reference.vector, int(window.sum())
    r, w = comparable(base, window, bins=reference.bins)
    psi = population_stability_index(r, w)
    is_number = isinstance(reference.bins, NumberBins)
    unseen = window[[BELOW, ABOVE]].sum() if is_number else window[UNSEEN]
    return ColumnDrift(
        name=reference.name,
        verdict=verdict,
        reason=reason,
        message=message,
        rows=rows,
        psi=_known(psi),
        ks=_known(kolmogorov_smirnov(base, window)) if is_number else None,
        jensen_shannon=_known(jensen_shannon_distance(r, w)),
        p_value=_known(psi_p_value(psi, bins=r.size, reference_rows=reference.rows, window_rows=rows)),
        missing=window[MISSING] / rows if rows else None,
        unseen=unseen / rows if rows else None,
    )


def _with_drift(column: ColumnDrift, *, limits: Limits) -> ColumnDrift:
    if column.verdict != "Stable" or column.psi is None or column.psi < limits.psi:
        return column
    message = f"column {column.name}: PSI {column.psi:.3f} (from {limits.psi:g} on it matters), p {column.p_value:.2g}"
    return column.model_copy(update={"verdict": "Drifted", "reason": "Drifted", "message": message})


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)

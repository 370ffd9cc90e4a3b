"""What two vectors of counts say about a column: drifted, broken, or nothing that can be said.

Drift is told only where it matters (PSI) and cannot be chance (significance over all columns), and so are faults of
the data (the rise of a share). These are kept apart from drift: a model that is trained on them learns the fault. Pure:
no clock, no files.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import Field
from springtide.api.base import ApiModel
from springtide.api.drift_monitor import Rules, Verdict

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


class ColumnDrift(ApiModel):
    """One column of a window, beside its reference. Measures that do not exist are unset, never NaN."""

    name: str
    slice: str | None = Field(default=None, description="Such as `region=north`; unset: of all rows.")
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


@dataclass(frozen=True)
class Reference:
    """What a column is held against: its own counts in the baseline, of all rows or of a slice."""

    column: ColumnCounts
    slice: str | None = None


@dataclass(frozen=True)
class Unusable:
    """A column that could not be counted. message: what it is instead, and where. reason: one word for that."""

    message: str
    reason: str = "TypeChanged"


@dataclass(frozen=True)
class _Rise:
    """A share of the rows that is larger than in the reference, by an amount that would matter."""

    reason: str
    message: str
    p_value: float


@dataclass(frozen=True)
class _Measured:
    drift: ColumnDrift
    rises: tuple[_Rise, ...] = ()


def judge(
    references: Sequence[Reference], window: Sequence[Counts | Unusable], *, rules: Rules
) -> tuple[ColumnDrift, ...]:
    """A verdict for each reference. Significance counts all that could be tested, the faults apart from the drift.

    window: counts in the references' bins, in their order.
    """
    measured = [_measure(one, counts, rules=rules) for one, counts in zip(references, window, strict=True)]
    with_faults = _with_faults(measured, rules=rules)
    p_values = np.array([np.nan if one.p_value is None else one.p_value for one in with_faults], dtype=np.float64)
    believed = discoveries(p_values, false_discovery_rate=rules.false_discovery_rate)
    return tuple(
        _with_drift(one, rules=rules) if sure else one for one, sure in zip(with_faults, believed, strict=True)
    )


def judge_volume(rows: int, *, usual: Sequence[int], rules: Rules) -> tuple[Verdict, str]:
    """Whether a window has about as many rows as earlier ones (their median); a verdict and its sentence."""
    if not usual:
        return "Inconclusive", f"{rows} rows, and no earlier window to compare with"
    middle = float(np.median(usual))
    if rows * rules.volume_factor < middle or rows > middle * rules.volume_factor:
        return "DataBroken", f"{rows} rows, where {middle:.0f} are usual"
    return "Stable", f"{rows} rows; {middle:.0f} are usual"


def overall(columns: Sequence[ColumnDrift]) -> Verdict:
    """The verdict on a window: a fault in any column comes first, because nothing may be learned from it."""
    found = {column.verdict for column in columns}
    order: tuple[Verdict, ...] = ("DataBroken", "Drifted", "Stable")
    return next((verdict for verdict in order if verdict in found), "Inconclusive")


def _measure(reference: Reference, window: Counts | Unusable, *, rules: Rules) -> _Measured:
    """All but what depends on the other columns."""
    column = reference.column
    if isinstance(window, Unusable):
        return _Measured(
            ColumnDrift(
                name=column.name,
                slice=reference.slice,
                verdict="DataBroken",
                reason=window.reason,
                message=f"column {column.name} {window.message}",
                rows=0,
            )
        )
    rows = int(window.sum())
    described = _described(reference, window)
    if rows < rules.min_rows or column.rows < rules.min_rows:
        message = f"{rows} rows beside {column.rows} of the reference; {rules.min_rows} are needed on both sides"
        return _Measured(_inconclusive(described, reason="TooFewRows", message=message))
    rises = tuple(_rises(column, window, rules=rules))
    if np.count_nonzero(comparable(column.vector, column.vector, bins=column.bins)[0]) < 2:
        message = f"column {column.name} had one value only in the reference"
        return _Measured(_inconclusive(described, reason="ConstantColumn", message=message), rises)
    return _Measured(described, rises)


def _rises(reference: ColumnCounts, window: Counts, *, rules: Rules) -> Iterator[_Rise]:
    """The faults that a column may have, each with the probability that it is none."""
    checks = [("NullSpike", "missing values", [MISSING])]
    if isinstance(reference.bins, NumberBins):
        checks += [("SpecialSpike", "infinite values", [SPECIAL]), ("RangeBreak", _beyond(reference), [BELOW, ABOVE])]
    else:
        checks += [("UnseenCategories", "values that the reference did not have", [UNSEEN])]
    rows = int(window.sum())
    for reason, what, slots in checks:
        before, now = int(reference.vector[slots].sum()), int(window[slots].sum())
        was, is_ = before / reference.rows, now / rows
        message = f"column {reference.name}: {is_:.1%} {what}, {was:.1%} in the reference"
        p_value = rise_p_value(before, reference.rows, now, rows)
        yield _Rise(reason, message, p_value if is_ - was >= rules.rise else 1.0)


def _with_faults(measured: Sequence[_Measured], *, rules: Rules) -> list[ColumnDrift]:
    """The first rise of each column that matters and cannot be chance among all that were looked for."""
    p_values = np.array([rise.p_value for one in measured for rise in one.rises], dtype=np.float64)
    believed = iter(discoveries(p_values, false_discovery_rate=rules.false_discovery_rate).tolist())
    found = []
    for one in measured:
        sure = [rise for rise in one.rises if next(believed)]
        found.append(_broken(one.drift, sure[0]) if sure else one.drift)
    return found


def _broken(drift: ColumnDrift, rise: _Rise) -> ColumnDrift:
    return drift.model_copy(update={"verdict": "DataBroken", "reason": rise.reason, "message": rise.message})


def _beyond(reference: ColumnCounts) -> str:
    assert isinstance(reference.bins, NumberBins)
    if reference.bins.min is None:
        return "values, where the reference had none"
    return f"values outside {reference.bins.min:g} to {reference.bins.max:g} (another unit?)"


def _inconclusive(drift: ColumnDrift, *, reason: str, message: str) -> ColumnDrift:
    """What proves nothing is no test."""
    changes = {"verdict": "Inconclusive", "reason": reason, "message": message, "p_value": None}
    return drift.model_copy(update=changes)


def _described(reference: Reference, window: Counts) -> ColumnDrift:
    column = reference.column
    base, rows = column.vector, int(window.sum())
    r, w = comparable(base, window, bins=column.bins)
    psi = population_stability_index(r, w)
    is_number = isinstance(column.bins, NumberBins)
    unseen = window[[BELOW, ABOVE]].sum() if is_number else window[UNSEEN]
    return ColumnDrift(
        name=column.name,
        slice=reference.slice,
        verdict="Stable",
        reason="Stable",
        message=f"column {column.name} is as in the reference",
        rows=rows,
        psi=_known(psi),
        ks=_known(kolmogorov_smirnov(base, window)) if is_number else None,
        jensen_shannon=_known(jensen_shannon_distance(r, w)),
        p_value=_known(psi_p_value(psi, bins=r.size, reference_rows=column.rows, window_rows=rows)),
        missing=window[MISSING] / rows if rows else None,
        unseen=unseen / rows if rows else None,
    )


def _with_drift(column: ColumnDrift, *, rules: Rules) -> ColumnDrift:
    if column.verdict != "Stable" or column.psi is None or column.psi < rules.psi:
        return column
    message = f"column {column.name}: PSI {column.psi:.3f} (from {rules.psi:g} on it matters), p {column.p_value:.2g}"
    return column.model_copy(update={"verdict": "Drifted", "reason": "Drifted", "message": message})


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)

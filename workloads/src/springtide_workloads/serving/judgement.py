"""Has a candidate passed? Decided from counts alone: no clock, no network.

What cannot be measured is inconclusive, never good.
"""

from collections.abc import Sequence, Set
from typing import Literal

import numpy as np
from springtide.api.model_service import Check
from springtide.api.task import CheckOutcome, Judgement

from springtide_workloads.drift.distance import population_stability_index
from springtide_workloads.drift.significance import psi_p_value
from springtide_workloads.serving.measures import Counted, deciles, quantile

CHANCE = 0.001
"""A difference of scores that comes about by chance more often than this says nothing. Small, because a judge looks
every other second and believes the first failure that it sees."""

Outcome = Literal["Passed", "Failed", "Inconclusive"]


def judge_counts(candidate: Counted, stable: Counted, *, checks: Sequence[Check], min_samples: int) -> Judgement:
    """The judgement on what was counted in a step."""
    outcomes = tuple(_check(check, candidate, stable, min_samples=min_samples) for check in checks)
    total = candidate.requests + stable.requests
    return Judgement(
        outcome=_worst({one.outcome for one in outcomes}) if candidate.requests >= min_samples else "Inconclusive",
        requests=candidate.requests,
        weight=round(100 * candidate.requests / total) if total else None,
        checks=outcomes,
    )


def _worst(found: Set[Outcome]) -> Outcome:
    order: tuple[Outcome, ...] = ("Failed", "Inconclusive")
    return next((outcome for outcome in order if outcome in found), "Passed")


def sentence(judgement: Judgement, *, min_samples: int) -> str:
    """The judgement as people read it."""
    if judgement.requests < min_samples:
        return f"{judgement.requests} requests reached the candidate, {min_samples} are needed"
    return "; ".join(check.message for check in judgement.checks) or f"{judgement.requests} requests, nothing to check"


def _check(check: Check, candidate: Counted, stable: Counted, *, min_samples: int) -> CheckOutcome:
    if candidate.requests < min_samples:
        message = f"{check.name}: {candidate.requests} requests, {min_samples} are needed"
        return CheckOutcome(name=check.name, outcome="Inconclusive", message=message)
    if check.metric == "ScorePsi" and stable.requests < min_samples:
        message = f"{check.name}: {stable.requests} requests to the stable version, {min_samples} are needed"
        return CheckOutcome(name=check.name, outcome="Inconclusive", message=message)
    value, what = _measure(check, candidate, stable)
    if not np.isfinite(value):
        worst = check.metric == "P99Milliseconds" and value == float("inf")
        outcome: Outcome = "Failed" if worst else "Inconclusive"
        return CheckOutcome(name=check.name, outcome=outcome, message=f"{check.name}: {what} cannot be measured")
    passed = value <= check.max
    message = f"{check.name}: {what} {value:.4g}, at most {check.max:g}"
    if not passed and check.metric == "ScorePsi" and _can_be_chance(value, candidate, stable):
        message = f"{message}, but so few scores differ by as much by chance"
        return CheckOutcome(name=check.name, outcome="Inconclusive", value=value, message=message)
    return CheckOutcome(name=check.name, outcome="Passed" if passed else "Failed", value=value, message=message)


def _measure(check: Check, candidate: Counted, stable: Counted) -> tuple[float, str]:
    match check.metric:
        case "ErrorRate":
            return float(candidate.outcomes[2]) / candidate.requests, "share of failed requests"
        case "P99Milliseconds":
            return quantile(candidate.times, 0.99) * 1000, "99th percentile in ms"
        case "ScorePsi":
            reference, window = deciles(stable.scores, candidate.scores)
            return population_stability_index(reference, window), "PSI of the scores"


def _can_be_chance(psi: float, candidate: Counted, stable: Counted) -> bool:
    """Rows that came in one request are mostly alike, so that a request counts as one draw, whatever its rows."""
    reference, window = deciles(stable.scores, candidate.scores)
    draws = {
        "reference_rows": min(int(reference.sum()), stable.requests),
        "window_rows": min(int(window.sum()), candidate.requests),
    }
    return not psi_p_value(psi, bins=reference.size, **draws) < CHANCE

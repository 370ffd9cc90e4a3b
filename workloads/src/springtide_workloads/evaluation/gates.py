"""Whether a challenger keeps a gate's bound for certain, breaks it for certain, or neither."""

from dataclasses import dataclass
from math import isfinite

from springtide.api.gate import Gate, Outcome

from springtide_workloads.evaluation.bootstrap import Resampled, interval_of, interval_of_gain
from springtide_workloads.evaluation.samples import MORE_IS_BETTER, NOISE, Measures, Sample

SEVERITY: dict[Outcome, int] = {"Failed": 0, "Inconclusive": 1, "Passed": 2}


@dataclass(frozen=True)
class Finding:
    """A gate on one part of the rows. label: the slice; None: all rows.

    low, high: the interval of the metric, or of the gain: by how much the challenger is better than the champion,
    whichever way the metric goes. room: how far inside its bound the near end of the interval is.
    """

    label: str | None
    rows: int
    positives: int
    outcome: Outcome
    message: str
    value: float | None = None
    champion: float | None = None
    low: float | None = None
    high: float | None = None
    room: float | None = None


@dataclass(frozen=True)
class Judged:
    """A gate. findings: the worst first. left_out: slices with too few rows, with these."""

    gate: Gate
    outcome: Outcome
    message: str
    findings: tuple[Finding, ...]
    left_out: tuple[tuple[str, int], ...] = ()

    @property
    def worst(self) -> Finding | None:
        """The finding that decides; None where there is none."""
        return self.findings[0] if self.findings else None


def judge(gate: Gate, *, measures: Measures, has_champion: bool) -> Judged:
    """A gate on the held-out rows."""
    if gate.versus_champion is not None and not has_champion:
        return Judged(gate, "Passed", "there is no champion yet to be held against", ())
    samples = measures.of(gate)
    findings = tuple(sorted((_find(gate, sample) for sample in samples.parts), key=_severity))
    if not findings:
        columns = " or ".join(gate.slices)
        message = f"no value of {columns} has {gate.min_support} rows: {len(samples.left_out)} slices are left out"
        return Judged(gate, "Inconclusive", message, (), samples.left_out)
    return Judged(
        gate, findings[0].outcome, _sentence(gate, findings, left_out=len(samples.left_out)), findings, samples.left_out
    )


def overall(judged: tuple[Judged, ...]) -> Outcome:
    """Passed: every gate did. Failed: at least one did."""
    return min((one.outcome for one in judged), key=lambda outcome: SEVERITY[outcome])


def _severity(finding: Finding) -> tuple[int, bool, float]:
    """What could be measured before what could not; the least room first."""
    return SEVERITY[finding.outcome], finding.room is None, 0.0 if finding.room is None else finding.room


def _find(gate: Gate, sample: Sample) -> Finding:
    problem = sample.problem or (sample.problem_of_champion if gate.versus_champion is not None else None)
    if problem is None:
        found = _bounded(gate, sample) if gate.versus_champion is None else _compared(gate, sample)
        if found is not None:
            return found
        problem = f"{gate.metric} has no value in too many resamples of {sample.rows} rows"
    return Finding(
        sample.label,
        sample.rows,
        sample.positives,
        "Inconclusive",
        problem,
        value=_point(sample.challenger),
        champion=_point(sample.champion),
    )


def _bounded(gate: Gate, sample: Sample) -> Finding | None:
    """The challenger's metric against min or max; None where it has no interval."""
    assert sample.challenger is not None
    interval = interval_of(sample.challenger, confidence=gate.confidence, noise=NOISE.get(gate.metric, "None"))
    if interval is None:
        return None
    highest = 1.0 if gate.metric != "LogLoss" else None
    low, high = (_within(end, highest) for end in interval)
    if gate.min is not None:
        outcome, room = _outcome(low - gate.min, high - gate.min), low - gate.min
        bound = f"at least {gate.min:g} is asked"
    else:
        assert gate.max is not None
        outcome, room = _outcome(gate.max - high, gate.max - low), gate.max - high
        bound = f"at most {gate.max:g} is allowed"
    value = sample.challenger.point
    message = f"{gate.metric} {value:.4f} ({low:.4f} to {high:.4f}), {bound}"
    return Finding(
        sample.label, sample.rows, sample.positives, outcome, message, value, _point(sample.champion), low, high, room
    )


def _compared(gate: Gate, sample: Sample) -> Finding | None:
    """The gain over the champion against minDelta or maxRegression; None where it has no interval."""
    assert gate.versus_champion is not None
    assert sample.challenger is not None
    assert sample.champion is not None
    sign = 1 if gate.metric in MORE_IS_BETTER else -1
    interval = interval_of_gain(
        sample.challenger,
        sample.champion,
        confidence=gate.confidence,
        sign=sign,
        noise=NOISE.get(gate.metric, "None"),
    )
    if interval is None:
        return None
    low, high = interval
    asked = gate.versus_champion.min_delta
    least = asked if asked is not None else -(gate.versus_champion.max_regression or 0.0)
    outcome = _outcome(low - least, high - least)
    if outcome == "Passed" and asked is not None and low <= 0:
        outcome = "Inconclusive"  # minDelta 0 asks for better, and as good is not better
    value, champion = sample.challenger.point, sample.champion.point
    message = (
        f"{gate.metric} {value:.4f}, champion {champion:.4f}: gain {sign * (value - champion):+.4f} ({low:+.4f} to"
        f" {high:+.4f}), at least {least:+g} is asked"
    )
    return Finding(
        sample.label, sample.rows, sample.positives, outcome, message, value, champion, low, high, low - least
    )


def _outcome(near: float, far: float) -> Outcome:
    """near, far: how far inside the bound the two ends of the interval are."""
    if near >= 0:
        return "Passed"
    return "Failed" if far < 0 else "Inconclusive"


def _sentence(gate: Gate, findings: tuple[Finding, ...], *, left_out: int) -> str:
    worst = findings[0]
    which = "" if worst.label is None else f"; {worst.label}"
    of = f", the worst of {len(findings)}" if len(findings) > 1 else ""
    slices = "1 slice" if left_out == 1 else f"{left_out} slices"
    without = f"; {slices} left out for fewer than {gate.min_support} rows" if left_out else ""
    return f"{worst.message}{which}{of}{without}"


def _within(end: float, highest: float | None) -> float:
    low = max(end, 0.0)
    return low if highest is None else min(low, highest)


def _point(found: Resampled | None) -> float | None:
    return found.point if found is not None and isfinite(found.point) else None

"""An evaluation's result: as much of it as a termination message keeps."""

from collections.abc import Iterator
from datetime import UTC, datetime

from springtide.api.constants import Reason
from springtide.api.gate import Evidence, GateOutcome, Verdict
from springtide.api.task import EvaluateTask, Result

from springtide_workloads.evaluation.gates import Judged, overall
from springtide_workloads.process.fitting import cut, first_that_fits

SENTENCE, SLICE = 256, 160
"""Longest message of a gate, and longest name of a slice."""
STEPS = ((192, 120), (128, 80), (80, 48), (40, 32), (0, 24))
"""Ever shorter messages and slices."""


def answer(
    task: EvaluateTask,
    *,
    judged: tuple[Judged, ...],
    rows: int,
    metrics: dict[str, float],
    evidence: Evidence,
    start_time: datetime,
) -> Result:
    """The result. The evidence has all that does not fit."""
    outcome = overall(judged)
    verdict = Verdict(outcome=outcome, rows=rows, gates=tuple(_outcome_of(one) for one in judged), evidence=evidence)
    result = Result(
        status="Succeeded",
        reason=Reason.EVALUATED,
        message=cut(sentence(task, judged=judged, rows=rows), 512),
        start_time=start_time.replace(microsecond=0),
        end_time=datetime.now(UTC).replace(microsecond=0),
        metrics={name: round(value, 6) for name, value in metrics.items()},
        verdict=verdict,
    )
    return first_that_fits(_shorter(result, verdict))


def sentence(task: EvaluateTask, *, judged: tuple[Judged, ...], rows: int) -> str:
    """The verdict in a sentence: the gates that decide it."""
    outcome = overall(judged)
    champion = "no champion" if task.champion is None else f"champion version {task.champion.version}"
    begin = f"version {task.challenger.version} against {champion} on {rows} held-out rows"
    if outcome == "Passed":
        return f"{begin}: all {len(judged)} gates passed"
    word = "failed" if outcome == "Failed" else "could not be decided"
    names = [one for one in judged if one.outcome == outcome]
    return f"{begin}: {len(names)} of {len(judged)} gates {word}: " + "; ".join(
        f"{one.gate.name} ({one.message})" for one in names
    )


def _outcome_of(judged: Judged) -> GateOutcome:
    worst = judged.worst
    figures = {} if worst is None else {name: getattr(worst, name) for name in ("value", "champion", "low", "high")}
    return GateOutcome(
        name=judged.gate.name,
        outcome=judged.outcome,
        slice=None if worst is None or worst.label is None else cut(worst.label, SLICE),
        message=cut(judged.message, SENTENCE),
        **{name: None if value is None else round(value, 6) for name, value in figures.items()},
    )


def _shorter(result: Result, verdict: Verdict) -> Iterator[Result]:
    """Ever less: shorter sentences, then no metrics, then names and outcomes only."""
    yield result
    for message, label in STEPS:
        gates = tuple(
            one.model_copy(
                update={
                    "message": cut(one.message, message),
                    "slice": None if one.slice is None else cut(one.slice, label),
                }
            )
            for one in verdict.gates
        )
        result = result.model_copy(
            update={
                "verdict": verdict.model_copy(update={"gates": gates}),
                "message": cut(result.message, 2 * message + 80),
            }
        )
        yield result
    yield result.model_copy(update={"metrics": {}})
    gates = tuple(GateOutcome(name=one.name, outcome=one.outcome) for one in verdict.gates)
    yield result.model_copy(
        update={"metrics": {}, "verdict": verdict.model_copy(update={"gates": gates}), "message": ""}
    )

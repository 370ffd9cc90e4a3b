"""Conditions, reasons, phases, and the sentence a person reads. A phase never goes back, and an end is final."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from springtide.api.constants import ConditionType, Reason
from springtide.api.retrain_run import JobState, Phase, PhaseStart, RetrainRunStatus
from springtide.core.conditions import Statement, Truth, state
from springtide.core.retrain_run.observed import ObservedRun

MESSAGE_LIMIT = 1024
PHASES_LISTED = 16
BEING_WRITTEN = "it is being written"


@dataclass(frozen=True)
class Doing:
    """What goes on.

    how: work is under way; a person is waited for, as the plan asks; it is over; a person must mend something.
    """

    how: Literal["Working", "Asking", "Over", "Held"]
    reason: str
    message: str


def write(run: ObservedRun, status: RetrainRunStatus, doing: Doing, *, now: datetime) -> RetrainRunStatus:
    """The whole status: what is given, with the conditions that follow from it."""
    statements: tuple[Statement, ...] = (
        Statement(ConditionType.READY, _ready(status, doing), doing.reason, doing.message),
        Statement(
            ConditionType.RECONCILING, "True" if doing.how == "Working" else "False", doing.reason, doing.message
        ),
        Statement(ConditionType.STALLED, "True" if doing.how == "Held" else "False", doing.reason, doing.message),
    )
    if status.completion_time:
        statements += (Statement(ConditionType.RECORDED, "Unknown", Reason.RECORDING, BEING_WRITTEN),)
    conditions = state(statements, before=status.conditions, generation=run.generation, now=now)
    return status.model_copy(update={"observed_generation": run.generation, "conditions": conditions})


def recorded(run: ObservedRun, truth: Truth, reason: str, message: str, *, now: datetime) -> RetrainRunStatus:
    """The status of a run that is over, with what is to be said of its record. All else stays as it was."""
    before = run.status.conditions
    statement = Statement(ConditionType.RECORDED, truth, reason, message)
    stated = state((statement,), before=before, generation=run.generation, now=now)
    others = tuple(item for item in before if item.type != ConditionType.RECORDED)
    return run.status.model_copy(update={"conditions": (*others, *stated)})


def entered(status: RetrainRunStatus, phase: Phase, *, now: datetime, **update: object) -> RetrainRunStatus:
    """The status in a new phase, whose Job, if it needs one, is to be made. The watch goes on with that before it."""
    start = PhaseStart(phase=phase, time=now.replace(microsecond=0))
    job = {} if phase == "Watching" else {"job": JobState()}
    return status.model_copy(
        update={"phase": phase, "phases": (*status.phases, start)[-PHASES_LISTED:], **job, **update}
    )


def ended(status: RetrainRunStatus, phase: Phase, message: str, *, now: datetime) -> RetrainRunStatus:
    """The status of a run that is over."""
    return entered(
        status,
        phase,
        now=now,
        outcome_message=message[:MESSAGE_LIMIT],
        completion_time=now.replace(microsecond=0),
    )


def over(status: RetrainRunStatus, *, reason: str | None = None) -> Doing:
    """What is said of a run that is over. A refused challenger is the loop at work; a failure asks for a person."""
    reasons = {
        "Promoted": Reason.PROMOTED,
        "Rejected": Reason.CHALLENGER_REJECTED,
        "Inconclusive": Reason.INCONCLUSIVE,
        "DryRun": Reason.DRY_RUN,
        "RolledBack": Reason.ROLLED_BACK,
    }
    how: Literal["Held", "Over"] = "Held" if status.phase == "Failed" else "Over"
    return Doing(how, reason or reasons[status.phase], status.outcome_message or "")


def _ready(status: RetrainRunStatus, doing: Doing) -> Truth:
    if status.phase == "Promoted":
        return "True"
    return "False" if doing.how in ("Over", "Held") else "Unknown"

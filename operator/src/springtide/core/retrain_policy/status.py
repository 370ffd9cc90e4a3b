"""Conditions, reasons and the sentence a person reads: what the loop does, or what it waits for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from springtide.api.constants import ConditionType, Reason
from springtide.api.retrain_policy import CurrentRun, RetrainPolicyStatus, Trigger
from springtide.core import schedule
from springtide.core.conditions import Statement, find, state
from springtide.core.retrain_policy import triggers
from springtide.core.retrain_policy.guards import Hold
from springtide.core.retrain_policy.observed import ObservedPolicy, Run

_TRIGGER_REASONS = {
    "First": Reason.FIRST,
    "Schedule": Reason.SCHEDULE,
    "Drift": Reason.DRIFT,
    "Performance": Reason.PERFORMANCE,
    "NewRows": Reason.NEW_ROWS,
    "Manual": Reason.MANUAL,
}
_ABLE = frozenset({Reason.SUSPENDED, Reason.COOLING_DOWN, Reason.BUDGET_SPENT})
"""What holds a run back though the loop can do its work."""


@dataclass(frozen=True)
class Doing:
    """What goes on.

    how: a run is under way; nothing asks for one, or it is too early; something has to heal; a person must mend
    something.
    """

    how: Literal["Working", "Resting", "Waiting", "Held"]
    reason: str
    message: str


def write(
    policy: ObservedPolicy,
    status: RetrainPolicyStatus,
    doing: Doing,
    *,
    triggered: Trigger | None,
    held: str = "",
    now: datetime,
) -> RetrainPolicyStatus:
    """The whole status: what is given, with the conditions and the plan that follow from it.

    triggered: what asks for a run that has not begun. held: what it waits for.
    """
    is_able = doing.how in ("Working", "Resting")
    statements = (
        Statement(ConditionType.READY, "True" if is_able else "False", doing.reason, doing.message),
        _triggered(triggered, held),
        Statement(
            ConditionType.RECONCILING, "True" if doing.how == "Working" else "False", doing.reason, doing.message
        ),
        Statement(ConditionType.STALLED, "True" if doing.how == "Held" else "False", doing.reason, doing.message),
    )
    conditions = state(statements, before=status.conditions, generation=policy.generation, now=now)
    return status.model_copy(
        update={
            "observed_generation": policy.generation,
            "conditions": conditions,
            **_plan(policy.with_status(status), now=now),
        }
    )


def retraining(current: CurrentRun, run: Run | None = None) -> Doing:
    """A run is under way; or it stands still until a person has mended something, and the loop with it."""
    stalled = find(run.status.conditions, ConditionType.STALLED) if run else None
    if stalled and stalled.status == "True":
        return Doing("Held", stalled.reason, f"RetrainRun {current.name} stands still: {stalled.message}")
    return Doing("Working", Reason.RETRAINING, f"RetrainRun {current.name} is under way: {current.trigger.message}")


def standing(policy: ObservedPolicy, hold: Hold | None) -> Doing:
    """Why no run is under way."""
    if hold:
        how: Literal["Resting", "Held", "Waiting"] = "Held" if hold.needs_person else "Waiting"
        return Doing("Resting" if hold.reason in _ABLE else how, hold.reason, hold.message)
    champion = policy.status.champion
    released = f"version {champion.version} is the champion; " if champion else ""
    return Doing("Resting", Reason.WAITING_FOR_TRIGGER, released + triggers.words(policy))


def _triggered(trigger: Trigger | None, held: str) -> Statement:
    if trigger is None:
        return Statement(ConditionType.TRIGGERED, "False", Reason.NOT_TRIGGERED, "nothing asks for a run")
    words = f"{trigger.message}; held back: {held}" if held else trigger.message
    return Statement(ConditionType.TRIGGERED, "True", _TRIGGER_REASONS[trigger.type], words)


def _plan(policy: ObservedPolicy, *, now: datetime) -> dict[str, object]:
    """When the schedule comes round; nothing is planned by a spec that cannot be followed."""
    planned = triggers.next_time(policy, now=now) if policy.spec else None
    words = schedule.words(policy.spec.triggers) if policy.spec and planned else None
    return {"schedule": words, "next_time": planned}

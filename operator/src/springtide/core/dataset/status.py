"""Conditions, reasons and the sentence a person reads."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from springtide.api.conditions import Condition
from springtide.api.constants import ConditionType, Reason
from springtide.api.dataset import DatasetStatus, LastRefresh
from springtide.core import schedule
from springtide.core.conditions import Statement, find, state
from springtide.core.dataset import due, freshness
from springtide.core.dataset.observed import ObservedDataset
from springtide.core.dataset.outcome import was_good

VIOLATIONS_TOLD = 3


@dataclass(frozen=True)
class Doing:
    """What goes on. how: a refresh is under way; nothing is to be done; a person must mend something first."""

    how: Literal["Working", "Resting", "Held"]
    reason: str
    message: str


def write(
    dataset: ObservedDataset, status: DatasetStatus, doing: Doing | None = None, *, now: datetime
) -> DatasetStatus:
    """The whole status: what is given, with the conditions and the plan that follow from it.

    doing: None where nothing goes on.
    """
    doing = doing or _resting(dataset, status, now=now)
    statements = (
        _ready(status, doing),
        _contract_met(status),
        *_fresh(dataset, status, now=now),
        Statement(
            ConditionType.RECONCILING, "True" if doing.how == "Working" else "False", doing.reason, doing.message
        ),
        Statement(ConditionType.STALLED, "True" if doing.how == "Held" else "False", doing.reason, doing.message),
    )
    conditions = state(statements, before=status.conditions, generation=dataset.generation, now=now)
    return status.model_copy(
        update={"observed_generation": dataset.generation, "conditions": conditions, **_plan(dataset, status, now=now)}
    )


def refreshing(message: str = "the source is being read") -> Doing:
    """A refresh is under way."""
    return Doing("Working", Reason.REFRESHING, message)


def _resting(dataset: ObservedDataset, status: DatasetStatus, *, now: datetime) -> Doing:
    last = status.last_refresh
    if dataset.spec and dataset.spec.suspend:
        return Doing("Resting", Reason.SUSPENDED, "suspended by spec.suspend: no refresh is started")
    if last is None or was_good(last):
        return Doing("Resting", Reason.REFRESHED, "")
    planned = dataset.spec and due.next_time(dataset.with_status(status), now=now)
    return Doing("Resting" if planned else "Held", last.outcome, _why(last))


def _ready(status: DatasetStatus, doing: Doing) -> Statement:
    """True from the first snapshot on: a refresh that does not succeed takes nothing away."""
    last, latest = status.last_refresh, status.latest
    if latest is None and doing.how == "Working":
        if last:  # what the next try finds is to be seen; until then there is nothing new to say
            return Statement(ConditionType.READY, "False", last.outcome, _why(last))
        return Statement(ConditionType.READY, "Unknown", doing.reason, doing.message)
    if latest is None:
        return Statement(ConditionType.READY, "False", doing.reason, doing.message)
    if doing.reason == Reason.INVALID_SPEC:
        return Statement(ConditionType.READY, "False", doing.reason, doing.message)
    usable = f"snapshot {latest.digest} with {latest.rows} rows can be used"
    if doing.how != "Working" and doing.reason != Reason.REFRESHED:
        return Statement(ConditionType.READY, "True", doing.reason, f"{usable}; {doing.message}")
    if last and not was_good(last):
        return Statement(ConditionType.READY, "True", last.outcome, f"{usable}; {_why(last)}")
    return Statement(ConditionType.READY, "True", Reason.REFRESHED, usable)


def _why(last: LastRefresh) -> str:
    return f"the last refresh did not succeed: {last.message}"


def _contract_met(status: DatasetStatus) -> Statement:
    last = status.last_refresh
    if last and was_good(last):
        return Statement(ConditionType.CONTRACT_MET, "True", Reason.CONTRACT_MET, "the source satisfies the contract")
    if last and last.outcome == Reason.CONTRACT_VIOLATED:
        return Statement(ConditionType.CONTRACT_MET, "False", Reason.CONTRACT_VIOLATED, _violations(last))
    # It could not be read: what was found before that still is what is known.
    before = find(status.conditions, ConditionType.CONTRACT_MET)
    return _repeated(before) if before else _not_read()


def _not_read() -> Statement:
    return Statement(ConditionType.CONTRACT_MET, "Unknown", Reason.NOT_READ, "the source has not been read yet")


def _repeated(before: Condition) -> Statement:
    return Statement(ConditionType(before.type), before.status, before.reason, before.message)


def _violations(last: LastRefresh) -> str:
    """The first violations, each with its column and rule. The list may be cut: a result has little room."""
    told = [
        f"{f'column {item.column}' if item.column else 'the table'}, {item.rule}: {item.message}"
        for item in last.violations[:VIOLATIONS_TOLD]
    ]
    if more := len(last.violations) - len(told):
        told.append(f"at least {more} more in status.lastRefresh.violations")
    return "; ".join(told) or last.message


def _fresh(dataset: ObservedDataset, status: DatasetStatus, *, now: datetime) -> tuple[Statement, ...]:
    if dataset.spec is None:
        before = find(status.conditions, ConditionType.FRESH)
        return (_repeated(before),) if before else ()
    return (freshness.statement(dataset.spec.contract, status.latest, now=now),)


def _plan(dataset: ObservedDataset, status: DatasetStatus, *, now: datetime) -> dict[str, object]:
    """When the next refresh is due, and by which schedule; nothing is planned by a spec that cannot be followed."""
    refresh = dataset.spec.refresh if dataset.spec else None
    if (
        dataset.spec is None
        or refresh is None
        or dataset.spec.suspend
        or schedule.problem(refresh, field="spec.refresh")
    ):
        return {"schedule": None, "next_refresh_time": None}
    planned = due.next_time(dataset.with_status(status), now=now)
    return {"schedule": due.words(refresh), "next_refresh_time": planned}

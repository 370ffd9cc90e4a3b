"""Conditions, reasons and the sentence a person reads. What could not be judged is Unknown, never good."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from springtide.api.constants import ConditionType, Reason
from springtide.api.drift_monitor import DriftMonitorStatus, LastLook, WindowReport
from springtide.core import schedule
from springtide.core.conditions import Statement, state
from springtide.core.drift_monitor import due, performance
from springtide.core.drift_monitor.inputs import Missing, inputs_of
from springtide.core.drift_monitor.observed import ObservedMonitor
from springtide.core.drift_monitor.outcome import was_good

_NO_WINDOW = "no window has been judged yet"


@dataclass(frozen=True)
class Doing:
    """What goes on.

    how: a look is under way; it waits for what it refers to; nothing is to be done; a person must mend something.
    """

    how: Literal["Working", "Waiting", "Resting", "Held"]
    reason: str
    message: str


def write(
    monitor: ObservedMonitor, status: DriftMonitorStatus, doing: Doing | None = None, *, now: datetime
) -> DriftMonitorStatus:
    """The whole status: what is given, with the conditions and the plan that follow from it.

    doing: None where nothing goes on.
    """
    doing = doing or resting(monitor.with_status(status), now=now)
    is_under_way = doing.how in ("Working", "Waiting")
    statements = (
        _ready(status, doing),
        _drifted(status.last_window),
        _broken(status.last_window),
        *performance.statements(monitor.with_status(status)),
        Statement(ConditionType.RECONCILING, "True" if is_under_way else "False", doing.reason, doing.message),
        Statement(ConditionType.STALLED, "True" if doing.how == "Held" else "False", doing.reason, doing.message),
    )
    conditions = state(statements, before=status.conditions, generation=monitor.generation, now=now)
    return status.model_copy(
        update={"observed_generation": monitor.generation, "conditions": conditions, **_plan(monitor, status, now=now)}
    )


def looking(message: str = "rows are held against the baseline") -> Doing:
    """A look is under way."""
    return Doing("Working", Reason.LOOKING, message)


def resting(monitor: ObservedMonitor, *, now: datetime) -> Doing:
    """Why nothing goes on."""
    last = monitor.status.last_look
    if monitor.spec is None:
        return Doing("Held", Reason.INVALID_SPEC, monitor.spec_problem)
    if monitor.spec.suspend:
        return Doing("Resting", Reason.SUSPENDED, "suspended by spec.suspend: no look is begun")
    inputs = inputs_of(monitor)
    if isinstance(inputs, Missing):
        return Doing("Waiting", inputs.reason, inputs.message)
    if last is None or was_good(last):
        return Doing("Resting", Reason.JUDGED, inputs.note)
    return Doing("Resting" if due.next_time(monitor, now=now) else "Held", last.outcome, _why(last))


def _ready(status: DriftMonitorStatus, doing: Doing) -> Statement:
    """True while the last look could judge: a look that is under way takes nothing away."""
    last, window = status.last_look, status.last_window
    if doing.how in ("Waiting", "Held"):
        return Statement(ConditionType.READY, "False", doing.reason, doing.message)
    if last is None:
        return Statement(ConditionType.READY, "Unknown", doing.reason, doing.message)
    if not was_good(last):
        return Statement(ConditionType.READY, "False", last.outcome, _why(last))
    if window is None:
        words = f"{_NO_WINDOW}: {last.message}" if last.message else _NO_WINDOW
        return Statement(ConditionType.READY, "Unknown", Reason.NO_WINDOW, words)
    words = "; ".join(part for part in (told(window), doing.message) if part and doing.how == "Resting")
    reason = doing.reason if doing.how == "Resting" else Reason.JUDGED
    return Statement(ConditionType.READY, "True", reason, words or told(window))


def told(window: WindowReport) -> str:
    """A window in a sentence."""
    when = f"the window until {window.end:%Y-%m-%dT%H:%M:%SZ}" if window.end else "the snapshot"
    words = f": {window.message}" if window.message else ""
    return f"{when} with {window.rows} rows is {window.verdict}{words}"


def _drifted(window: WindowReport | None) -> Statement:
    """Broken data is not drift, and what could not be judged is not stable."""
    if window is None:
        return Statement(ConditionType.DRIFTED, "Unknown", Reason.NO_WINDOW, _NO_WINDOW)
    match window.verdict:
        case "Stable":
            return Statement(ConditionType.DRIFTED, "False", Reason.STABLE, told(window))
        case "Drifted":
            return Statement(ConditionType.DRIFTED, "True", Reason.DRIFTED, told(window))
        case "DataBroken":
            return Statement(ConditionType.DRIFTED, "Unknown", Reason.DATA_BROKEN, told(window))
        case "Inconclusive":
            return Statement(ConditionType.DRIFTED, "Unknown", Reason.INCONCLUSIVE, told(window))


def _broken(window: WindowReport | None) -> Statement:
    if window is None:
        return Statement(ConditionType.DATA_BROKEN, "Unknown", Reason.NO_WINDOW, _NO_WINDOW)
    match window.verdict:
        case "Stable":
            return Statement(ConditionType.DATA_BROKEN, "False", Reason.STABLE, told(window))
        case "Drifted":
            return Statement(ConditionType.DATA_BROKEN, "False", Reason.DRIFTED, told(window))
        case "DataBroken":
            return Statement(ConditionType.DATA_BROKEN, "True", Reason.DATA_BROKEN, told(window))
        case "Inconclusive":
            return Statement(ConditionType.DATA_BROKEN, "Unknown", Reason.INCONCLUSIVE, told(window))


def _why(last: LastLook) -> str:
    return f"the last look could not judge: {last.message}"


def _plan(monitor: ObservedMonitor, status: DriftMonitorStatus, *, now: datetime) -> dict[str, object]:
    """When the next look is due, and by which schedule; nothing is planned by a spec that cannot be followed."""
    spec = monitor.spec
    if spec is None or spec.suspend or schedule.problem(spec, field="spec"):
        return {"schedule": None, "next_time": None}
    return {"schedule": due.words(spec), "next_time": due.next_time(monitor.with_status(status), now=now)}

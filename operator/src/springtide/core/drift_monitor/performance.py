"""Whether the model does as well as it promised, by labels that arrive when they do.

What is known of a window changes with every snapshot of the labels: it is measured anew, and what is new replaces what
was said before. Labels that are not there hold up nothing else.
"""

from collections.abc import Iterable

from springtide.api.constants import ConditionType, Reason
from springtide.api.drift_monitor import (
    PERFORMANCE_LISTED,
    CurrentLook,
    DriftMonitorStatus,
    PerformanceWindow,
)
from springtide.api.task import Result
from springtide.core.conditions import Statement
from springtide.core.decision import Event
from springtide.core.drift_monitor.inputs import Missing, labels_of
from springtide.core.drift_monitor.observed import ObservedMonitor


def measured(status: DriftMonitorStatus, look: CurrentLook, result: Result | None) -> DriftMonitorStatus:
    """The status with what a look says of performance, if it says anything."""
    if result is None or look.labels is None:
        return status
    if result.measurement is None:
        ended = status.measurement and status.measurement.model_copy(update={"complete": True})
        return status.model_copy(update={"measurement": ended})
    windows = _with(status.performance, result.performance)
    # Nothing new is an end as well, or what does not fit on the list would be measured again and again.
    is_complete = result.measurement.complete or windows == status.performance
    snapshot, before = look.labels.snapshot, status.measurement
    measurement = result.measurement.model_copy(update={"labels": snapshot, "complete": is_complete})
    if before and before.labels == snapshot and before.outcome == measurement.outcome and not measurement.message:
        measurement = measurement.model_copy(update={"message": before.message})  # of labels that were told of before
    # Not of the snapshot before, either: what is left is looked for in the whole log.
    labels = snapshot if is_complete else None
    return status.model_copy(update={"performance": windows, "labels": labels, "measurement": measurement})


def forgotten(status: DriftMonitorStatus) -> DriftMonitorStatus:
    """The status without what was measured: the spec asks for something else now."""
    return status.model_copy(update={"performance": (), "labels": None, "measurement": None})


def is_behind(status: DriftMonitorStatus) -> bool:
    """Whether the last look measured more windows than it could tell of."""
    last, measurement = status.last_look, status.measurement
    if last is None or last.outcome != Reason.JUDGED or measurement is None or measurement.complete:
        return False
    return last.labels == measurement.labels  # a look without them cannot go on


def statements(monitor: ObservedMonitor) -> tuple[Statement, ...]:
    """The condition, where the spec names labels."""
    labels = labels_of(monitor)
    if labels is None:
        return ()
    problem = labels if isinstance(labels, Missing) else None
    newest = next((one for one in _of_model(monitor) if one.outcome != "Inconclusive"), None)
    if newest is None:
        reason, message = (problem.reason, problem.message) if problem else _why_unknown(monitor)
        return (Statement(ConditionType.PERFORMANCE_DROPPED, "Unknown", reason, message),)
    words = "; ".join([told(newest), *([problem.message] if problem else [])])
    if newest.outcome == "Dropped":
        return (Statement(ConditionType.PERFORMANCE_DROPPED, "True", Reason.DROPPED, words),)
    return (Statement(ConditionType.PERFORMANCE_DROPPED, "False", Reason.HELD, words),)


def drops(status: DriftMonitorStatus, *, before: DriftMonitorStatus) -> tuple[Event, ...]:
    """What people should hear of: the newest window in which a model turns out to have done worse than it promised."""
    known = {_identity(one) for one in before.performance if one.outcome == "Dropped"}
    new = (one for one in status.performance if one.outcome == "Dropped" and _identity(one) not in known)
    return tuple(Event("Warning", Reason.DROPPED, told(one)) for one in list(new)[:1])


def told(window: PerformanceWindow) -> str:
    """A window in a sentence."""
    message = f": {window.message}" if window.message else ""
    return f"in the window until {window.end:%Y-%m-%dT%H:%M:%SZ} the model {_VERBS[window.outcome]}{message}"


_VERBS = {"Dropped": "did worse than it promised", "Held": "kept what it promised", "Inconclusive": "may have dropped"}


def _why_unknown(monitor: ObservedMonitor) -> tuple[str, str]:
    measurement = monitor.status.measurement
    if measurement is None:
        return Reason.NO_LABELS, "performance has not been measured yet"
    if measurement.outcome != Reason.MEASURED:
        return measurement.outcome, measurement.message
    windows = _of_model(monitor)
    if not windows:
        return Reason.NO_LABELS, measurement.message or "no window of the model that serves has labels yet"
    return Reason.INCONCLUSIVE, told(windows[0])


def _of_model(monitor: ObservedMonitor) -> tuple[PerformanceWindow, ...]:
    """The windows of the model that serves now: of those before it, it is not said whether they drop."""
    stable = monitor.service.stable if monitor.service else None
    return tuple(one for one in monitor.status.performance if stable is None or one.model == stable.digest)


def _with(before: Iterable[PerformanceWindow], found: Iterable[PerformanceWindow]) -> tuple[PerformanceWindow, ...]:
    """The list with further windows, the newest first; one that was measured again is replaced."""
    windows = {_identity(one): one for one in (*before, *found)}
    ordered = sorted(windows.values(), key=lambda one: (one.end, one.rows, one.model), reverse=True)
    return tuple(ordered[:PERFORMANCE_LISTED])


def _identity(window: PerformanceWindow) -> object:
    return (window.end, window.model)

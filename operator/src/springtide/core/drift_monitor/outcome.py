"""What the end of a look means for the DriftMonitor."""

from datetime import datetime

from springtide.api.constants import Reason
from springtide.api.drift_monitor import CurrentLook, DriftMonitorStatus, LastLook, PastWindow
from springtide.api.task import Result
from springtide.core.drift_monitor import performance
from springtide.core.ending import Ending

MESSAGE_LIMIT = 1024


def lost(status: DriftMonitorStatus, look: CurrentLook, end: Ending, *, now: datetime) -> DriftMonitorStatus:
    """The status after an attempt whose infrastructure was lost: the look goes on with another, without a budget."""
    following = look.model_copy(
        update={
            "attempt": look.attempt + 1,
            "failures": look.failures + 1,
            "failure_time": now.replace(microsecond=0),
            "failure_reason": end.reason,
        }
    )
    return status.model_copy(update={"current_look": following})


def ended(
    status: DriftMonitorStatus, look: CurrentLook, end: Ending, *, history_limit: int, now: datetime
) -> DriftMonitorStatus:
    """The status after a look that has ended, well or not. What was found before stays if it did not."""
    end = _checked(look, end)
    result = end.result if end.failure is None else None
    last = LastLook(
        number=look.number,
        trigger=look.trigger,
        due_time=look.due_time,
        time=now.replace(microsecond=0),
        outcome=end.reason,
        message=end.message[:MESSAGE_LIMIT],
        windows=len(result.windows) if result else 0,
        demand=look.demand,
        snapshot=look.snapshot,
        baseline=look.baseline.digest,
        labels=look.labels.snapshot if look.labels else None,
    )
    is_same = status.last_look is not None and status.last_look.demand == look.demand
    status = performance.measured(status if is_same else performance.forgotten(status), look, result)
    status = status.model_copy(update={"current_look": None, "last_look": last})
    if result is None or result.window is None:
        return status
    newest = result.window.model_copy(update={"snapshot": look.snapshot, "baseline": look.baseline.digest})
    found = tuple(_past(window.model_dump(), look) for window in (*result.windows, newest))
    history = _with(status.history, found)
    return status.model_copy(update={"last_window": newest, "history": history[:history_limit]})


def was_good(last: LastLook) -> bool:
    """Whether the look could judge."""
    return last.outcome == Reason.JUDGED


def _past(window: dict[str, object], look: CurrentLook) -> PastWindow:
    return PastWindow.model_validate(window | {"snapshot": look.snapshot, "baseline": look.baseline.digest})


def _with(history: tuple[PastWindow, ...], found: tuple[PastWindow, ...]) -> tuple[PastWindow, ...]:
    """The history with further windows, the oldest of which come first; a window that was judged again is replaced."""
    windows = {_identity(window): window for window in reversed(history)}
    for window in found:
        windows.pop(_identity(window), None)
        windows[_identity(window)] = window
    return tuple(reversed(windows.values()))


def _identity(window: PastWindow) -> object:
    """Event time tells windows apart, or, where there is none, the snapshot."""
    return (window.start, window.end) if window.end else window.snapshot


def _checked(look: CurrentLook, end: Ending) -> Ending:
    """The ending, unless it is a success that nothing can be made of."""
    if end.failure is not None:
        return end
    problem = _problem(look, end.result)
    return Ending("User", Reason.INVALID_RESULT, problem) if problem else end


def _problem(look: CurrentLook, result: Result | None) -> str | None:
    if result is None or result.reason != Reason.JUDGED:
        return f"the container ended well with reason {result.reason if result else 'none'}, which is no look's"
    window = result.window
    if window is None:
        return "the container judged windows, but tells of none in detail" if result.windows else None
    if look.after and window.end and window.end <= look.after:  # or it would be judged again and again
        return f"the container judged the window until {window.end:%Y-%m-%dT%H:%M:%SZ}, which was judged before"
    return None

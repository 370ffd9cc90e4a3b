"""What asks for a run now, with its evidence in a sentence.

Nothing is remembered of a trigger but what the last run knew already: so one that is held back is not lost, and one
that was acted upon does not come again. What could not be judged, and broken data, never trigger.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import takewhile

from springtide.api.drift_monitor import DriftMonitorStatus, PastWindow
from springtide.api.retrain_policy import RetrainPolicyStatus, Trigger, TriggerType, WindowsTrigger
from springtide.core import due as due_times
from springtide.core import schedule
from springtide.core.due import Known, Missed
from springtide.core.retrain_policy.observed import ObservedPolicy
from springtide.core.windows import performed, stamp

COLUMNS_TOLD = 5
WINDOWS_TOLD = 3
MESSAGE_LIMIT = 1024


def asked_for(policy: ObservedPolicy, *, now: datetime) -> Trigger | None:
    """A person's annotation that was not acted upon yet."""
    if not policy.asked or policy.asked == policy.status.manual_retrain:
        return None
    return _trigger("Manual", now, f"a person asks for it: springtide.dev/retrain={policy.asked}")


def pending(policy: ObservedPolicy, *, now: datetime) -> Trigger | Missed | None:
    """What asks for a run by itself, the most urgent first."""
    return (
        _first(policy, now=now)
        or _performance(policy, now=now)
        or _drift(policy, now=now)
        or _new_rows(policy, now=now)
        or _by_schedule(policy, now=now)
    )


def known_now(policy: ObservedPolicy) -> dict[str, object]:
    """What a run that begins now knows: fields of the status. What was known before stays where nothing is new."""
    triggers, status = policy.following.triggers, policy.status
    drift, performance = (
        _monitor(policy, trigger) if trigger else None for trigger in (triggers.drift, triggers.performance)
    )
    history = drift.history if drift else ()
    snapshots = [window.snapshot for window in history if window.end is None]
    rows = rows_now(policy)
    return {
        "seen_until": _newest((window.end for window in history), status.seen_until),
        "seen_snapshot": snapshots[0] if snapshots else status.seen_snapshot,
        "seen_performance_until": _newest(
            (window.end for window in (performance.performance if performance else ())), status.seen_performance_until
        ),
        "seen_rows": status.seen_rows if rows is None else rows,
    }


def rows_now(policy: ObservedPolicy) -> int | None:
    """Rows of the Dataset whose growth counts; None where none does, or it has no snapshot."""
    rule = policy.following.triggers.new_rows
    dataset = policy.datasets.get(rule.dataset_ref.name) if rule else None
    return dataset.latest.rows if dataset and dataset.latest else None


def next_time(policy: ObservedPolicy, *, now: datetime) -> datetime | None:
    """When the schedule comes round, which may have passed; None where there is none to follow."""
    triggers, status = policy.following.triggers, policy.status
    if policy.following.suspend or triggers.schedule is None or schedule.problem(triggers, field="spec.triggers"):
        return None
    return due_times.planned(triggers, Known(status.schedule, status.next_time), now=now)


def seen_to(policy: ObservedPolicy, *, now: datetime) -> dict[str, object]:
    """The plan when all times until now have been seen to: fields of the status."""
    planned, triggers = next_time(policy, now=now), policy.following.triggers
    if planned is None:
        return {"schedule": None, "next_time": None}
    return {
        "schedule": schedule.words(triggers),
        "next_time": due_times.after_this(triggers, planned, now=now),
    }


def words(policy: ObservedPolicy) -> str:
    """What would begin a run, in a sentence."""
    triggers = policy.following.triggers
    told = []
    if triggers.performance:
        told.append(f"{_so_many(triggers.performance)} dropped in performance")
    if triggers.drift:
        told.append(f"{_so_many(triggers.drift)} drifted")
    if triggers.new_rows:
        told.append(f"Dataset {triggers.new_rows.dataset_ref.name} has {triggers.new_rows.min} rows more")
    if triggers.schedule:
        told.append(f"the schedule {schedule.words(triggers)!r} comes round")
    told.append("a person asks for it (springtide.dev/retrain)")
    return f"a run begins when {', or when '.join(told)}"


def _so_many(trigger: WindowsTrigger) -> str:
    name = trigger.monitor_ref.name
    return f"{trigger.windows} of the newest {trigger.of} windows of DriftMonitor {name} have"


def _first(policy: ObservedPolicy, *, now: datetime) -> Trigger | None:
    """A dry run that went well brings no champion, and a second one would tell nothing new."""
    last = policy.status.history[0].outcome if policy.status.history else None
    if policy.status.champion or (policy.following.mode == "DryRun" and last == "DryRun"):
        return None
    return _trigger("First", now, "there is no champion yet")


def _drift(policy: ObservedPolicy, *, now: datetime) -> Trigger | None:
    rule = policy.following.triggers.drift
    monitor = _monitor(policy, rule) if rule else None
    if rule is None or monitor is None:
        return None
    newest = _unknown(policy.status, monitor.history)[: rule.of]
    drifted = [window for window in newest if window.verdict == "Drifted"]
    if len(drifted) < rule.windows:
        return None
    shown = "; ".join(_window(window) for window in drifted[:WINDOWS_TOLD])
    message = f"{len(drifted)} of the newest {rule.of} windows of DriftMonitor {rule.monitor_ref.name} drifted: {shown}"
    return _trigger("Drift", now, message + _columns(monitor, drifted), end=drifted[0].end)


def _unknown(status: RetrainPolicyStatus, history: Sequence[PastWindow]) -> list[PastWindow]:
    """The windows that the last run did not know, newest first.

    What was held against a model that is not released any more says nothing of the one that is.
    """
    left = {item.digest for item in status.quarantined} | ({status.previous.digest} if status.previous else set())
    of_snapshots = takewhile(lambda window: window.snapshot != status.seen_snapshot, (w for w in history if not w.end))
    fresh = {id(window) for window in of_snapshots}
    fresh |= {id(window) for window in history if window.end and _is_later(window.end, status.seen_until)}
    return [window for window in history if id(window) in fresh and window.baseline not in left]


def _window(window: PastWindow) -> str:
    when = f"until {stamp(window.end)}" if window.end else "a snapshot"
    psi = f", the greatest PSI {window.max_psi:.3g}" if window.max_psi is not None else ""
    plural = "column" if window.drifted_columns == 1 else "columns"
    return f"{when} {window.drifted_columns} {plural}{psi}"


def _columns(monitor: DriftMonitorStatus, drifted: Iterable[PastWindow]) -> str:
    """The worst columns, known of the newest window in detail."""
    last = monitor.last_window
    if last is None or not any((last.end, last.snapshot) == (window.end, window.snapshot) for window in drifted):
        return ""
    found = [item for item in last.drifted if item.verdict == "Drifted"][:COLUMNS_TOLD]
    told = [
        f"{item.column}{f' of {item.slice}' if item.slice else ''}"
        + (f" (PSI {item.psi:.3g})" if item.psi is not None else "")
        for item in found
    ]
    return f"; most in {', '.join(told)}" if told else ""


def _performance(policy: ObservedPolicy, *, now: datetime) -> Trigger | None:
    rule, champion = policy.following.triggers.performance, policy.status.champion
    monitor = _monitor(policy, rule) if rule else None
    if rule is None or monitor is None or champion is None:
        return None
    newest = [
        window
        for window in monitor.performance
        if window.model == champion.digest and _is_later(window.end, policy.status.seen_performance_until)
    ][: rule.of]
    dropped = [window for window in newest if window.outcome == "Dropped"]
    if len(dropped) < rule.windows:
        return None
    shown = "; ".join(performed(window) for window in dropped[:WINDOWS_TOLD])
    name = rule.monitor_ref.name
    message = f"{len(dropped)} of the newest {rule.of} windows of DriftMonitor {name} dropped in performance: {shown}"
    return _trigger("Performance", now, message, end=dropped[0].end)


def _new_rows(policy: ObservedPolicy, *, now: datetime) -> Trigger | None:
    rule, seen, rows = policy.following.triggers.new_rows, policy.status.seen_rows, rows_now(policy)
    if rule is None or seen is None or rows is None or rows - seen < rule.min:
        return None
    message = f"Dataset {rule.dataset_ref.name} has {rows} rows, {rows - seen} more than the last run knew"
    return _trigger("NewRows", now, message)


def _by_schedule(policy: ObservedPolicy, *, now: datetime) -> Trigger | Missed | None:
    planned, triggers = next_time(policy, now=now), policy.following.triggers
    found = due_times.come_round(triggers, planned, now=now) if planned else None
    if found is None or isinstance(found, Missed):
        return found
    return _trigger("Schedule", found, f"the schedule {schedule.words(triggers)!r} came round at {stamp(found)}")


def _monitor(policy: ObservedPolicy, trigger: WindowsTrigger) -> DriftMonitorStatus | None:
    return policy.monitors.get(trigger.monitor_ref.name)


def _newest(ends: Iterable[datetime | None], known: datetime | None) -> datetime | None:
    return max((end for end in (*ends, known) if end), default=None)


def _is_later(end: datetime, known: datetime | None) -> bool:
    return known is None or end > known


def _trigger(kind: TriggerType, time: datetime, message: str, *, end: datetime | None = None) -> Trigger:
    return Trigger(type=kind, time=time.replace(microsecond=0), message=message[:MESSAGE_LIMIT], window_end=end)

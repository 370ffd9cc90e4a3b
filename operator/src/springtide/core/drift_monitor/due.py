"""Is a look due, why, and when will the next one be?

Without a schedule a Dataset is looked at once for each new snapshot, and a ModelService again and again: its log has no
news that could be waited for, unless there are labels: a new snapshot of them is. With a schedule, a Dataset is looked
at when it comes round and there is something new, and new labels wait for it as well.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from springtide.api.constants import Reason
from springtide.api.drift_monitor import EVERY_SECONDS, DriftMonitorSpec, LastLook, LookTrigger
from springtide.core import due as due_times
from springtide.core import schedule
from springtide.core.drift_monitor import performance
from springtide.core.drift_monitor.demand import demand_of
from springtide.core.drift_monitor.inputs import Inputs
from springtide.core.drift_monitor.observed import ObservedMonitor
from springtide.core.due import Known, Missed


@dataclass(frozen=True)
class Due:
    """A look is due. time: since when."""

    trigger: LookTrigger
    time: datetime


@dataclass(frozen=True)
class Unneeded:
    """A time of the schedule has come, but these rows were judged before, against this baseline."""


def due(monitor: ObservedMonitor, inputs: Inputs, *, now: datetime) -> Due | Missed | Unneeded | None:
    """What is due now; nothing is while the monitor is suspended."""
    assert monitor.spec is not None, "nothing is due where the spec does not parse"
    last = monitor.status.last_look
    if monitor.spec.suspend:
        return None
    if last is None:
        return Due("Created", monitor.created)
    if monitor.asked and monitor.asked != monitor.status.manual_check:
        return Due("Manual", now)
    if last.demand != demand_of(monitor.spec):
        return Due("Changed", now)
    if _is_behind(last):
        return Due("Behind", last.time)
    if performance.is_behind(monitor.status):
        return Due("Labels", last.time)
    if monitor.spec.schedule:
        return _by_schedule(monitor, monitor.spec, inputs, last, now=now)
    if inputs.labels and inputs.labels.snapshot != last.labels:
        return Due("Labels", now)
    if inputs.rows.snapshot is None:
        planned = next_time(monitor, now=now)
        return Due("Interval", planned) if planned and planned <= now else None
    if inputs.baseline.digest != last.baseline:
        return Due("Changed", now)
    return Due("Snapshot", now) if inputs.rows.snapshot != last.snapshot else None


def next_time(monitor: ObservedMonitor, *, now: datetime) -> datetime | None:
    """When the next look is due by the clock, which may have passed; None where nothing is planned."""
    spec, status = monitor.spec, monitor.status
    assert spec is not None, "nothing is planned where the spec does not parse"
    if spec.suspend:
        return None
    if spec.schedule:
        return due_times.planned(spec, Known(status.schedule, status.next_time), now=now)
    if spec.target.model_service_ref is None:
        return None
    last = None if status.current_look else status.last_look  # counted from the end of the one before
    return last.time + _interval(spec) if last else None


def after_this(monitor: ObservedMonitor, *, now: datetime) -> datetime | None:
    """The next time when all times until now have been seen to."""
    planned = next_time(monitor, now=now)
    if planned is None or monitor.spec is None or monitor.spec.schedule is None:
        return planned
    return due_times.after_this(monitor.spec, planned, now=now)


def words(spec: DriftMonitorSpec) -> str | None:
    """When it is looked at by the clock, in words; None: not at all."""
    if spec.schedule:
        return schedule.words(spec)
    return f"every {_interval(spec).total_seconds():.0f} s" if spec.target.model_service_ref else None


def _interval(spec: DriftMonitorSpec) -> timedelta:
    return timedelta(seconds=spec.every_seconds or EVERY_SECONDS)


def _is_behind(last: LastLook) -> bool:
    """Whether there may be more closed windows than one look takes. Who keeps up judges one at a time."""
    return last.outcome == Reason.JUDGED and last.windows > 1


def _by_schedule(
    monitor: ObservedMonitor, spec: DriftMonitorSpec, inputs: Inputs, last: LastLook, *, now: datetime
) -> Due | Missed | Unneeded | None:
    planned = next_time(monitor, now=now)
    found = due_times.come_round(spec, planned, now=now) if planned else None
    if found is None or isinstance(found, Missed):
        return found
    return Unneeded() if _is_as_before(inputs, last) else Due("Schedule", found)


def _is_as_before(inputs: Inputs, last: LastLook) -> bool:
    is_same = inputs.rows.snapshot == last.snapshot and inputs.baseline.digest == last.baseline
    return inputs.rows.snapshot is not None and is_same and last.outcome == Reason.JUDGED

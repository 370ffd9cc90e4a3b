"""The Job of one look, and its task. All that it is told is on record before it is made."""

from datetime import datetime, timedelta

from springtide.api.constants import Role
from springtide.api.drift_monitor import (
    CurrentLook,
    DriftMonitorSpec,
    DriftMonitorStatus,
    LookTrigger,
    PastWindow,
    WindowSummary,
)
from springtide.api.task import DriftBaseline, DriftRows, DriftTask, Labels
from springtide.core.decision import Child
from springtide.core.drift_monitor.observed import ObservedMonitor
from springtide.core.workload_job import WORKLOADS_ARGS, resources_of, task_env, workload_job
from springtide.core.workload_pod import Program, pod_spec

EARLIER = 48


def name_of(monitor: ObservedMonitor, look: CurrentLook) -> str:
    """The name of the Job of a look's current attempt."""
    return f"{monitor.name}-look-{look.number}-a{look.attempt}"


def judged_until(status: DriftMonitorStatus, trigger: LookTrigger) -> datetime | None:
    """Windows that end later are judged. Who asks, or asks for something else, has the newest window judged anew."""
    window = status.last_window
    if window is None:
        return None
    return window.start if trigger in ("Manual", "Changed") else window.end


def drift_task(monitor: ObservedMonitor, look: CurrentLook) -> DriftTask:
    """What the container is told to do."""
    spec = monitor.spec
    assert spec is not None, "a DriftMonitor whose spec does not parse has no task"
    root = monitor.platform.artifacts_uri.rstrip("/")
    return DriftTask(
        owner=monitor.parent.owner(look.attempt),
        store_uri=monitor.platform.artifacts_uri,
        result_uri=f"{root}/results/{monitor.uid}/look-{look.number}-a{look.attempt}.json",
        data=DriftRows(uri=look.uri, snapshot=look.snapshot),
        event_time_column=look.event_time_column,
        window_seconds=spec.window.seconds,
        delay_seconds=spec.window.delay_seconds,
        after=look.after,
        baseline=DriftBaseline(uri=look.baseline.uri, digest=look.baseline.digest),
        slices=spec.slices,
        exclude=spec.columns.exclude,
        rules=spec.rules,
        earlier=_earlier(spec, monitor.status, look),
        labels=_labels(spec, monitor.status, look),
        report_uri=f"{root}/drift/{monitor.namespace}.{monitor.name}/",
    )


def look_job(monitor: ObservedMonitor, look: CurrentLook) -> Child:
    """The Job of a look: one pod, no restarts."""
    spec = monitor.spec
    assert spec is not None, "a DriftMonitor whose spec does not parse has no Job"
    pod = pod_spec(
        Program(monitor.platform.workloads_image, None, WORKLOADS_ARGS, task_env(drift_task(monitor, look))),
        platform=monitor.platform,
        resources=resources_of(spec.resources, monitor.platform.resources),
        overrides=spec.overrides,
    )
    return workload_job(
        monitor.parent,
        name=name_of(monitor, look),
        role=Role.LOOK,
        attempt=look.attempt,
        pod=pod,
        platform=monitor.platform,
        backoff_limit=0,
    )


def _labels(spec: DriftMonitorSpec, status: DriftMonitorStatus, look: CurrentLook) -> Labels | None:
    """The labels that the look is given. What was measured otherwise than the spec says now is not known any more."""
    if spec.labels is None or look.labels is None:
        return None
    is_same = status.last_look is not None and status.last_look.demand == look.demand
    return Labels(
        uri=look.labels.uri,
        snapshot=look.labels.snapshot,
        column=spec.labels.column,
        key_column=spec.labels.key_column,
        min_rows=spec.labels.min_rows,
        max_drop=spec.performance.max_drop,
        is_measured=is_same and look.trigger != "Manual" and status.labels == look.labels.snapshot,
        known=tuple(one.model_copy(update={"message": ""}) for one in status.performance) if is_same else (),
    )


def _earlier(spec: DriftMonitorSpec, status: DriftMonitorStatus, look: CurrentLook) -> tuple[WindowSummary, ...]:
    """The windows before those that the look judges, the oldest first; only those whose rows can be compared."""
    earlier = [
        WindowSummary.model_validate(window.model_dump(include=set(WindowSummary.model_fields)))
        for window in status.history
        if _is_before(window, look) and _length(window) == _length_of(spec, look)
    ]
    return tuple(reversed(earlier[:EARLIER]))


def _is_before(window: PastWindow, look: CurrentLook) -> bool:
    return window.end <= look.after if window.end and look.after else window.snapshot != look.snapshot


def _length(window: PastWindow) -> timedelta | None:
    """None: a snapshot as a whole."""
    return window.end - window.start if window.start and window.end else None


def _length_of(spec: DriftMonitorSpec, look: CurrentLook) -> timedelta | None:
    is_whole = look.snapshot is not None and look.event_time_column is None
    return None if is_whole else timedelta(seconds=spec.window.seconds)

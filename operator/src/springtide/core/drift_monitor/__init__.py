"""What the platform does with a DriftMonitor, in order: `decide` is the table of contents of this folder.

A look is written down first, as an intent in the status with all that it is told, and its Job is made after, under a
name that follows from it. So a crash between any two effects is mended by going on, two replicas cannot make two Jobs,
and a Job that is gone is made again: looking once more at the same rows finds the same.
"""

from datetime import datetime, timedelta

from springtide.api import drift_monitor as api
from springtide.api.constants import ConditionType, Reason
from springtide.api.dataset import DatasetStatus, Snapshot
from springtide.core import backoff, schedule
from springtide.core.artifacts import missing_claim
from springtide.core.conditions import find
from springtide.core.decision import Decision, Deletion, Event, Refusal
from springtide.core.drift_monitor import due, outcome, performance
from springtide.core.drift_monitor.demand import demand_of
from springtide.core.drift_monitor.due import Due, Unneeded
from springtide.core.drift_monitor.inputs import Inputs, Missing, baseline_of, inputs_of
from springtide.core.drift_monitor.job import drift_task, judged_until, look_job, name_of
from springtide.core.drift_monitor.observed import ObservedMonitor, observe, references
from springtide.core.drift_monitor.status import Doing, looking, told, write
from springtide.core.due import Missed
from springtide.core.ending import GONE, Ending
from springtide.core.kind import JOB, PERSISTENT_VOLUME_CLAIM, POD, Kind
from springtide.core.leftovers import still_running, unneeded
from springtide.core.progress import Ended, Running, Settling, Vanished, Waiting, of_job, starting, steady
from springtide.core.workload_job import task_problem

REFUSED_AGAIN_AFTER = 60.0


def decide(monitor: ObservedMonitor, now: datetime) -> Decision:
    """What should happen next to a DriftMonitor.

    Pure: equal arguments give equal decisions, and deciding again on what the decision brought about changes
    nothing.
    """
    if monitor.deleting:
        return Decision()  # what it owns goes with it
    if problem := _problem(monitor):
        return _told(monitor, Doing("Held", Reason.INVALID_SPEC, problem), now)
    monitor = _pinned(monitor)
    if look := monitor.status.current_look:
        return _go_on(monitor, look, now)
    inputs = inputs_of(monitor)
    if isinstance(inputs, Missing):
        return _told(monitor, None, now)
    match due.due(monitor, inputs, now=now):
        case Due() as found:
            return _begin(monitor, found, inputs, now)
        case Missed(time):
            return _skip(monitor, time, now)
        case Unneeded():
            return _told(monitor, None, now, status=_with_plan(monitor, now=now))
        case None:
            return _told(monitor, None, now)


def refuse(monitor: ObservedMonitor, refusal: Refusal, now: datetime) -> Decision:
    """What is said when the API server does not take the Job: it is tried again, slowly, as a quota may be raised."""
    doing = Doing("Held", refusal.reason, refusal.message)
    return Decision(status=write(monitor, monitor.status, doing, now=now), requeue_after=REFUSED_AGAIN_AFTER)


def _problem(monitor: ObservedMonitor) -> str | None:
    """What is wrong with the spec, if anything."""
    spec = monitor.spec
    if spec is None:
        return monitor.spec_problem
    if problem := schedule.problem(spec, field="spec"):
        return problem
    baseline = api.PinnedBaseline(uri="", digest=demand_of(spec))
    anything = api.CurrentLook(
        number=1, trigger="Created", due_time=monitor.created, demand=demand_of(spec), uri="", baseline=baseline
    )
    return task_problem(drift_task(monitor, anything))


def _pinned(monitor: ObservedMonitor) -> ObservedMonitor:
    """The same, with the baseline on record as soon as there is one: what made it may go."""
    baseline = baseline_of(monitor)
    if isinstance(baseline, Missing):
        return monitor
    return monitor.with_status(monitor.status.model_copy(update={"baseline": baseline}))


def _begin(monitor: ObservedMonitor, found: Due, inputs: Inputs, now: datetime) -> Decision:
    """Write down that there is to be a look, and at what. Whatever else asks for one is answered by it."""
    spec, status = monitor.spec, monitor.status
    assert spec is not None, "nothing is due where the spec does not parse"
    look = api.CurrentLook(
        number=status.last_look.number + 1 if status.last_look else 1,
        trigger=found.trigger,
        due_time=found.time.replace(microsecond=0),
        demand=demand_of(spec),
        uri=inputs.rows.uri,
        snapshot=inputs.rows.snapshot,
        event_time_column=inputs.rows.event_time_column,
        baseline=inputs.baseline,
        labels=inputs.labels,
        after=judged_until(status, found.trigger),
    )
    status = _with_plan(monitor, now=now).model_copy(update={"current_look": look, "manual_check": monitor.asked})
    return Decision(status=write(monitor, status, looking(), now=now), deletions=_old_jobs(monitor))


def _skip(monitor: ObservedMonitor, time: datetime, now: datetime) -> Decision:
    """A time of the schedule was missed by more than its deadline: it is said, and the next one is waited for."""
    stamp = time.isoformat(timespec="minutes").replace("+00:00", "Z")
    message = f"the look of {stamp} was missed by more than spec.startingDeadlineSeconds and is left out"
    status = _with_plan(monitor, now=now).model_copy(update={"missed_time": time})
    return _told(monitor, None, now, status=status, events=(Event("Warning", Reason.CHECK_MISSED, message),))


def _with_plan(monitor: ObservedMonitor, *, now: datetime) -> api.DriftMonitorStatus:
    """The status when all times until now have been seen to."""
    plan = {
        "schedule": due.words(monitor.spec) if monitor.spec else None,
        "next_time": due.after_this(monitor, now=now),
    }
    return monitor.status.model_copy(update=plan)


def _told(
    monitor: ObservedMonitor,
    doing: Doing | None,
    now: datetime,
    *,
    status: api.DriftMonitorStatus | None = None,
    again: datetime | None = None,
    events: tuple[Event, ...] = (),
) -> Decision:
    """A decision that makes nothing: what is to be said, and when to look again. again: at the latest."""
    written = write(monitor, status or monitor.status, doing, now=now)
    if doing and doing.how == "Held":
        events = (Event("Warning", doing.reason, doing.message),)
    planned = written.next_time if written.current_look is None else None
    # A time that has passed waits for what the monitor refers to; news of that come by themselves.
    times = [time for time in (again, planned) if time and time > now]
    return Decision(
        deletions=_old_jobs(monitor),
        status=written,
        events=events,
        requeue_after=(min(times) - now).total_seconds() if times else None,
    )


def _go_on(monitor: ObservedMonitor, look: api.CurrentLook, now: datetime) -> Decision:
    """A look is under way: start its Job, or see how that is."""
    job = monitor.job(name_of(monitor, look))
    if job is None:
        return _start(monitor, look, now)
    queue = f"Job {job.name} is suspended; whoever suspended it lets it start"
    match of_job(job, monitor.pod(job), failed=Reason.DRIFT_FAILED, queue=queue, now=now):
        case Ended(_, end):
            return _after(monitor, look, end, now)
        case Vanished():
            return _after(monitor, look, GONE, now)
        case Settling(seconds):
            return Decision(requeue_after=seconds)
        case Running(stopping=stopping):
            words = "the pod was told to stop; waiting for its node to say that it did"
            return _told(monitor, looking(words) if stopping else looking(), now)
        case Waiting() as waiting:
            return _wait(monitor, look, waiting, now)


def _start(monitor: ObservedMonitor, look: api.CurrentLook, now: datetime) -> Decision:
    if monitor.spec and monitor.spec.suspend:
        return _told(monitor, None, now)
    if running := still_running(pods=monitor.pods, predecessors=monitor.predecessors):
        return _told(monitor, looking(f"waiting until {running} has stopped"), now)
    if look.failure_time:
        earliest = backoff.after_loss(look.failure_time, failures=look.failures, reason=look.failure_reason or "")
        if earliest and now < earliest:
            words = f"attempt {look.attempt - 1} was lost ({look.failure_reason}); there will be another"
            return _told(monitor, looking(words), now, again=earliest)
    if newer := _at_newer_snapshot(monitor, look):
        return _told(monitor, looking(), now, status=monitor.status.model_copy(update={"current_look": newer}))
    claim = missing_claim(monitor.platform, namespace=monitor.namespace, claims=monitor.claims)
    return Decision(
        children=(*claim, look_job(monitor, look)),
        deletions=_old_jobs(monitor),
        status=write(monitor, monitor.status, looking(), now=now),
    )


def _at_newer_snapshot(monitor: ObservedMonitor, look: api.CurrentLook) -> api.CurrentLook | None:
    """The look at the latest snapshots, where its own were given up before they were on record: `dataset.retention`."""
    if look.attempt > 1:
        return None
    newer: dict[str, object] = {}
    if latest := _instead(monitor.dataset, look.snapshot):
        newer |= {"uri": latest.uri, "snapshot": latest.digest, "event_time_column": monitor.event_time_column}
    if latest := _instead(monitor.labels, look.labels.snapshot if look.labels else None):
        newer |= {"labels": api.PinnedLabels(uri=latest.uri, snapshot=latest.digest)}
    return look.model_copy(update=newer) if newer else None


def _instead(dataset: DatasetStatus | None, snapshot: str | None) -> Snapshot | None:
    """The latest snapshot, where a Dataset does not keep this one."""
    if snapshot is None or dataset is None or dataset.latest is None:
        return None
    kept = (dataset.latest, *dataset.snapshots)
    return None if any(item.digest == snapshot for item in kept) else dataset.latest


def _wait(monitor: ObservedMonitor, look: api.CurrentLook, waiting: Waiting, now: datetime) -> Decision:
    """The container does not run yet. What is more than a matter of time ends the look after a while."""
    if not waiting.stuck or waiting.since is None:
        # That the pod is about to start is not worth a write.
        is_about_to = waiting.message == starting(waiting.job.name)
        return _told(monitor, looking() if is_about_to else looking(waiting.message), now)
    end = waiting.since + timedelta(seconds=monitor.platform.start_grace_seconds)
    if now >= end:
        return _after(monitor, look, Ending("User", waiting.reason, waiting.message), now)
    before = find(monitor.status.conditions, ConditionType.RECONCILING)
    said = steady(waiting.message, before=before.message if before else "")
    return _told(monitor, looking(said), now, again=end)


def _after(monitor: ObservedMonitor, look: api.CurrentLook, end: Ending, now: datetime) -> Decision:
    """The attempt has ended: is the look done, or is there another attempt?"""
    if end.failure == "Infrastructure":
        status = outcome.lost(monitor.status, look, end, now=now)
        words = f"attempt {look.attempt} was lost ({end.reason}); there will be another"
        event = Event("Warning", end.reason, end.message)
        return _told(monitor, looking(words), now, status=status, events=(event,))
    assert monitor.spec is not None, "a spec that does not parse is told of before"
    status = outcome.ended(monitor.status, look, end, history_limit=monitor.spec.history_limit, now=now)
    return _told(monitor, None, now, status=status, events=_events(status, before=monitor.status))


def _events(status: api.DriftMonitorStatus, *, before: api.DriftMonitorStatus) -> tuple[Event, ...]:
    """What people should hear of: a look that could not judge, and a new window that is not as the baseline."""
    last, window = status.last_look, status.last_window
    assert last is not None, "a look that has ended is the last one"
    if not outcome.was_good(last):
        return (Event("Warning", last.outcome, last.message),)
    drops = performance.drops(status, before=before)
    if window is None or window is before.last_window or window.verdict not in ("Drifted", "DataBroken"):
        return drops
    return (Event("Warning", window.verdict, told(window)), *drops)


def _old_jobs(monitor: ObservedMonitor) -> tuple[Deletion, ...]:
    look = monitor.status.current_look
    return unneeded(monitor.jobs, mine=name_of(monitor, look) if look else None, pod_of=monitor.pod)


KIND: Kind[ObservedMonitor] = Kind(
    resource=api.RESOURCE,
    children=(JOB, POD, PERSISTENT_VOLUME_CLAIM),
    observe=observe,
    decide=decide,
    refuse=refuse,
    references=references,
)

"""What the platform does with a Dataset, in order: `decide` is the table of contents of this folder.

A refresh is written down first, as an intent in the status, and its Job is made after, under a name that follows from
it. So a crash between any two effects is mended by going on, two replicas cannot make two Jobs, and a Job that is
gone is made again: reading and publishing once more changes nothing. That is why no result is ever recovered here.
"""

from datetime import datetime, timedelta

from springtide.api import dataset as api
from springtide.api.constants import ConditionType, Reason
from springtide.core import backoff, schedule
from springtide.core.artifacts import missing_claim
from springtide.core.conditions import find
from springtide.core.dataset import due, freshness, outcome, retention
from springtide.core.dataset.demand import demand_of
from springtide.core.dataset.due import Due
from springtide.core.dataset.job import name_of, refresh_job, snapshot_task
from springtide.core.dataset.observed import ObservedDataset, observe
from springtide.core.dataset.status import Doing, refreshing, write
from springtide.core.decision import Decision, Deletion, Event, Refusal
from springtide.core.due import Missed
from springtide.core.ending import GONE, Ending
from springtide.core.kind import JOB, PERSISTENT_VOLUME_CLAIM, POD, Kind
from springtide.core.leftovers import still_running, unneeded
from springtide.core.progress import Ended, Running, Settling, Vanished, Waiting, of_job, starting, steady
from springtide.core.workload_job import task_problem

REFUSED_AGAIN_AFTER = 60.0


def decide(dataset: ObservedDataset, now: datetime) -> Decision:
    """What should happen next to a Dataset.

    Pure: equal arguments give equal decisions, and deciding again on what the decision brought about changes
    nothing.
    """
    if dataset.deleting:
        return Decision()  # what it owns goes with it
    if problem := _problem(dataset):
        return _told(dataset, Doing("Held", Reason.INVALID_SPEC, problem), now)
    if refresh := dataset.status.current_refresh:
        return _go_on(dataset, refresh, now)
    match due.due(dataset, now=now):
        case Due() as found:
            return _begin(dataset, found, now)
        case Missed(time):
            return _skip(dataset, time, now)
        case None:
            return _rest(dataset, now)


def refuse(dataset: ObservedDataset, refusal: Refusal, now: datetime) -> Decision:
    """What is said when the API server does not take the Job: it is tried again, slowly, as a quota may be raised."""
    doing = Doing("Held", refusal.reason, refusal.message)
    return Decision(status=write(dataset, dataset.status, doing, now=now), requeue_after=REFUSED_AGAIN_AFTER)


def _problem(dataset: ObservedDataset) -> str | None:
    """What is wrong with the spec, if anything."""
    spec = dataset.spec
    if spec is None:
        return dataset.spec_problem
    if spec.refresh and (problem := schedule.problem(spec.refresh, field="spec.refresh")):
        return problem
    anything = api.CurrentRefresh(number=1, trigger="Created", due_time=dataset.created, demand=demand_of(spec))
    return task_problem(snapshot_task(dataset, anything))


def _begin(dataset: ObservedDataset, found: Due, now: datetime) -> Decision:
    """Write down that there is to be a refresh. Whatever else asks for one is answered by it."""
    spec, status = dataset.spec, dataset.status
    assert spec is not None, "nothing is due where the spec does not parse"
    refresh = api.CurrentRefresh(
        number=status.last_refresh.number + 1 if status.last_refresh else 1,
        trigger=found.trigger,
        due_time=found.time.replace(microsecond=0),
        demand=demand_of(spec),
    )
    status = retention.withdraw(status, keep=spec.retention.snapshots, pinned=dataset.pinned).model_copy(
        update={
            "current_refresh": refresh,
            "manual_refresh": dataset.asked,
            **_planned(dataset, now=now),
        }
    )
    return Decision(
        status=write(dataset.with_status(status), status, refreshing(), now=now), deletions=_old_jobs(dataset)
    )


def _skip(dataset: ObservedDataset, time: datetime, now: datetime) -> Decision:
    """A time of the schedule was missed by more than its deadline: it is said, and the next one is waited for."""
    status = dataset.status.model_copy(update={"missed_time": time, **_planned(dataset, now=now)})
    stamp = time.isoformat(timespec="minutes").replace("+00:00", "Z")
    message = f"the refresh of {stamp} was missed by more than spec.refresh.startingDeadlineSeconds and is left out"
    return Decision(
        status=write(dataset.with_status(status), status, now=now),
        events=(Event("Warning", Reason.REFRESH_MISSED, message),),
    )


def _planned(dataset: ObservedDataset, *, now: datetime) -> dict[str, object]:
    """The plan when all times until now have been seen to."""
    refresh = dataset.spec.refresh if dataset.spec else None
    return {
        "schedule": due.words(refresh) if refresh else None,
        "next_refresh_time": due.after_this(dataset, now=now),
    }


def _rest(dataset: ObservedDataset, now: datetime) -> Decision:
    return _told(dataset, None, now)


def _told(
    dataset: ObservedDataset,
    doing: Doing | None,
    now: datetime,
    *,
    status: api.DatasetStatus | None = None,
    again: datetime | None = None,
    events: tuple[Event, ...] = (),
) -> Decision:
    """A decision that makes nothing: what is to be said, and when to look again. again: at the latest."""
    written = write(dataset, status or dataset.status, doing, now=now)
    if doing and doing.how == "Held":
        events = (Event("Warning", doing.reason, doing.message),)
    turning = freshness.turning(dataset.spec.contract, written.latest, now=now) if dataset.spec else None
    planned = None if written.current_refresh else written.next_refresh_time
    times = [time for time in (again, turning, planned) if time]
    return Decision(
        deletions=_old_jobs(dataset),
        status=written,
        events=events,
        requeue_after=max(0.0, (min(times) - now).total_seconds()) if times else None,
    )


def _go_on(dataset: ObservedDataset, refresh: api.CurrentRefresh, now: datetime) -> Decision:
    """A refresh is under way: start its Job, or see how that is."""
    job = dataset.job(name_of(dataset, refresh))
    if job is None:
        return _start(dataset, refresh, now)
    queue = f"Job {job.name} is suspended; whoever suspended it lets it start"
    match of_job(job, dataset.pod(job), failed=Reason.REFRESH_FAILED, queue=queue, now=now):
        case Ended(_, end):
            return _after(dataset, refresh, end, now)
        case Vanished():
            return _after(dataset, refresh, GONE, now)
        case Settling(seconds):
            return Decision(requeue_after=seconds)
        case Running(stopping=stopping):
            words = "the pod was told to stop; waiting for its node to say that it did"
            return _told(dataset, refreshing(words) if stopping else refreshing(), now)
        case Waiting() as waiting:
            return _wait(dataset, refresh, waiting, now)


def _start(dataset: ObservedDataset, refresh: api.CurrentRefresh, now: datetime) -> Decision:
    if dataset.spec and dataset.spec.suspend:
        return _told(dataset, None, now)
    if running := still_running(pods=dataset.pods, predecessors=dataset.predecessors):
        return _told(dataset, refreshing(f"waiting until {running} has stopped"), now)
    earliest = _not_before(refresh)
    if earliest and now < earliest:
        words = f"attempt {refresh.attempt - 1} was lost ({refresh.failure_reason}); there will be another"
        return _told(dataset, refreshing(words), now, again=earliest)
    if refresh.attempt == 1 and any(item.digest in dataset.pinned for item in dataset.status.removing):
        status = retention.restore(dataset.status, pinned=dataset.pinned)
        return _told(dataset, refreshing(), now, status=status)
    claim = missing_claim(dataset.platform, namespace=dataset.namespace, claims=dataset.claims)
    return Decision(
        children=(*claim, refresh_job(dataset, refresh)),
        deletions=_old_jobs(dataset),
        status=write(dataset, dataset.status, refreshing(), now=now),
    )


def _not_before(refresh: api.CurrentRefresh) -> datetime | None:
    if refresh.failure_time is None:
        return None
    return backoff.after_loss(refresh.failure_time, failures=refresh.failures, reason=refresh.failure_reason or "")


def _wait(dataset: ObservedDataset, refresh: api.CurrentRefresh, waiting: Waiting, now: datetime) -> Decision:
    """The container does not run yet. What is more than a matter of time ends the refresh after a while."""
    if not waiting.stuck or waiting.since is None:
        # That the pod is about to start is not worth a write.
        is_about_to = waiting.message == starting(waiting.job.name)
        return _told(dataset, refreshing() if is_about_to else refreshing(waiting.message), now)
    end = waiting.since + timedelta(seconds=dataset.platform.start_grace_seconds)
    if now >= end:
        return _after(dataset, refresh, Ending("User", waiting.reason, waiting.message), now)
    before = find(dataset.status.conditions, ConditionType.RECONCILING)
    told = steady(waiting.message, before=before.message if before else "")
    return _told(dataset, refreshing(told), now, again=end)


def _after(dataset: ObservedDataset, refresh: api.CurrentRefresh, end: Ending, now: datetime) -> Decision:
    """The attempt has ended: is the refresh done, or is there another attempt?"""
    if end.failure == "Infrastructure":
        status = outcome.lost(dataset.status, refresh, end, now=now)
        words = f"attempt {refresh.attempt} was lost ({end.reason}); there will be another"
        event = Event("Warning", end.reason, end.message)
        return _told(dataset, refreshing(words), now, status=status, events=(event,))
    status = outcome.ended(dataset.status, refresh, end, now=now)
    last = status.last_refresh
    assert last is not None, "a refresh that has ended is the last one"
    events = () if outcome.was_good(last) else (Event("Warning", last.outcome, last.message),)
    return _told(dataset, None, now, status=status, events=events)


def _old_jobs(dataset: ObservedDataset) -> tuple[Deletion, ...]:
    refresh = dataset.status.current_refresh
    return unneeded(dataset.jobs, mine=name_of(dataset, refresh) if refresh else None, pod_of=dataset.pod)


KIND: Kind[ObservedDataset] = Kind(
    resource=api.RESOURCE,
    children=(JOB, POD, PERSISTENT_VOLUME_CLAIM),
    observe=observe,
    decide=decide,
    refuse=refuse,
)

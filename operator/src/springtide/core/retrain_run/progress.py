"""How far the Job of a phase is. What is lost with its infrastructure is tried again, without a budget.

So is an alias that cannot be set for any reason but the model itself: MLflow refuses our credentials, its image cannot
be pulled. A good model is not taken back, and kept from coming again, for what a person will mend.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from springtide.api.constants import ConditionType, Reason
from springtide.api.retrain_run import JobState
from springtide.core import backoff
from springtide.core.artifacts import missing_claim
from springtide.core.conditions import find
from springtide.core.decision import Child, Event
from springtide.core.ending import GONE, Ending
from springtide.core.leftovers import still_running
from springtide.core.progress import Ended, Running, Settling, Vanished, Waiting, of_job, starting, steady
from springtide.core.retrain_run.job import Work, name_of, phase_job
from springtide.core.retrain_run.observed import ObservedRun
from springtide.core.workload_state import Job

MESSAGE_LIMIT = 1024
_FAILED = {
    "evaluate": Reason.EVALUATION_FAILED,
    "promote": Reason.PROMOTION_FAILED,
    "restore": Reason.PROMOTION_FAILED,
    "record": Reason.RECORD_FAILED,
}
_OF_THE_MODEL = frozenset({Reason.MODEL_NOT_FOUND, Reason.DIGEST_MISMATCH, Reason.PROMOTION_FAILED})
"""Why an alias cannot be set, and trying again would not help."""


@dataclass(frozen=True)
class Unfinished:
    """The Job has not ended. job: its state as it should be written. note: what a person should know; mostly nothing.

    children: to be made. again: when to look once more though nothing happens.
    """

    job: JobState
    note: str = ""
    children: tuple[Child, ...] = ()
    again: datetime | None = None
    events: tuple[Event, ...] = ()


def progress(run: ObservedRun, work: Work, *, now: datetime) -> Ending | Unfinished:
    """How the Job has ended, well or by somebody's fault, or what is to be done for it."""
    job = run.job(name_of(run, work))
    if job is None:
        return _start(run, work, now)
    queue = f"Job {job.name} is suspended; whoever suspended it lets it start"
    match of_job(job, run.pod(job), failed=_FAILED[work], queue=queue, now=now):
        case Ended(_, end):
            return _lost(run, end, now) if _may_come_right(work, end) else end
        case Vanished():
            return _lost(run, GONE, now)
        case Settling(seconds):
            return Unfinished(run.status.job, _failure(run), again=now + timedelta(seconds=seconds))
        case Running(stopping=stopping):
            words = "the pod was told to stop; waiting for its node to say that it did"
            return Unfinished(run.status.job, words if stopping else _failure(run))
        case Waiting() as waiting:
            return _wait(run, job, waiting, now, for_good=not _is_alias(work))


def _is_alias(work: Work) -> bool:
    return work in ("promote", "restore")


def _may_come_right(work: Work, end: Ending) -> bool:
    if _is_alias(work) and end.failure == "User":
        return end.reason not in _OF_THE_MODEL
    return end.failure == "Infrastructure"


def _start(run: ObservedRun, work: Work, now: datetime) -> Unfinished:
    state = run.status.job
    if running := still_running(pods=run.pods, predecessors=run.predecessors):
        return Unfinished(state, f"waiting until {running} has stopped")
    if state.failure_time:
        earliest = backoff.after_loss(state.failure_time, failures=state.failures, reason=state.failure_reason or "")
        if earliest and now < earliest:
            return Unfinished(state, _failure(run), again=earliest)
    claim = missing_claim(run.platform, namespace=run.namespace, claims=run.claims)
    return Unfinished(state, _failure(run), children=(*claim, phase_job(run, work)))


def _lost(run: ObservedRun, end: Ending, now: datetime) -> Unfinished:
    state = run.status.job
    following = JobState(
        attempt=state.attempt + 1,
        failures=state.failures + 1,
        failure_time=now.replace(microsecond=0),
        failure_reason=end.reason,
        failure=end.message[:MESSAGE_LIMIT],
    )
    after = run.with_status(run.status.model_copy(update={"job": following}))
    return Unfinished(following, _failure(after), events=(Event("Warning", end.reason, end.message),))


def _failure(run: ObservedRun) -> str:
    """What became of the attempt before: it is said until the work is done, so that the message does not flicker."""
    state = run.status.job
    if not state.failures:
        return ""
    return f"attempt {state.attempt - 1} was lost ({state.failure_reason}: {state.failure}); it is tried again"


def _wait(run: ObservedRun, job: Job, waiting: Waiting, now: datetime, *, for_good: bool) -> Ending | Unfinished:
    """The container does not run yet. What is more than a matter of time ends the attempt for good after a while.

    for_good: whether it does; otherwise it is waited for.
    """
    if not waiting.stuck or waiting.since is None:
        is_about_to = waiting.message == starting(job.name)  # not worth a write
        return Unfinished(run.status.job, _failure(run) if is_about_to else waiting.message)
    end = waiting.since + timedelta(seconds=run.platform.start_grace_seconds)
    if now >= end and for_good:
        return Ending("User", waiting.reason, waiting.message)
    note = steady(waiting.message, before=_note_before(run))
    return Unfinished(run.status.job, note, again=end if for_good else None)


def _note_before(run: ObservedRun) -> str:
    """The note that was told last, as far as one was."""
    if run.status.completion_time:
        recorded = find(run.status.conditions, ConditionType.RECORDED)
        return recorded.message if recorded else ""
    before = find(run.status.conditions, ConditionType.RECONCILING)
    return before.message.partition("; ")[2] if before else ""

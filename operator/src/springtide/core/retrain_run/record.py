"""The record of a run that is over: why it began, what was found, who approved, what became of it.

A Job publishes it, as the operator reaches no store. Nobody waits for it, and nothing that was said of the run changes
by it: the condition `Recorded` is its own.
"""

from dataclasses import dataclass
from datetime import datetime

from springtide.api.constants import Reason
from springtide.api.retrain_run import RetrainRunStatus
from springtide.core.decision import Child, Event
from springtide.core.ending import Ending
from springtide.core.retrain_run import status
from springtide.core.retrain_run.job import record_problem, work_of
from springtide.core.retrain_run.observed import ObservedRun
from springtide.core.retrain_run.progress import MESSAGE_LIMIT, Unfinished, progress


@dataclass(frozen=True)
class Recording:
    """What follows for the status, and what is to be done."""

    status: RetrainRunStatus
    children: tuple[Child, ...] = ()
    again: datetime | None = None
    events: tuple[Event, ...] = ()


def record(run: ObservedRun, *, now: datetime) -> Recording:
    """How the record of a run that has ended is, or what is to be done for it."""
    if work_of(run) is None:
        return Recording(run.status)
    if problem := record_problem(run):
        return _given_up(run, Reason.INVALID_SPEC, problem, now)
    match progress(run, "record", now=now):
        case Unfinished() as left:
            before = run.with_status(run.status.model_copy(update={"job": left.job}))
            following = status.recorded(before, "Unknown", Reason.RECORDING, left.note or status.BEING_WRITTEN, now=now)
            return Recording(following, left.children, left.again, left.events)
        case Ending(failure=None, result=result):
            if result is None or result.record is None:
                words = "the container ended well, but named no record"
                return _given_up(run, Reason.INVALID_RESULT, words, now)
            done = {"job": run.status.job.model_copy(update={"done": True}), "record": result.record}
            there = run.with_status(run.status.model_copy(update=done))
            words = f"it is in {result.record.uri}"
            return Recording(status.recorded(there, "True", Reason.RECORDED, words, now=now))
        case end:
            return _given_up(run, end.reason, end.message, now)


def _given_up(run: ObservedRun, reason: str, why: str, now: datetime) -> Recording:
    """What would fail the same way is not tried again. The status itself goes on telling all of it."""
    words = f"the record could not be written: {why}"[:MESSAGE_LIMIT]
    job = run.status.job.model_copy(update={"done": True, "failure": words, "failure_reason": reason})
    before = run.with_status(run.status.model_copy(update={"job": job}))
    following = status.recorded(before, "False", reason, words, now=now)
    return Recording(following, events=(Event("Warning", reason, words),))

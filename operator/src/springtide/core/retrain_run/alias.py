"""The registry's alias `champion`, set when a model is promoted and set back when it is taken back.

An alias is for those who read MLflow; nothing that we serve waits for it. So a registry that is away holds up the end
of the run, not its model.
"""

from dataclasses import dataclass
from datetime import datetime

from springtide.api.retrain_run import RetrainRunStatus
from springtide.core.decision import Child, Event
from springtide.core.ending import Ending
from springtide.core.retrain_run.job import work_of
from springtide.core.retrain_run.observed import ObservedRun
from springtide.core.retrain_run.progress import MESSAGE_LIMIT, Unfinished, progress


@dataclass(frozen=True)
class Alias:
    """What follows for the status. note: what a person should know. refused: why it cannot be set at all."""

    status: RetrainRunStatus
    note: str = ""
    refused: str = ""
    children: tuple[Child, ...] = ()
    again: datetime | None = None
    events: tuple[Event, ...] = ()


def alias(run: ObservedRun, *, now: datetime) -> Alias:
    """How the alias is, or what is to be done for it."""
    status, work = run.status, work_of(run)
    if work is None:
        return Alias(status, refused=status.job.failure or "")
    match progress(run, work, now=now):
        case Unfinished() as left:
            note = f"MLflow's alias: {left.note}" if left.note else ""
            following = status.model_copy(update={"job": left.job})
            return Alias(following, note, children=left.children, again=left.again, events=left.events)
        case Ending(failure=None):
            model = run.challenger if work == "promote" else status.champion
            done = status.job.model_copy(update={"done": True, "failure": None, "failure_reason": None})
            return Alias(status.model_copy(update={"job": done, "alias_set": model.version if model else None}))
        case end:
            words = f"MLflow's alias could not be set: {end.message}"[:MESSAGE_LIMIT]
            job = status.job.model_copy(update={"done": True, "failure": words, "failure_reason": end.reason})
            event = Event("Warning", end.reason, words)
            return Alias(status.model_copy(update={"job": job}), refused=words, events=(event,))

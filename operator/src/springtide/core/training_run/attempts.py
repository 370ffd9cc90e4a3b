"""Which attempt are we in, and how is it?

An attempt is one Job with one pod. What has been recorded in the status counts; beyond that, the Jobs that are there.
So a crash between creating a Job and recording it does no harm: the Job is found by its name.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from springtide.api.constants import Reason, Role
from springtide.api.training_run import Attempt
from springtide.core.training_run import ending
from springtide.core.training_run.ending import Ending
from springtide.core.training_run.snapshot import Job, Pod, TrainingRunSnapshot

SETTLING = timedelta(seconds=5)
"""How long after a Job's end its pod may still be on its way to us: events of two kinds come in no order."""


@dataclass(frozen=True)
class NotStarted:
    """There is no Job of this attempt, and there was none."""

    number: int


@dataclass(frozen=True)
class Waiting:
    """The Job is there, the container does not run yet. stuck: whether that is more than a matter of time."""

    job: Job
    reason: Reason
    message: str
    since: datetime | None = None
    stuck: bool = False


@dataclass(frozen=True)
class Running:
    """The container runs."""

    job: Job
    started: datetime


@dataclass(frozen=True)
class Settling:
    """The Job has ended, its pod has not said how: look again after so many seconds."""

    job: Job
    seconds: float


@dataclass(frozen=True)
class Vanished:
    """The attempt was started, but nothing is left that could say how it ended."""

    number: int


@dataclass(frozen=True)
class Ended:
    """The attempt has ended and is not recorded yet."""

    number: int
    ending: Ending


State = NotStarted | Waiting | Running | Settling | Vanished | Ended


def name_of(run: TrainingRunSnapshot, number: int) -> str:
    """The name of an attempt's Job."""
    return f"{run.name}-a{number}"


def record_of(run: TrainingRunSnapshot, number: int) -> Attempt | None:
    """What the status says of an attempt."""
    return next((attempt for attempt in run.status.attempts if attempt.number == number), None)


def current(run: TrainingRunSnapshot, *, now: datetime) -> State:
    """The attempt that matters now, and how it is."""
    number = max([run.status.attempt, *(job.attempt for job in run.jobs)])
    if number == 0:
        return NotStarted(1)
    record = record_of(run, number)
    if record and record.end_time:
        return NotStarted(number + 1)
    job = run.job(role=Role.ATTEMPT, attempt=number)
    if job is None:
        return Vanished(number)
    return _of_job(run, job, now=now)


def _of_job(run: TrainingRunSnapshot, job: Job, *, now: datetime) -> State:
    pod = run.pod(job)
    if pod and (end := ending.of_pod(pod)):
        return Ended(job.attempt, end)
    if job.finished:
        wait = (job.finished + SETTLING - now).total_seconds()
        return Settling(job, max(wait, 0.1)) if wait > 0 or pod else Vanished(job.attempt)
    if pod and pod.started and not pod.deleted:
        return Running(job, pod.started)
    return _waiting(job, pod)


def _waiting(job: Job, pod: Pod | None) -> Waiting:
    if job.suspended:
        return Waiting(job, Reason.QUEUED, job.suspension_message or "waiting to be admitted by its queue")
    if pod is None:
        return Waiting(job, Reason.STARTING, "waiting for its pod")
    if pod.unschedulable is not None:
        return Waiting(job, Reason.UNSCHEDULABLE, f"no node can take the pod: {pod.unschedulable}")
    words = f"{pod.waiting}: {pod.waiting_message}" if pod.waiting_message else pod.waiting
    if pod.waiting in ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"):
        return Waiting(
            job, Reason.IMAGE_PULL_FAILED, f"the image cannot be pulled ({words})", since=pod.created, stuck=True
        )
    if pod.waiting in ("CreateContainerConfigError", "CreateContainerError", "RunContainerError"):
        return Waiting(
            job, Reason.CONTAINER_CONFIG_ERROR, f"the container cannot be made ({words})", since=pod.created, stuck=True
        )
    return Waiting(job, Reason.STARTING, "the pod is starting")

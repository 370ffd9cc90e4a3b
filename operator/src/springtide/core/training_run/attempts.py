"""Which attempt are we in, and how is it?

An attempt is one Job with one pod. What has been recorded in the status counts; beyond that, the Jobs that are there.
So a crash between creating a Job and recording it does no harm: the Job is found by its name.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from springtide.api.constants import Reason, Role
from springtide.api.training_run import Attempt
from springtide.core.training_run import ending, queueing
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
    """The Job is there, the container does not run. stuck: whether that is more than a matter of time."""

    job: Job
    reason: Reason
    message: str
    since: datetime | None = None
    stuck: bool = False


@dataclass(frozen=True)
class Running:
    """The container runs. stopping: it was told to stop, and nobody has said yet that it did."""

    job: Job
    started: datetime
    stopping: bool


@dataclass(frozen=True)
class Settling:
    """Pod and Job do not both say yet how it ended: look again after so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Stopping:
    """The attempt is over, but something of it, or of an earlier one, still runs. what: names it."""

    what: str


@dataclass(frozen=True)
class Vanished:
    """The attempt was started, but nothing is left that could say how it ended."""

    number: int


@dataclass(frozen=True)
class Ended:
    """The attempt has ended and is not recorded yet."""

    number: int
    ending: Ending


State = NotStarted | Waiting | Running | Settling | Stopping | Vanished | Ended


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
    is_over = bool(record and record.end_time)
    job = run.job(role=Role.ATTEMPT, attempt=number)
    if job and not is_over:
        return _of_job(run, job, now=now)
    # Never two at a time: a container may take its grace period to end, after its Job is gone.
    if running := [job.name for job in leftovers(run)] or [pod.name for pod in _live(run)]:
        return Stopping(running[0])
    return NotStarted(number + 1) if is_over else Vanished(number)


def leftovers(run: TrainingRunSnapshot) -> tuple[Job, ...]:
    """Jobs that go on though their attempt is over in the status: given up by suspension, deadline or grace period.

    The status says so first and the Job is deleted after, so that a crash in between changes nothing. A Job whose
    container has ended well is about to end by itself.
    """
    return tuple(job for job in run.jobs if not job.finished and _is_over(run, job) and not _has_ended_well(run, job))


def _is_over(run: TrainingRunSnapshot, job: Job) -> bool:
    record = record_of(run, job.attempt)
    return run.is_terminal or job.attempt < run.status.attempt or bool(record and record.end_time)


def _has_ended_well(run: TrainingRunSnapshot, job: Job) -> bool:
    pod = run.pod(job)
    return bool(pod and pod.terminated and pod.terminated.exit_code == 0 and not job.suspended)


def _live(run: TrainingRunSnapshot) -> list[Pod]:
    return [pod for pod in run.pods if pod.role == Role.ATTEMPT and not pod.has_ended]


def _of_job(run: TrainingRunSnapshot, job: Job, *, now: datetime) -> State:
    pod = run.pod(job)
    end = ending.of_pod(pod) if pod else None
    if end and (job.finished or end.failure is None):
        return Ended(job.attempt, end)
    if job.finished:
        # A finish that lies far off in the future tells of clocks, not of the pod.
        settling = abs(now - job.finished) < SETTLING
        is_there = pod is not None and not pod.gone
        return Settling(SETTLING.total_seconds()) if is_there or settling else Vanished(job.attempt)
    if job.suspended:
        return Waiting(job, Reason.QUEUED, queueing.words(run, job))
    if end:
        # Only the Job can tell a lost pod from one that its queue took away to let it run again later.
        return Settling(SETTLING.total_seconds())
    if pod and pod.gone:
        return Settling(SETTLING.total_seconds())
    if pod and pod.started:
        return Running(job, pod.started, stopping=pod.deleted)
    return _waiting(job, pod)


def _waiting(job: Job, pod: Pod | None) -> Waiting:
    if pod is None:
        return Waiting(job, Reason.STARTING, starting(job.name))
    if pod.deleted:
        return Waiting(job, Reason.STOPPING, "the pod was deleted before its container ran")
    if pod.unschedulable is not None:
        return Waiting(job, Reason.UNSCHEDULABLE, f"no node can take the pod: {pod.unschedulable}")
    # Time without a node is not held against the image.
    since = pod.scheduled or pod.created
    words = f"{pod.waiting}: {pod.waiting_message}" if pod.waiting_message else pod.waiting
    if pod.waiting in ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"):
        return Waiting(job, Reason.IMAGE_PULL_FAILED, f"the image cannot be pulled ({words})", since=since, stuck=True)
    if pod.waiting in ("CreateContainerConfigError", "CreateContainerError", "RunContainerError"):
        return Waiting(
            job, Reason.CONTAINER_CONFIG_ERROR, f"the container cannot be made ({words})", since=since, stuck=True
        )
    return Waiting(job, Reason.STARTING, starting(job.name))


def starting(job: str) -> str:
    """What is said from the Job's creation until its container runs: one message is one write."""
    return f"waiting for the pod to start; if there is none, `kubectl describe job {job}` says why"

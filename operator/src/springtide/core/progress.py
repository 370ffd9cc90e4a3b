"""How is a Job: waiting, running, ended, or gone without a word?

An attempt is one Job with one pod. Job and pod are told of by two watches, in no order.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from springtide.api.constants import Reason
from springtide.core import ending
from springtide.core.ending import Ending
from springtide.core.workload_state import Job, Pod

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


def of_job(
    job: Job, pod: Pod | None, *, failed: Reason, queue: str, now: datetime
) -> Waiting | Running | Settling | Vanished | Ended:
    """How the attempt of a Job is.

    pod: its newest. failed: reason of an exit code that says nothing itself. queue: said while the Job is suspended.
    """
    end = ending.of_pod(pod, failed=failed) if pod else None
    if end and (job.finished or end.failure is None):
        return Ended(job.attempt, end)
    if job.finished:
        # A finish that lies far off in the future tells of clocks, not of the pod.
        settling = abs(now - job.finished) < SETTLING
        is_there = pod is not None and not pod.gone
        return Settling(SETTLING.total_seconds()) if is_there or settling else Vanished(job.attempt)
    if job.suspended:
        return Waiting(job, Reason.QUEUED, queue)
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


def steady(message: str, *, before: str) -> str:
    """The message, unless that before it tells more: the kubelet's BackOff takes turns with the error behind it."""
    return before if "BackOff" in message and "cannot be" in before else message


def starting(job: str) -> str:
    """What is said from the Job's creation until its container runs: one message is one write."""
    return f"waiting for the pod to start; if there is none, `kubectl describe job {job}` says why"

"""Which attempt are we in, and how is it?

An attempt is one Job with one pod. What has been recorded in the status counts; beyond that, the Jobs that are there.
So a crash between creating a Job and recording it does no harm: the Job is found by its name.
"""

from datetime import datetime

from springtide.api.constants import Reason, Role
from springtide.api.training_run import Attempt
from springtide.core.progress import Ended, NotStarted, Running, Settling, Stopping, Vanished, Waiting, of_job
from springtide.core.training_run import queueing
from springtide.core.training_run.snapshot import TrainingRunSnapshot
from springtide.core.workload_state import Job, Pod

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
    return of_job(job, run.pod(job), failed=Reason.TRAINING_FAILED, queue=queueing.words(run, job), now=now)

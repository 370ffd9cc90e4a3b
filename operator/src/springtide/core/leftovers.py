"""Jobs that nobody needs any more, and what of earlier ones still runs."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from springtide.core.decision import Deletion
from springtide.core.workload_state import Job, Pod

JOBS_KEPT = 3
"""So many of the newest Jobs that have ended are kept for their logs."""


def still_running(*, pods: Iterable[Pod], predecessors: Iterable[str]) -> str:
    """What of an earlier attempt, or of an earlier object of this name, still runs; empty where nothing does."""
    running = [f"pod {pod.name}" for pod in pods if not pod.has_ended]
    return next(iter([*running, *(f"Job {name}" for name in predecessors)]), "")


def unneeded(jobs: Sequence[Job], *, mine: str | None, pod_of: Callable[[Job], Pod | None]) -> tuple[Deletion, ...]:
    """Jobs that were given up, or have ended and are not among the newest. mine: name of the one that is needed."""
    others = [job for job in jobs if job.name != mine]
    ended = sorted((job for job in others if job.finished), key=_age, reverse=True)
    given_up = [job for job in others if not job.finished and not _is_about_to_end(job, pod_of(job))]
    return tuple(Deletion("batch/v1", "Job", job.name, job.uid) for job in (*ended[JOBS_KEPT:], *given_up))


def _age(job: Job) -> tuple[datetime, str]:
    assert job.finished is not None, "asked of ended Jobs only"
    return job.finished, job.name


def _is_about_to_end(job: Job, pod: Pod | None) -> bool:
    return bool(pod and pod.terminated and not job.suspended)

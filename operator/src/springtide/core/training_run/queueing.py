"""Why a run waits in its queue: Kueue's own words, and what they mean for the run."""

from springtide.core.training_run.snapshot import TrainingRunSnapshot, Workload
from springtide.core.workload_state import Job

_NEVER_REASONS = frozenset({"ExceedsMaxQuota", "NoMatchingFlavor"})
_NEVER_WORDS = "> maximum capacity"
"""What versions of Kueue say that have no such reasons yet."""


def words(run: TrainingRunSnapshot, job: Job) -> str:
    """What a person should know of a Job that is suspended."""
    queue = f"queue {run.spec.queue_name}" if run.spec and run.spec.queue_name else "its queue"
    workload = run.workload(job)
    if workload is None or not workload.message:
        return f"waiting to be admitted by {queue}"
    if workload.evicted:
        return f"{queue} took its place away and will let it start again: {workload.evicted}"
    if _can_never_start(workload):
        return f"{queue} can never admit it: make its requests smaller or the quota larger: {workload.message}"
    return f"waiting to be admitted by {queue} ({workload.reason}): {workload.message}"


def _can_never_start(workload: Workload) -> bool:
    return workload.reason in _NEVER_REASONS or _NEVER_WORDS in workload.message

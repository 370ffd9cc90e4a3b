"""When does the wall clock end a run?

Counted is the time in which a container of the run ran, over all attempts. Waiting, for a queue, a node, an image or
the next attempt, is not: a busy cluster must not fail a run.
"""

from datetime import datetime, timedelta

from springtide.core.training_run.snapshot import TrainingRunSnapshot


def remaining(run: TrainingRunSnapshot, *, started: datetime | None, now: datetime) -> timedelta | None:
    """The training time that is left, or None if there is no deadline.

    started: when the container that runs now started; None if none does.
    """
    assert run.spec is not None, "a run whose spec does not parse has no deadline"
    if run.spec.deadline_seconds is None:
        return None
    # The node's clock may be ahead of ours.
    running = max(now - started, timedelta()) if started else timedelta()
    return timedelta(seconds=run.spec.deadline_seconds - run.status.training_seconds) - running

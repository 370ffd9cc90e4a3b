"""What the platform does with a training run, in order: `decide` is the table of contents of this folder."""

from datetime import datetime, timedelta

from springtide.api import training_run as api
from springtide.api.constants import Reason, Role
from springtide.core.artifacts import missing_claim
from springtide.core.decision import Decision, Deletion, Event, Refusal
from springtide.core.ending import Ending
from springtide.core.kind import JOB, PERSISTENT_VOLUME_CLAIM, POD, Kind
from springtide.core.progress import (
    SETTLING,
    Ended,
    NotStarted,
    Running,
    Settling,
    Stopping,
    Vanished,
    Waiting,
    starting,
)
from springtide.core.training_run import attempts, dataset, deadline, recovery, retry, status
from springtide.core.training_run.job import attempt_job, problem_of
from springtide.core.training_run.snapshot import TrainingRunSnapshot, observe
from springtide.core.workload_state import Job

KUEUE = "kueue.x-k8s.io"
REFUSED_AGAIN_AFTER = 60.0


def decide(run: TrainingRunSnapshot, now: datetime) -> Decision:
    """What should happen next to a training run.

    Pure: equal arguments give equal decisions, and deciding again on what the decision brought about changes
    nothing.
    """
    if run.deleting:
        return Decision()  # what it owns goes with it
    if run.is_terminal:
        return Decision(deletions=_leftovers(run))  # terminal is terminal, whatever the pods do later
    if problem := run.spec_problem or problem_of(run):
        return _held(run, Reason.INVALID_SPEC, problem, now)

    match attempts.current(run, now=now):
        case Ended(number, end):
            return _after(run, number, end, now)
        case Settling(seconds):
            return Decision(requeue_after=seconds)
        case attempt if run.spec and run.spec.suspend:
            return _suspend(run, attempt, now)
        case Stopping(what):
            return _await_stop(run, what, now)
        case NotStarted(number):
            return _start(run, number, now)
        case Waiting() as waiting:
            return _wait(run, waiting, now)
        case Running() as running:
            return _watch(run, running, now)
        case Vanished(number):
            return _recover(run, number, now)


def refuse(run: TrainingRunSnapshot, refusal: Refusal, now: datetime) -> Decision:
    """What is said when the API server does not take the Job: it is tried again, slowly, as a quota may be raised."""
    return Decision(
        status=status.held(run, refusal.reason, refusal.message, now=now), requeue_after=REFUSED_AGAIN_AFTER
    )


def _missing_capability(run: TrainingRunSnapshot) -> str:
    if run.spec and run.spec.queue_name and KUEUE not in run.capabilities:
        return "spec.queueName needs Kueue, which this cluster does not serve; install Kueue or leave queueName out"
    return ""


def _start(run: TrainingRunSnapshot, number: int, now: datetime) -> Decision:
    if missing := _missing_capability(run):
        return _held(run, Reason.CAPABILITY_MISSING, missing, now)
    if run.predecessors:
        message = f"Job {run.predecessors[0]} of an earlier run of this name is still there; waiting until it is gone"
        return Decision(status=status.in_progress(run, Reason.NAME_TAKEN, message, now=now))
    if number == 1 and (unpinned := _pin(run, now)):
        return unpinned
    earliest = retry.not_before(run)
    if earliest and now < earliest:
        return Decision(
            status=status.retrying(run, run.status, now=now), requeue_after=(earliest - now).total_seconds()
        )
    message = starting(attempts.name_of(run, number))
    return Decision(
        children=(*missing_claim(run.platform, namespace=run.namespace, claims=run.claims), attempt_job(run, number)),
        status=status.in_progress(run, Reason.STARTING, message, now=now, status=status.started(run, number)),
    )


def _pin(run: TrainingRunSnapshot, now: datetime) -> Decision | None:
    """What is to be done before the first attempt can be trained on a Dataset's snapshot; None: nothing."""
    match dataset.pin(run):
        case dataset.Missing(reason, message):
            return Decision(status=status.in_progress(run, reason, message, now=now))
        case pinned if pinned == run.status.dataset:
            return None
        case pinned:
            base = run.status.model_copy(update={"dataset": pinned})
            message = f"to be trained on snapshot {pinned.digest} of Dataset {pinned.name}" if pinned else ""
            return Decision(status=status.in_progress(run, Reason.STARTING, message, now=now, status=base))


def _wait(run: TrainingRunSnapshot, waiting: Waiting, now: datetime) -> Decision:
    grace = timedelta(seconds=run.platform.start_grace_seconds)
    if waiting.stuck and waiting.since and now >= waiting.since + grace:
        return _give_up(run, waiting.job, Ending("User", waiting.reason, waiting.message), now)
    again = (waiting.since + grace - now).total_seconds() if waiting.stuck and waiting.since else None
    # The Job may be there though the attempt is not recorded: the operator ended in between.
    recorded = status.waiting(run, waiting.job.attempt, now=now)
    message = status.steady(run, waiting.reason, waiting.message)
    return Decision(
        status=status.in_progress(run, waiting.reason, message, now=now, status=recorded), requeue_after=again
    )


def _watch(run: TrainingRunSnapshot, running: Running, now: datetime) -> Decision:
    job, started = running.job, running.started
    left = deadline.remaining(run, started=started, now=now)
    if left is not None and left <= timedelta():
        return _give_up(run, job, _past_deadline(run, started), now)
    reason, message = Reason.TRAINING, "training"
    if running.stopping:
        reason, message = Reason.STOPPING, "the pod was told to stop; waiting for its node to say that it did"
    return Decision(
        status=status.in_progress(
            run, reason, message, now=now, status=status.training(run, job.attempt, since=started)
        ),
        requeue_after=left.total_seconds() if left else None,
    )


def _suspend(run: TrainingRunSnapshot, attempt: attempts.State, now: datetime) -> Decision:
    message = "suspended by spec.suspend"
    if not isinstance(attempt, Waiting | Running):
        return Decision(deletions=_leftovers(run), status=status.held(run, Reason.SUSPENDED, message, now=now))
    started = attempt.started if isinstance(attempt, Running) else None
    end = Ending(None, Reason.SUSPENDED, message, started=started)
    recorded = status.recorded(run, attempt.job.attempt, end, failure="Suspended", now=now)
    return Decision(status=status.held(run, Reason.SUSPENDED, message, now=now, status=recorded))


def _await_stop(run: TrainingRunSnapshot, what: str, now: datetime) -> Decision:
    message = f"waiting until {what} of an earlier attempt has stopped"
    return Decision(deletions=_leftovers(run), status=status.in_progress(run, Reason.STOPPING, message, now=now))


def _recover(run: TrainingRunSnapshot, number: int, now: datetime) -> Decision:
    message = "the pod vanished before its result was read; looking for the result in the artifact store"
    job = run.job(role=Role.RECOVERY, attempt=number)
    if job is None:
        return Decision(
            children=(recovery.recovery_job(run, number),),
            status=status.in_progress(run, Reason.RECOVERING_RESULT, message, now=now),
            events=(Event("Warning", Reason.RECOVERING_RESULT, message),),
        )
    match recovery.outcome(run, job, now=now):
        case Deletion() as deletion:
            return Decision(deletions=(deletion,))
        case Ending() as end:
            return _after(run, number, end, now)
        case None:
            again = SETTLING.total_seconds() if job.finished else None
            return Decision(
                status=status.in_progress(run, Reason.RECOVERING_RESULT, message, now=now), requeue_after=again
            )


def _after(run: TrainingRunSnapshot, number: int, end: Ending, now: datetime) -> Decision:
    """The attempt has ended: is the run done, or is there another attempt?"""
    if end.failure is None:
        return Decision(status=status.succeeded(run, number, end, now=now))
    recorded = status.recorded(run, number, end, failure=end.failure, now=now)
    if not retry.may_retry(run, end):
        return _failed(run, end.reason, end.message + _budget(end, run.status.failures), recorded, now)
    left = deadline.remaining(run, started=None, now=now)
    spent = timedelta(seconds=recorded.training_seconds - run.status.training_seconds)
    if left is not None and left <= spent:
        end = _past_deadline(run, None)
        return _failed(run, end.reason, end.message, recorded, now)
    return Decision(
        status=status.retrying(run, recorded, now=now),
        events=(Event("Warning", end.reason, end.message),),
    )


def _budget(end: Ending, failures: api.Failures) -> str:
    if end.failure == "Infrastructure" and failures.infrastructure:
        return f"; given up after {failures.infrastructure + 1} such losses (spec.retry.infrastructure)"
    return ""


def _give_up(run: TrainingRunSnapshot, job: Job, end: Ending, now: datetime) -> Decision:
    """End the run; its Job goes with the next pass, when the status says why."""
    recorded = status.recorded(run, job.attempt, end, failure="User", now=now)
    return _failed(run, end.reason, end.message, recorded, now)


def _failed(
    run: TrainingRunSnapshot, reason: str, message: str, recorded: api.TrainingRunStatus, now: datetime
) -> Decision:
    return Decision(
        status=status.failed(run, reason, message, status=recorded, now=now),
        events=(Event("Warning", reason, message),),
    )


def _held(run: TrainingRunSnapshot, reason: Reason, message: str, now: datetime) -> Decision:
    return Decision(status=status.held(run, reason, message, now=now), events=(Event("Warning", reason, message),))


def _past_deadline(run: TrainingRunSnapshot, started: datetime | None) -> Ending:
    assert run.spec is not None, "a run whose spec does not parse has no deadline"
    message = f"training took longer than the {run.spec.deadline_seconds} s of spec.deadlineSeconds"
    return Ending("User", Reason.DEADLINE_EXCEEDED, message, started=started)


def _leftovers(run: TrainingRunSnapshot) -> tuple[Deletion, ...]:
    return tuple(Deletion("batch/v1", "Job", job.name, job.uid) for job in attempts.leftovers(run))


KIND: Kind[TrainingRunSnapshot] = Kind(
    resource=api.RESOURCE,
    children=(JOB, POD, PERSISTENT_VOLUME_CLAIM),
    observe=observe,
    decide=decide,
    refuse=refuse,
    references=dataset.references,
)

"""Conditions, reasons and the sentence a person reads."""

from datetime import datetime
from typing import Literal

from springtide.api.conditions import Condition
from springtide.api.constants import ConditionType, Reason
from springtide.api.training_run import Attempt, Failures, TrainingRunStatus
from springtide.core import progress
from springtide.core.conditions import Statement, Truth, find, state
from springtide.core.ending import Ending
from springtide.core.training_run.attempts import name_of, record_of
from springtide.core.training_run.snapshot import TrainingRunSnapshot

ATTEMPTS_KEPT = 20
_QUEUED = frozenset({Reason.QUEUED, Reason.UNSCHEDULABLE, Reason.SUSPENDED})
_STARTED = frozenset({Reason.TRAINING, Reason.STOPPING, Reason.RECOVERING_RESULT})


def in_progress(
    run: TrainingRunSnapshot, reason: Reason, message: str, *, now: datetime, status: TrainingRunStatus | None = None
) -> TrainingRunStatus:
    """Work is under way, or will go on by itself."""
    base = status or run.status
    queued: Truth = "True" if reason in _QUEUED else "False" if reason in _STARTED else "Unknown"
    return _with(
        base,
        run,
        now,
        Statement(ConditionType.READY, "Unknown", reason, message),
        Statement(ConditionType.QUEUED, queued, reason if queued != "False" else Reason.STARTED, message),
        Statement(ConditionType.SUCCEEDED, "Unknown", reason, message),
        Statement(ConditionType.RECONCILING, "True", reason, message),
        Statement(ConditionType.STALLED, "False", reason),
    )


def held(
    run: TrainingRunSnapshot, reason: Reason, message: str, *, now: datetime, status: TrainingRunStatus | None = None
) -> TrainingRunStatus:
    """Nothing will happen until a person changes something, which is what they asked for or have to mend."""
    wanted = reason is Reason.SUSPENDED
    return _with(
        status or run.status,
        run,
        now,
        Statement(ConditionType.READY, "False", reason, message),
        Statement(ConditionType.QUEUED, "True" if wanted else "False", reason, message),
        Statement(ConditionType.SUCCEEDED, "Unknown", reason, message),
        Statement(ConditionType.RECONCILING, "False", reason, message),
        Statement(ConditionType.STALLED, "False" if wanted else "True", reason, message),
    )


def succeeded(run: TrainingRunSnapshot, number: int, end: Ending, *, now: datetime) -> TrainingRunStatus:
    """The run has ended well."""
    result = end.result
    assert result is not None, "only a result makes a success"
    reason = Reason.MEMOIZED if end.reason == Reason.MEMOIZED else Reason.SUCCEEDED
    message = result.message or "the model was trained and registered"
    base = recorded(run, number, end, failure=None, now=now).model_copy(
        update={
            "inputs": result.inputs,
            "memo": result.memo,
            "metrics": result.metrics,
            "model": result.model,
            "mlflow": result.mlflow,
            "completion_time": now.replace(microsecond=0),
        }
    )
    return _ended(base, run, now, "True", reason, message)


def failed(
    run: TrainingRunSnapshot, reason: str, message: str, *, status: TrainingRunStatus, now: datetime
) -> TrainingRunStatus:
    """The run has ended, and a person has to mend something."""
    base = status.model_copy(update={"completion_time": now.replace(microsecond=0)})
    return _ended(base, run, now, "False", reason, message)


def retrying(run: TrainingRunSnapshot, status: TrainingRunStatus, *, now: datetime) -> TrainingRunStatus:
    """The newest attempt in the status has failed, and there will be another."""
    last = status.attempts[-1]
    message = f"attempt {last.number} ended with {last.reason}: {last.message}; there will be another"
    return in_progress(run, Reason.RETRYING, message, now=now, status=status)


def steady(run: TrainingRunSnapshot, reason: Reason, message: str) -> str:
    """The message, or an earlier one of the same reason that tells more."""
    ready = find(run.status.conditions, ConditionType.READY)
    return progress.steady(message, before=ready.message if ready and ready.reason == reason else "")


def started(run: TrainingRunSnapshot, number: int) -> TrainingRunStatus:
    """The status with a new attempt in it."""
    return _with_attempt(run.status, Attempt(name=name_of(run, number), number=number))


def waiting(run: TrainingRunSnapshot, number: int, *, now: datetime) -> TrainingRunStatus:
    """The status with the attempt in it, which does not run.

    It may not be recorded though its Job is there: the operator ended in between. And it may have run before: its
    queue took the place away, and the time until then counts.
    """
    record = record_of(run, number)
    if record is None:
        return started(run, number)
    if record.start_time is None:
        return run.status
    status = _with_attempt(run.status, record.model_copy(update={"start_time": None}))
    seconds = run.status.training_seconds + _seconds(record.start_time, now)
    return status.model_copy(update={"training_seconds": seconds})


def training(run: TrainingRunSnapshot, number: int, *, since: datetime) -> TrainingRunStatus:
    """The status with the time at which the attempt's container started."""
    record = record_of(run, number) or Attempt(name=name_of(run, number), number=number)
    return _with_attempt(run.status, record.model_copy(update={"start_time": since}))


def recorded(
    run: TrainingRunSnapshot,
    number: int,
    end: Ending,
    *,
    failure: Literal["Infrastructure", "User", "Suspended"] | None,
    now: datetime,
) -> TrainingRunStatus:
    """The status with the attempt's end in it, and what the end adds to the counts."""
    record = record_of(run, number) or Attempt(name=name_of(run, number), number=number)
    start = end.started or record.start_time
    seconds = _seconds(start, end.ended or now) if start else 0
    failures = run.status.failures
    ended = record.model_copy(
        update={
            "start_time": start,
            # Our clock, not the node's: what follows is timed from here.
            "end_time": now.replace(microsecond=0),
            "failure": failure,
            "reason": end.reason,
            "message": end.message[:1024],
        }
    )
    return _with_attempt(run.status, ended).model_copy(
        update={
            "training_seconds": run.status.training_seconds + seconds,
            "failures": Failures(
                infrastructure=failures.infrastructure + (failure == "Infrastructure"),
                user=failures.user + (failure == "User"),
            ),
        }
    )


def _seconds(start: datetime, end: datetime) -> int:
    """Whole seconds; 0 where two clocks disagree on the order."""
    return max(0, int((end - start).total_seconds()))


def _with_attempt(status: TrainingRunStatus, attempt: Attempt) -> TrainingRunStatus:
    others = tuple(item for item in status.attempts if item.number != attempt.number)
    return status.model_copy(
        update={
            "attempt": max(status.attempt, attempt.number),
            "attempts": (*others, attempt)[-ATTEMPTS_KEPT:],
        }
    )


def _ended(
    base: TrainingRunStatus, run: TrainingRunSnapshot, now: datetime, good: Truth, reason: str, message: str
) -> TrainingRunStatus:
    return _with(
        base,
        run,
        now,
        Statement(ConditionType.READY, good, reason, message),
        Statement(ConditionType.QUEUED, "False", reason),
        Statement(ConditionType.SUCCEEDED, good, reason, message),
        Statement(ConditionType.RECONCILING, "False", reason),
        Statement(
            ConditionType.STALLED, "False" if good == "True" else "True", reason, message if good != "True" else ""
        ),
    )


def _with(
    base: TrainingRunStatus, run: TrainingRunSnapshot, now: datetime, *statements: Statement
) -> TrainingRunStatus:
    conditions: tuple[Condition, ...] = state(statements, before=base.conditions, generation=run.generation, now=now)
    return base.model_copy(update={"observed_generation": run.generation, "conditions": conditions})

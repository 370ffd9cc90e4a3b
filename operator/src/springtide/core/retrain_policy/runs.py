"""The runs of a policy: which is next, what becomes of one that has ended, and which are kept."""

from datetime import datetime
from typing import get_args

from springtide.api.constants import API_VERSION, LABEL_KIND, LABEL_NAME
from springtide.api.retrain_policy import (
    HISTORY_LISTED,
    CurrentRun,
    PastRun,
    RetrainPolicyStatus,
    RunOutcome,
    Trigger,
)
from springtide.core.decision import Child, Deletion
from springtide.core.retrain_policy.observed import ObservedPolicy, Run

MESSAGE_LIMIT = 512
_OUTCOMES: tuple[RunOutcome, ...] = get_args(RunOutcome)


def new(policy: ObservedPolicy, trigger: Trigger) -> CurrentRun:
    """The intent to make a run. Its number follows all that are there, should the status have been lost."""
    prefix = f"{policy.name}-"
    endings = (name.removeprefix(prefix) for name in policy.runs if name.startswith(prefix))
    numbers = [int(ending) for ending in endings if ending.isascii() and ending.isdigit()]
    number = max([policy.status.runs, *numbers]) + 1
    return CurrentRun(name=f"{prefix}{number}", number=number, trigger=trigger)


def admitted(policy: ObservedPolicy, run: Run) -> CurrentRun:
    """The intent to let a run begin that is there already."""
    trigger = run.trigger or Trigger(type="Manual", time=run.created, message=f"a person made RetrainRun {run.name}")
    return CurrentRun(name=run.name, number=policy.status.runs + 1, trigger=trigger, uid=run.uid)


def under_way(policy: ObservedPolicy) -> Run | None:
    """A run that has begun for this policy, though its status, restored from elsewhere, does not know of it."""
    begun = (run for run in policy.runs.values() if run.status.policy_uid == policy.uid)
    return next((run for run in sorted(begun, key=_age) if not run.has_ended and not run.deleting), None)


def waiting(policy: ObservedPolicy) -> Run | None:
    """The oldest run that was made by hand and has not begun."""
    pending = (run for run in policy.runs.values() if run.status.policy_uid is None)
    return next((run for run in sorted(pending, key=_age) if not run.has_ended and not run.deleting), None)


def run_object(policy: ObservedPolicy, current: CurrentRun) -> Child:
    """The RetrainRun of an intent."""
    manifest = {
        "apiVersion": API_VERSION,
        "kind": "RetrainRun",
        "metadata": {
            "name": current.name,
            "namespace": policy.namespace,
            "labels": {LABEL_KIND: "RetrainPolicy", LABEL_NAME: policy.name},
            "ownerReferences": [
                {
                    "apiVersion": API_VERSION,
                    "kind": "RetrainPolicy",
                    "name": policy.name,
                    "uid": policy.uid,
                    "controller": True,
                }
            ],
        },
        "spec": {"policyRef": {"name": policy.name}, "trigger": current.trigger.to_wire()},
    }
    return Child(manifest)


def ended(status: RetrainPolicyStatus, current: CurrentRun, run: Run) -> RetrainPolicyStatus:
    """The status after a run that has ended."""
    assert run.status.completion_time is not None, "asked of a run that has ended"
    outcome = next((item for item in _OUTCOMES if item == run.status.phase), "Failed")
    past = PastRun(
        name=run.name,
        number=current.number,
        trigger=current.trigger.type,
        start_time=run.status.phases[0].time if run.status.phases else run.created,
        time=run.status.completion_time,
        outcome=outcome,
        message=(run.status.outcome_message or "")[:MESSAGE_LIMIT],
        version=run.status.challenger.version if run.status.challenger else None,
    )
    rejections = {"Promoted": 0, "DryRun": status.rejections}.get(outcome, status.rejections + 1)
    return _recorded(status, past, rejections=rejections)


def deleted(status: RetrainPolicyStatus, current: CurrentRun, *, now: datetime) -> RetrainPolicyStatus:
    """The status after a run that somebody deleted before it had ended. That says nothing of retraining."""
    is_promoted = status.champion is not None and status.champion.run == current.name
    stays = f"; its version {status.champion.version} stays the champion" if status.champion and is_promoted else ""
    past = PastRun(
        name=current.name,
        number=current.number,
        trigger=current.trigger.type,
        start_time=current.trigger.time,
        time=now.replace(microsecond=0),
        outcome="Failed",
        message=f"it was deleted before it had ended{stays}",
    )
    return _recorded(status, past, rejections=status.rejections)


def unneeded(policy: ObservedPolicy) -> tuple[Deletion, ...]:
    """Ended runs of ours beyond `spec.historyLimit`, once their records are published or given up.

    Never that of the champion, or of the one before.
    """
    if policy.spec is None:
        return ()
    status = policy.status
    kept = {model.run for model in (status.champion, status.previous) if model}
    kept |= {status.current_run.name} if status.current_run else set()
    ours = [run for run in policy.runs.values() if run.owner == policy.uid and not run.deleting]
    done = sorted((run for run in ours if run.has_ended), key=_end, reverse=True)
    old = (run for run in done[policy.spec.history_limit :] if run.name not in kept and run.status.job.done)
    return tuple(Deletion(API_VERSION, "RetrainRun", run.name, run.uid) for run in old)


def _recorded(status: RetrainPolicyStatus, past: PastRun, *, rejections: int) -> RetrainPolicyStatus:
    return status.model_copy(
        update={
            "current_run": None,
            "history": (past, *status.history)[:HISTORY_LISTED],
            "rejections": rejections,
        }
    )


def _age(run: Run) -> tuple[datetime, str]:
    return run.created, run.name


def _end(run: Run) -> tuple[datetime, str]:
    assert run.status.completion_time is not None, "asked of runs that have ended"
    return run.status.completion_time, run.name

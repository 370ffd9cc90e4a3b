"""The TrainingRun that trains the challenger: of the run's own name, and its own.

It pins the newest good snapshot by itself. One that was deleted is made again while the challenger is not there. One
that has spent its budget for lost infrastructure says nothing of the model: another follows, `<run>-t2` and so on.
"""

from dataclasses import dataclass
from datetime import datetime

from springtide.api.base import NAME_LENGTH
from springtide.api.constants import API_VERSION, LABEL_KIND, LABEL_NAME, ConditionType, Reason
from springtide.api.retrain_policy import ModelFiles
from springtide.api.training_run import PinnedSnapshot, TrainingRunStatus
from springtide.core import backoff
from springtide.core.decision import Child
from springtide.core.retrain_run.observed import ObservedRun


@dataclass(frozen=True)
class Missing:
    """There is none: this is to be made."""

    child: Child


@dataclass(frozen=True)
class Underway:
    """It has not ended."""

    message: str


@dataclass(frozen=True)
class Trained:
    """There is a challenger."""

    challenger: ModelFiles
    dataset: PinnedSnapshot


@dataclass(frozen=True)
class Lost:
    """It has ended without one for want of nodes or services. following: name of another, made from `again` on."""

    following: str
    again: datetime
    message: str


@dataclass(frozen=True)
class Failed:
    """It has ended without one."""

    reason: str
    message: str


def training(run: ObservedRun) -> Missing | Underway | Trained | Lost | Failed:
    """How the training of the challenger is."""
    name = run.training_run
    if run.training is None:
        return Missing(_training_run(run))
    if run.training.owner != run.uid:
        return Underway(f"waiting until TrainingRun {name}, which is not of this run, is gone")
    status = run.training.status
    conditions = {item.type: item for item in status.conditions}
    succeeded = conditions.get(ConditionType.SUCCEEDED)
    if succeeded is None or succeeded.status == "Unknown":
        return Underway(succeeded.message if succeeded and succeeded.message else "it begins")
    if succeeded.status == "False":
        words = f"TrainingRun {name} has failed: {succeeded.message}"
        return _lost(run, status, words) or Failed(succeeded.reason, words)
    model, dataset = status.model, status.dataset
    if not (model and model.version and model.digest and model.uri and dataset):
        message = f"TrainingRun {name} has succeeded without a registered model, or without a snapshot"
        return Failed(Reason.INVALID_RESULT, message)
    return Trained(ModelFiles(version=model.version, digest=model.digest, uri=model.uri), dataset)


def _lost(run: ObservedRun, status: TrainingRunStatus, words: str) -> Lost | None:
    last = status.attempts[-1] if status.attempts else None
    if last is None or last.failure != "Infrastructure" or status.completion_time is None:
        return None
    number = int(run.training_run.removeprefix(f"{run.name}-t")) if run.training_run != run.name else 1
    following = f"{run.name}-t{number + 1}"
    if len(following) > NAME_LENGTH:
        return None
    return Lost(following, status.completion_time + backoff.LONGEST_DELAY, words)


def _training_run(run: ObservedRun) -> Child:
    manifest = {
        "apiVersion": API_VERSION,
        "kind": "TrainingRun",
        "metadata": {
            "name": run.training_run,
            "namespace": run.namespace,
            "labels": {LABEL_KIND: "RetrainRun", LABEL_NAME: run.name},
            "ownerReferences": [
                {
                    "apiVersion": API_VERSION,
                    "kind": "RetrainRun",
                    "name": run.name,
                    "uid": run.uid,
                    "controller": True,
                }
            ],
        },
        "spec": run.plan.template.to_wire(),
    }
    return Child(manifest)

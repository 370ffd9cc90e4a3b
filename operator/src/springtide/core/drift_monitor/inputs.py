"""Which rows a look would be at now, and which baseline they would be held against.

A baseline is pinned: what a TrainingRun made stays the baseline when the run is gone. Its files lie in the artifact
store, and they are opened by their digest.
"""

from dataclasses import dataclass

from springtide.api.constants import ConditionType, Reason
from springtide.api.dataset import DatasetStatus, Snapshot
from springtide.api.drift_monitor import PinnedBaseline, PinnedLabels
from springtide.core.drift_monitor.observed import ObservedMonitor
from springtide.core.inference_log import log_uri


@dataclass(frozen=True)
class Missing:
    """There is nothing to look at, or nothing to hold it against yet."""

    reason: Reason
    message: str


@dataclass(frozen=True)
class Rows:
    """A snapshot, or, without a digest, an inference log."""

    uri: str
    snapshot: str | None = None
    event_time_column: str | None = None


@dataclass(frozen=True)
class Inputs:
    """What a look is made of. labels: None where they are not there: nothing else waits for them.

    note: what a person should know of it; mostly nothing.
    """

    rows: Rows
    baseline: PinnedBaseline
    labels: PinnedLabels | None = None
    note: str = ""


def inputs_of(monitor: ObservedMonitor) -> Inputs | Missing:
    """What a look would be made of now."""
    rows = _rows(monitor)
    if isinstance(rows, Missing):
        return rows
    baseline = baseline_of(monitor)
    if isinstance(baseline, Missing):
        return baseline
    labels = labels_of(monitor)
    return Inputs(rows, baseline, labels if isinstance(labels, PinnedLabels) else None, note=_note(monitor, baseline))


def labels_of(monitor: ObservedMonitor) -> PinnedLabels | Missing | None:
    """The labels that a look would be given now; None where the spec names none."""
    if monitor.spec is None or monitor.spec.labels is None:
        return None
    latest = _latest(monitor.labels, monitor.spec.labels.dataset_ref.name)
    return latest if isinstance(latest, Missing) else PinnedLabels(uri=latest.uri, snapshot=latest.digest)


def baseline_of(monitor: ObservedMonitor) -> PinnedBaseline | Missing:
    """What rows would be held against now."""
    assert monitor.spec is not None, "a monitor whose spec does not parse has no baseline"
    source, pinned = monitor.spec.baseline, monitor.status.baseline
    if source is None:
        return _served(monitor)
    name = source.training_run_ref.name
    if made := _made(monitor, name):
        return made
    if pinned and pinned.training_run == name:
        return pinned
    if monitor.run is None:
        return Missing(Reason.BASELINE_NOT_READY, f"there is no TrainingRun {name}")
    hint = f"`kubectl describe trainingrun {name}` says why"
    return Missing(Reason.BASELINE_NOT_READY, f"TrainingRun {name} has no model yet; {hint}")


def _rows(monitor: ObservedMonitor) -> Rows | Missing:
    assert monitor.spec is not None, "a monitor whose spec does not parse looks at nothing"
    target = monitor.spec.target
    if target.dataset_ref:
        latest = _latest(monitor.dataset, target.dataset_ref.name)
        return latest if isinstance(latest, Missing) else Rows(latest.uri, latest.digest, monitor.event_time_column)
    assert target.model_service_ref is not None, "the API server takes a target only with one of the two"
    name = target.model_service_ref.name
    if monitor.service is None:
        return Missing(Reason.MODEL_SERVICE_NOT_READY, f"there is no ModelService {name}")
    if monitor.service.stable is None:
        hint = f"`kubectl describe modelservice {name}` says why"
        return Missing(Reason.MODEL_SERVICE_NOT_READY, f"ModelService {name} serves no version yet; {hint}")
    if not monitor.service.is_logging:
        hint = "set spec.inferenceLog of it"
        return Missing(Reason.MODEL_SERVICE_NOT_READY, f"ModelService {name} does not write its requests down; {hint}")
    return Rows(log_uri(monitor.platform, namespace=monitor.namespace, service=name))


def _latest(dataset: DatasetStatus | None, name: str) -> Snapshot | Missing:
    """The latest snapshot of a Dataset; it is None where there is no such Dataset."""
    if dataset is None:
        return Missing(Reason.DATASET_NOT_READY, f"there is no Dataset {name}")
    if dataset.latest is None:
        hint = f"`kubectl describe dataset {name}` says why"
        return Missing(Reason.DATASET_NOT_READY, f"Dataset {name} has no snapshot yet; {hint}")
    return dataset.latest


def _served(monitor: ObservedMonitor) -> PinnedBaseline | Missing:
    stable = monitor.service.stable if monitor.service else None
    if stable is None:
        return Missing(Reason.MODEL_SERVICE_NOT_READY, "the ModelService serves no version yet")
    return PinnedBaseline(uri=stable.uri, digest=stable.digest)


def _note(monitor: ObservedMonitor, baseline: PinnedBaseline) -> str:
    """Said of a pinned baseline whose run cannot be asked any more."""
    name = baseline.training_run
    if name is None or _made(monitor, name):
        return ""
    if monitor.run is None:
        return f"TrainingRun {name} is gone; its model {baseline.digest} stays the baseline"
    return f"TrainingRun {name} has no model; that of the run of this name before it stays the baseline"


def _made(monitor: ObservedMonitor, name: str) -> PinnedBaseline | None:
    """The model of the run, if it has succeeded."""
    if monitor.run is None:
        return None
    model = monitor.run.model
    conditions = monitor.run.conditions
    has_succeeded = any(item.type == ConditionType.SUCCEEDED and item.status == "True" for item in conditions)
    if not (has_succeeded and model and model.uri and model.digest):
        return None
    return PinnedBaseline(training_run=name, uri=model.uri, digest=model.digest, dataset=monitor.run.dataset)

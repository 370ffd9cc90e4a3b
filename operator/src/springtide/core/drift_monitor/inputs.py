"""Which rows a look would be at now, and which baseline they would be held against.

A baseline is pinned: what a TrainingRun made stays the baseline when the run is gone. Its files lie in the artifact
store, and they are opened by their digest.
"""

from dataclasses import dataclass

from springtide.api.constants import ConditionType, Reason
from springtide.api.drift_monitor import PinnedBaseline
from springtide.core.drift_monitor.observed import ObservedMonitor


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
    """What a look is made of. note: what a person should know of it; mostly nothing."""

    rows: Rows
    baseline: PinnedBaseline
    note: str = ""


def inputs_of(monitor: ObservedMonitor) -> Inputs | Missing:
    """What a look would be made of now."""
    rows = _rows(monitor)
    if isinstance(rows, Missing):
        return rows
    found = _baseline(monitor)
    if isinstance(found, Missing):
        return found
    baseline, note = found
    return Inputs(rows, baseline, note)


def _rows(monitor: ObservedMonitor) -> Rows | Missing:
    assert monitor.spec is not None, "a monitor whose spec does not parse looks at nothing"
    target = monitor.spec.target
    if target.dataset_ref:
        name = target.dataset_ref.name
        if monitor.dataset is None:
            return Missing(Reason.DATASET_NOT_READY, f"there is no Dataset {name}")
        latest = monitor.dataset.latest
        if latest is None:
            hint = f"`kubectl describe dataset {name}` says why"
            return Missing(Reason.DATASET_NOT_READY, f"Dataset {name} has no snapshot yet; {hint}")
        return Rows(latest.uri, latest.digest, monitor.event_time_column)
    assert target.model_service_ref is not None, "the API server takes a target only with one of the two"
    name = target.model_service_ref.name
    if monitor.service is None:
        return Missing(Reason.MODEL_SERVICE_NOT_READY, f"there is no ModelService {name}")
    if monitor.service.stable is None:
        hint = f"`kubectl describe modelservice {name}` says why"
        return Missing(Reason.MODEL_SERVICE_NOT_READY, f"ModelService {name} serves no version yet; {hint}")
    root = monitor.platform.artifacts_uri.rstrip("/")
    return Rows(f"{root}/inference/{monitor.namespace}.{name}/")


def _baseline(monitor: ObservedMonitor) -> tuple[PinnedBaseline, str] | Missing:
    assert monitor.spec is not None, "a monitor whose spec does not parse has no baseline"
    source = monitor.spec.baseline
    if source is None:
        assert monitor.service is not None, "the API server takes no baseline only with a ModelService"
        assert monitor.service.stable is not None, "asked of a service that serves"
        stable = monitor.service.stable
        return PinnedBaseline(uri=stable.uri, digest=stable.digest), ""
    name = source.training_run_ref.name
    pinned = monitor.status.baseline
    kept = pinned if pinned and pinned.training_run == name else None
    if made := _made(monitor, name):
        return made, ""
    if kept and monitor.run is None:
        return kept, f"TrainingRun {name} is gone; its model {kept.digest} stays the baseline"
    if kept:
        return kept, f"TrainingRun {name} has no model; that of the run of this name before it stays the baseline"
    if monitor.run is None:
        return Missing(Reason.BASELINE_NOT_READY, f"there is no TrainingRun {name}")
    hint = f"`kubectl describe trainingrun {name}` says why"
    return Missing(Reason.BASELINE_NOT_READY, f"TrainingRun {name} has no model yet; {hint}")


def _made(monitor: ObservedMonitor, name: str) -> PinnedBaseline | None:
    """The model of the run, if it has succeeded."""
    if monitor.run is None:
        return None
    model = monitor.run.model
    conditions = monitor.run.conditions
    has_succeeded = any(item.type == ConditionType.SUCCEEDED and item.status == "True" for item in conditions)
    if not (has_succeeded and model and model.uri and model.digest):
        return None
    return PinnedBaseline(training_run=name, uri=model.uri, digest=model.digest)

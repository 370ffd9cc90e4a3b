"""The snapshot of a Dataset that a run is trained on.

It is pinned in two steps. First the status names it; from then on the Dataset keeps it. Then the Dataset is asked once
more whether it still lists it: it may have given the snapshot up in between. The Dataset goes the other way, off the
list first and asking for pins after, so that one of the two always sees the other.
"""

from dataclasses import dataclass

from springtide.api.constants import Reason
from springtide.api.dataset import DatasetStatus, Snapshot
from springtide.api.task import TaskData
from springtide.api.training_run import PinnedSnapshot
from springtide.core.decision import Manifest
from springtide.core.kind import Reference
from springtide.core.source import uri_of
from springtide.core.training_run.snapshot import TrainingRunSnapshot


@dataclass(frozen=True)
class Missing:
    """There is nothing to train on yet."""

    reason: Reason
    message: str


def references(manifest: Manifest) -> tuple[Reference, ...]:
    """The Dataset that a run names, if it names one."""
    name = manifest.get("spec", {}).get("data", {}).get("datasetRef", {}).get("name")
    return (Reference("Dataset", name),) if name else ()


def pin(run: TrainingRunSnapshot) -> PinnedSnapshot | Missing | None:
    """What the run must be pinned to before its first Job; None where it names no Dataset."""
    assert run.spec is not None, "a run whose spec does not parse has no data"
    if run.spec.data.dataset_ref is None:
        return None
    name, digest = run.spec.data.dataset_ref.name, run.spec.data.digest
    if run.dataset is None:
        return Missing(Reason.DATASET_NOT_READY, f"there is no Dataset {name}")
    if run.dataset.latest is None:
        hint = f"`kubectl describe dataset {name}` says why"
        return Missing(Reason.DATASET_NOT_READY, f"Dataset {name} has no snapshot yet; {hint}")
    wanted = digest or (run.status.dataset.digest if run.status.dataset else None)
    found = _listed(run.dataset, wanted) or (None if digest else run.dataset.latest)
    if found is None:
        listed = "those that it keeps are in its status.snapshots"
        return Missing(Reason.SNAPSHOT_NOT_FOUND, f"Dataset {name} has no snapshot {digest}; {listed}")
    return PinnedSnapshot(name=name, digest=found.digest, uri=found.uri)


def task_data(run: TrainingRunSnapshot) -> TaskData:
    """Where the data of the run lies, and what it must be."""
    assert run.spec is not None, "a run whose spec does not parse has no data"
    data = run.spec.data
    if data.source:
        return TaskData(uri=uri_of(data.source), digest=data.digest, split=data.split)
    pinned = run.status.dataset
    # Before it is pinned there is a task too, whose size is asked for.
    return TaskData(
        uri=pinned.uri if pinned else "", snapshot=pinned.digest if pinned else data.digest, split=data.split
    )


def _listed(dataset: DatasetStatus, digest: str | None) -> Snapshot | None:
    return next((snapshot for snapshot in dataset.snapshots if snapshot.digest == digest), None)

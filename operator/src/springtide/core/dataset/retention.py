"""Which snapshots are kept.

A snapshot goes in two steps: it is taken off the list that TrainingRuns choose from, and only if none of them is
pinned to it after that, the next Job is told to remove it. See `training_run.dataset` for the other side.
"""

from collections.abc import Set

from springtide.api.dataset import SNAPSHOTS_LISTED, DatasetStatus, Snapshot


def add(status: DatasetStatus, snapshot: Snapshot) -> DatasetStatus:
    """The status with a snapshot that is the latest now. One that was there before stays as it was published."""
    known = {item.digest: item for item in (*status.removing, *status.snapshots)}
    snapshot = known.get(snapshot.digest, snapshot)
    others = tuple(item for item in status.snapshots if item.digest != snapshot.digest)
    return status.model_copy(
        update={
            "latest": snapshot,
            # What falls off the end stays in the store: it is not listed, and it is not removed.
            "snapshots": (snapshot, *others)[:SNAPSHOTS_LISTED],
            "removing": tuple(item for item in status.removing if item.digest != snapshot.digest),
        }
    )


def withdraw(status: DatasetStatus, *, keep: int, pinned: Set[str]) -> DatasetStatus:
    """The status without the snapshots that need not be kept: the newest `keep` are, and those that are pinned."""
    surplus = tuple(item for item in status.snapshots[keep:] if item.digest not in pinned)
    room = SNAPSHOTS_LISTED - len(status.removing)
    return _with_removing(status, (*status.removing, *surplus[:room]))


def restore(status: DatasetStatus, *, pinned: Set[str]) -> DatasetStatus:
    """The status with those back on the list that were pinned while they were withdrawn."""
    back = tuple(item for item in status.removing if item.digest in pinned)
    removing = tuple(item for item in status.removing if item.digest not in pinned)
    listed = _with_removing(status, removing)
    return listed.model_copy(update={"snapshots": (*listed.snapshots, *back)[:SNAPSHOTS_LISTED]})


def _with_removing(status: DatasetStatus, removing: tuple[Snapshot, ...]) -> DatasetStatus:
    gone = {item.digest for item in removing}
    kept = tuple(item for item in status.snapshots if item.digest not in gone)
    return status.model_copy(update={"snapshots": kept, "removing": removing})

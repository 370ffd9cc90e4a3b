"""Objects as the operator wrote them, from the worlds in which its own tests happen."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from springtide.cli.kinds.view import Namespace

from tests.core.dataset.world import World as DatasetWorld
from tests.core.dataset.world import a_dataset
from tests.core.model_service.world import World as ServiceWorld
from tests.core.model_service.world import a_service

Manifest = dict[str, Any]
NOW_OF_WORLDS = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def served(version: str = "1") -> ServiceWorld:
    """A ModelService whose version serves."""
    return a_service().serve(version)


def snapshotted() -> DatasetWorld:
    """A Dataset with one snapshot."""
    return a_dataset().publish("a")


def objects_of(world: DatasetWorld | ServiceWorld, kind: str) -> tuple[Manifest, ...]:
    """All objects of a kind in a world."""
    return tuple(world.server.all(kind))


def a_namespace(objects: Iterable[Manifest]) -> Namespace:
    """A namespace with these objects."""
    by_kind: dict[str, tuple[Manifest, ...]] = {"Dataset": (), "ModelService": (), "TrainingRun": ()}
    for item in objects:
        by_kind[item["kind"]] = (*by_kind.get(item["kind"], ()), item)
    return Namespace("team", by_kind)


def a_run(*, digest: str, snapshot: str = "", dataset: str = "applications") -> Manifest:
    """A TrainingRun that made a model of this digest."""
    pinned = {"name": dataset, "digest": snapshot, "uri": "s3://artifacts/snapshot"}
    status = {"model": {"name": "team.pd-12m", "version": "1", "digest": digest}, "metrics": {"auc": 0.93}}
    return {
        "kind": "TrainingRun",
        "metadata": {"name": "churn", "creationTimestamp": "2026-11-23T12:00:00Z"},
        "spec": {"model": {"name": "pd-12m"}, "data": {"datasetRef": {"name": dataset}}, "recipe": {"name": "gbdt"}},
        "status": status | ({"dataset": pinned} if snapshot else {}),
    }

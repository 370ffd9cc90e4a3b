"""What the shell must know of a kind to run it: adding a kind is adding one of these."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from springtide.api.base import CustomResource
from springtide.api.constants import API_VERSION
from springtide.api.platform import Platform
from springtide.core.decision import Decision, Manifest, Refusal


@dataclass(frozen=True)
class ChildKind:
    """A kind of object that belongs to ours and is watched, or listed, for them."""

    api_version: str
    kind: str
    plural: str

    @property
    def group(self) -> str:
        """Its API group; empty for the core."""
        return self.api_version.rpartition("/")[0]


JOB = ChildKind("batch/v1", "Job", "jobs")
POD = ChildKind("v1", "Pod", "pods")
DEPLOYMENT = ChildKind("apps/v1", "Deployment", "deployments")
SERVICE = ChildKind("v1", "Service", "services")
POD_DISRUPTION_BUDGET = ChildKind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets")
INFERENCE_SERVICE = ChildKind("serving.kserve.io/v1beta1", "InferenceService", "inferenceservices")
"""What KServe runs servers for. Listed where we made one, not watched: see `shell.listed`."""
WORKLOAD = ChildKind("kueue.x-k8s.io/v1beta2", "Workload", "workloads")
"""What Kueue makes of a Job that names a queue. Listed while such a Job waits, not watched: see `shell.queues`."""
TRAINING_RUN = ChildKind(API_VERSION, "TrainingRun", "trainingruns")
RETRAIN_RUN = ChildKind(API_VERSION, "RetrainRun", "retrainruns")
SHARED = "Shared"
"""The kind of owner (label `springtide.dev/kind`) of an object that belongs to a whole namespace."""
PERSISTENT_VOLUME_CLAIM = ChildKind("v1", "PersistentVolumeClaim", "persistentvolumeclaims")


class Reference(NamedTuple):
    """An object of one of our kinds that another of the same namespace speaks of."""

    kind: str
    name: str


@dataclass(frozen=True)
class Observed:
    """What the Store holds of one object.

    parent: the object itself.
    children: objects that carry its labels, in no order.
    shared: objects of its namespace that the operator made for all that is in it.
    references: objects that the parent refers to, as far as they are there.
    referrers: objects that refer to the parent, in no order.
    capabilities: optional API groups that the cluster serves.
    """

    parent: Manifest
    children: tuple[Manifest, ...]
    shared: tuple[Manifest, ...]
    references: tuple[Manifest, ...]
    referrers: tuple[Manifest, ...]
    platform: Platform
    capabilities: frozenset[str]


def no_references(_: Manifest) -> tuple[Reference, ...]:
    """Of a kind that refers to nothing."""
    return ()


SnapshotT = TypeVar("SnapshotT")


@dataclass(frozen=True)
class Kind(Generic[SnapshotT]):
    """A kind: its API, the objects it needs to see, and its three pure functions.

    observe: makes the snapshot of what the Store holds; never raises for bad input.
    decide: what should happen next.
    refuse: what should be said when the API server does not take a child.
    references: what an object refers to. It is decided about again whenever one of these changes.
    makes: kinds of ours whose objects it makes. They are watched for themselves.
    heeds_referrers: whether it is decided about again, too, whenever an object that refers to it changes.
    listed: kinds of children of API groups that the cluster need not serve: they are listed, not watched.
    """

    resource: CustomResource
    children: tuple[ChildKind, ...]
    observe: Callable[[Observed], SnapshotT]
    decide: Callable[[SnapshotT, datetime], Decision]
    refuse: Callable[[SnapshotT, Refusal, datetime], Decision]
    references: Callable[[Manifest], tuple[Reference, ...]] = no_references
    makes: tuple[ChildKind, ...] = ()
    heeds_referrers: bool = False
    listed: tuple[ChildKind, ...] = ()

    @property
    def made(self) -> tuple[ChildKind, ...]:
        """All kinds of objects that it makes."""
        return (*self.children, *self.listed, *self.makes)

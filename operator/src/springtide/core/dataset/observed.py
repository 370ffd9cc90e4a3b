"""What is: a Dataset, its Jobs, and the objects that hold on to its snapshots. Nothing here decides.

Called a snapshot in other kinds; here that word is taken.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from springtide.api.constants import ANNOTATION_REFRESH
from springtide.api.dataset import DatasetSpec, DatasetStatus
from springtide.api.platform import Platform
from springtide.core.annotations import annotation
from springtide.core.decision import Manifest
from springtide.core.kind import Observed
from springtide.core.spec import parse
from springtide.core.workload_job import Parent
from springtide.core.workload_state import Job, Pod, jobs_of, newest_pod, pods_of, predecessors_of


@dataclass(frozen=True)
class ObservedDataset:
    """Everything that a decision about a Dataset may depend on, but for the time.

    asked: value of the annotation by which a person asks for a refresh.
    spec: None where it does not parse; `spec_problem` then says why.
    predecessors: Jobs of an earlier Dataset of this name.
    claims: PersistentVolumeClaims that the operator made in the namespace.
    pinned: digests of the snapshots that TrainingRuns, RetrainRuns and DriftMonitors refer to.
    """

    name: str
    namespace: str
    uid: str
    generation: int
    created: datetime
    deleting: bool
    asked: str | None
    spec: DatasetSpec | None
    spec_problem: str
    status: DatasetStatus
    jobs: tuple[Job, ...]
    pods: tuple[Pod, ...]
    predecessors: tuple[str, ...]
    claims: frozenset[str]
    pinned: frozenset[str]
    platform: Platform

    @property
    def parent(self) -> Parent:
        """The Dataset, as its Jobs know it."""
        return Parent("Dataset", self.namespace, self.name, self.uid)

    def with_status(self, status: DatasetStatus) -> "ObservedDataset":
        """The same Dataset with another status."""
        return replace(self, status=status)

    def job(self, name: str) -> Job | None:
        """The Job of this name, if it is there."""
        return next((job for job in self.jobs if job.name == name), None)

    def pod(self, job: Job) -> Pod | None:
        """The newest pod of a Job, if there is one."""
        return newest_pod(job, self.pods)


def observe(observed: Observed) -> ObservedDataset:
    """What the Store holds. A spec that does not parse is told of, not raised."""
    metadata = observed.parent["metadata"]
    spec, problem = parse(DatasetSpec, observed.parent.get("spec", {}))
    return ObservedDataset(
        name=metadata["name"],
        namespace=metadata["namespace"],
        uid=metadata["uid"],
        generation=metadata["generation"],
        created=datetime.fromisoformat(metadata["creationTimestamp"]),
        deleting="deletionTimestamp" in metadata,
        asked=annotation(observed.parent, ANNOTATION_REFRESH),
        spec=spec,
        spec_problem=problem,
        status=DatasetStatus.model_validate(observed.parent.get("status", {})),
        jobs=jobs_of(observed.parent, observed.children),
        pods=pods_of(observed.parent, observed.children),
        predecessors=predecessors_of(observed.parent, observed.children),
        claims=frozenset(claim["metadata"]["name"] for claim in observed.shared),
        pinned=frozenset(digest for referrer in observed.referrers for digest in _pins(referrer)),
        platform=observed.platform,
    )


def _pins(referrer: Manifest) -> tuple[str, ...]:
    """The snapshots that an object refers to.

    A TrainingRun does by its spec, and by what it was pinned to; a DriftMonitor while it looks at one or joins its
    labels with requests, by what it found last, and by its baseline. Its history is a record, and holds nothing back:
    a Dataset would keep as many snapshots as a monitor lists windows.
    """
    spec, status = referrer.get("spec", {}), referrer.get("status", {})
    digests = (
        spec.get("data", {}).get("digest"),
        status.get("dataset", {}).get("digest"),
        status.get("currentLook", {}).get("snapshot"),
        status.get("currentLook", {}).get("labels", {}).get("snapshot"),
        status.get("lastWindow", {}).get("snapshot"),
        status.get("baseline", {}).get("dataset", {}).get("digest"),
        status.get("labels"),
    )
    return tuple(digest for digest in digests if digest)

"""What is: a training run, its Jobs, and how its pods fare. Nothing here decides."""

from dataclasses import dataclass

from springtide.api.constants import Role
from springtide.api.dataset import DatasetStatus
from springtide.api.platform import Platform
from springtide.api.training_run import TrainingRunSpec, TrainingRunStatus
from springtide.core.decision import Manifest
from springtide.core.kind import Observed
from springtide.core.spec import parse
from springtide.core.workload_job import Parent
from springtide.core.workload_state import Job, Pod, jobs_of, newest_pod, owner_uid, pods_of, predecessors_of


@dataclass(frozen=True)
class Workload:
    """What Kueue says of a Job that names a queue.

    reason, message: why no place is reserved for it; empty where one is, or Kueue has not said anything yet.
    evicted: why its place was taken away again; empty where it was not.
    """

    job_uid: str
    reason: str
    message: str
    evicted: str


@dataclass(frozen=True)
class TrainingRunSnapshot:
    """Everything that a decision about a run may depend on, but for the time.

    spec: None where it does not parse; `spec_problem` then says why.
    predecessors: Jobs of an earlier run of this name.
    claims: PersistentVolumeClaims that the operator made in the namespace.
    dataset: status of the Dataset that the run names; None where there is none.
    """

    name: str
    namespace: str
    uid: str
    generation: int
    deleting: bool
    spec: TrainingRunSpec | None
    spec_problem: str
    status: TrainingRunStatus
    jobs: tuple[Job, ...]
    pods: tuple[Pod, ...]
    workloads: tuple[Workload, ...]
    predecessors: tuple[str, ...]
    claims: frozenset[str]
    dataset: DatasetStatus | None
    platform: Platform
    capabilities: frozenset[str]

    @property
    def parent(self) -> Parent:
        """The run, as its Jobs know it."""
        return Parent("TrainingRun", self.namespace, self.name, self.uid)

    @property
    def is_terminal(self) -> bool:
        """Whether the run has ended, for good or ill: nothing changes it any more."""
        return self.status.completion_time is not None

    def job(self, *, role: Role, attempt: int) -> Job | None:
        """The Job of an attempt, if it is there."""
        return next((job for job in self.jobs if job.role is role and job.attempt == attempt), None)

    def pod(self, job: Job) -> Pod | None:
        """The newest pod of a Job, if there is one."""
        return newest_pod(job, self.pods)

    def workload(self, job: Job) -> Workload | None:
        """What its queue says of a Job, if it says anything."""
        return next((workload for workload in self.workloads if workload.job_uid == job.uid), None)


def observe(observed: Observed) -> TrainingRunSnapshot:
    """The snapshot of what the Store holds. A spec that does not parse is told of in the snapshot, not raised."""
    metadata = observed.parent["metadata"]
    spec, problem = parse(TrainingRunSpec, observed.parent.get("spec", {}))
    return TrainingRunSnapshot(
        name=metadata["name"],
        namespace=metadata["namespace"],
        uid=metadata["uid"],
        generation=metadata["generation"],
        deleting="deletionTimestamp" in metadata,
        spec=spec,
        spec_problem=problem,
        status=TrainingRunStatus.model_validate(observed.parent.get("status", {})),
        jobs=jobs_of(observed.parent, observed.children),
        pods=pods_of(observed.parent, observed.children),
        workloads=tuple(
            sorted((_workload(child) for child in observed.children if child["kind"] == "Workload"), key=_by_job)
        ),
        predecessors=predecessors_of(observed.parent, observed.children),
        claims=frozenset(claim["metadata"]["name"] for claim in observed.shared),
        dataset=next((_dataset(item) for item in observed.references if item["kind"] == "Dataset"), None),
        platform=observed.platform,
        capabilities=observed.capabilities,
    )


def _dataset(manifest: Manifest) -> DatasetStatus:
    return DatasetStatus.model_validate(manifest.get("status", {}))


def _workload(manifest: Manifest) -> Workload:
    conditions = {item["type"]: item for item in manifest.get("status", {}).get("conditions", ())}
    reserved, evicted = conditions.get("QuotaReserved", {}), conditions.get("Evicted", {})
    waits = reserved.get("status") == "False"
    return Workload(
        job_uid=owner_uid(manifest),
        reason=reserved.get("reason", "") if waits else "",
        message=reserved.get("message", "") if waits else "",
        evicted=evicted.get("message", "") if evicted.get("status") == "True" else "",
    )


def _by_job(workload: Workload) -> str:
    return workload.job_uid

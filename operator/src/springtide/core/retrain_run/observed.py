"""What is: a RetrainRun, its policy, its TrainingRun and Jobs, and who serves and watches. Nothing here decides."""

from dataclasses import dataclass, replace
from datetime import datetime

from springtide.api.constants import ANNOTATION_APPROVE
from springtide.api.drift_monitor import DriftMonitorStatus
from springtide.api.model_service import ModelServiceStatus
from springtide.api.platform import Platform
from springtide.api.retrain_policy import ModelFiles, ReleasePlan, RetrainPolicySpec, RetrainPolicyStatus, Trigger
from springtide.api.retrain_run import RetrainRunSpec, RetrainRunStatus
from springtide.api.training_run import TrainingRunStatus
from springtide.core.annotations import annotation
from springtide.core.decision import Manifest
from springtide.core.following import followed_policy
from springtide.core.kind import Observed, Reference
from springtide.core.spec import parse
from springtide.core.workload_job import Parent
from springtide.core.workload_state import Job, Pod, jobs_of, newest_pod, owner_uid, pods_of, predecessors_of


@dataclass(frozen=True)
class Policy:
    """The RetrainPolicy. spec: None where it does not parse."""

    uid: str
    generation: int
    spec: RetrainPolicySpec | None
    status: RetrainPolicyStatus


@dataclass(frozen=True)
class Training:
    """The TrainingRun of the challenger. owner: uid of its controller."""

    owner: str
    status: TrainingRunStatus


@dataclass(frozen=True)
class ObservedRun:
    """Everything that a decision about a RetrainRun may depend on, but for the time.

    approved: value of the annotation by which a person approves.
    spec: None where it does not parse; `spec_problem` then says why.
    predecessors: Jobs of an earlier RetrainRun of this name.
    claims: PersistentVolumeClaims that the operator made in the namespace.
    service, monitor: those that its plan names, if they are there.
    """

    name: str
    namespace: str
    uid: str
    generation: int
    created: datetime
    deleting: bool
    approved: str | None
    spec: RetrainRunSpec | None
    spec_problem: str
    status: RetrainRunStatus
    jobs: tuple[Job, ...]
    pods: tuple[Pod, ...]
    predecessors: tuple[str, ...]
    claims: frozenset[str]
    policy: Policy | None
    training: Training | None
    service: ModelServiceStatus | None
    service_follows: str | None
    monitor: DriftMonitorStatus | None
    platform: Platform

    @property
    def parent(self) -> Parent:
        """The run, as its Jobs know it."""
        return Parent("RetrainRun", self.namespace, self.name, self.uid)

    @property
    def policy_name(self) -> str:
        """Name of its policy."""
        assert self.spec is not None, "a spec that does not parse is told of before"
        return self.spec.policy_ref.name

    @property
    def plan(self) -> ReleasePlan:
        """What its policy said when it began."""
        assert self.status.plan is not None, "asked of a run that has begun"
        return self.status.plan

    @property
    def challenger(self) -> ModelFiles:
        """The model that is judged."""
        assert self.status.challenger is not None, "asked once the challenger is trained"
        return self.status.challenger

    @property
    def training_run(self) -> str:
        """Name of the TrainingRun of its challenger."""
        return self.status.training_run or self.name

    @property
    def trigger(self) -> Trigger:
        """Why it was begun."""
        told = self.spec.trigger if self.spec else None
        return told or Trigger(type="Manual", time=self.created, message=f"a person made RetrainRun {self.name}")

    def with_status(self, status: RetrainRunStatus) -> "ObservedRun":
        """The same run with another status."""
        return replace(self, status=status)

    def job(self, name: str) -> Job | None:
        """The Job of this name, if it is there."""
        return next((job for job in self.jobs if job.name == name), None)

    def pod(self, job: Job) -> Pod | None:
        """The newest pod of a Job, if there is one."""
        return newest_pod(job, self.pods)


def observe(observed: Observed) -> ObservedRun:
    """What the Store holds. A spec that does not parse is told of, not raised."""
    metadata = observed.parent["metadata"]
    spec, problem = parse(RetrainRunSpec, observed.parent.get("spec", {}))
    there = {item["kind"]: item for item in observed.references}
    service, monitor = there.get("ModelService"), there.get("DriftMonitor")
    return ObservedRun(
        name=metadata["name"],
        namespace=metadata["namespace"],
        uid=metadata["uid"],
        generation=metadata["generation"],
        created=datetime.fromisoformat(metadata["creationTimestamp"]),
        deleting="deletionTimestamp" in metadata,
        approved=annotation(observed.parent, ANNOTATION_APPROVE),
        spec=spec,
        spec_problem=problem,
        status=RetrainRunStatus.model_validate(observed.parent.get("status", {})),
        jobs=jobs_of(observed.parent, observed.children),
        pods=pods_of(observed.parent, observed.children),
        predecessors=predecessors_of(observed.parent, observed.children),
        claims=frozenset(claim["metadata"]["name"] for claim in observed.shared),
        policy=_policy(there.get("RetrainPolicy")),
        training=_training(there.get("TrainingRun")),
        service=ModelServiceStatus.model_validate(service.get("status", {})) if service else None,
        service_follows=followed_policy(service) if service else None,
        monitor=DriftMonitorStatus.model_validate(monitor.get("status", {})) if monitor else None,
        platform=observed.platform,
    )


def _policy(manifest: Manifest | None) -> Policy | None:
    if manifest is None:
        return None
    spec, _ = parse(RetrainPolicySpec, manifest.get("spec", {}))
    return Policy(
        uid=manifest["metadata"]["uid"],
        generation=manifest["metadata"]["generation"],
        spec=spec,
        status=RetrainPolicyStatus.model_validate(manifest.get("status", {})),
    )


def _training(manifest: Manifest | None) -> Training | None:
    if manifest is None:
        return None
    return Training(owner_uid(manifest), TrainingRunStatus.model_validate(manifest.get("status", {})))


def references(manifest: Manifest) -> tuple[Reference, ...]:
    """Its policy, its TrainingRun, and what its plan names: the Dataset keeps the snapshot for it."""
    spec, status = manifest.get("spec", {}), manifest.get("status", {})
    plan = status.get("plan") or {}
    named = (
        ("RetrainPolicy", spec.get("policyRef")),
        ("TrainingRun", {"name": status.get("trainingRun") or manifest["metadata"]["name"]}),
        ("Dataset", ((plan.get("template") or {}).get("data") or {}).get("datasetRef")),
        ("ModelService", plan.get("serviceRef")),
        ("DriftMonitor", (plan.get("watch") or {}).get("monitorRef")),
    )
    return tuple(Reference(kind, ref["name"]) for kind, ref in named if ref and ref.get("name"))

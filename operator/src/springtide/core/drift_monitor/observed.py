"""What is: a DriftMonitor, its Jobs, and what it refers to. Nothing here decides."""

from dataclasses import dataclass, replace
from datetime import datetime

from springtide.api.constants import ANNOTATION_CHECK
from springtide.api.dataset import DatasetStatus
from springtide.api.drift_monitor import DriftMonitorSpec, DriftMonitorStatus
from springtide.api.model_service import ModelServiceStatus, Served
from springtide.api.platform import Platform
from springtide.api.training_run import TrainingRunStatus
from springtide.core.annotations import annotation
from springtide.core.decision import Manifest
from springtide.core.kind import Observed, Reference
from springtide.core.spec import parse
from springtide.core.workload_job import Parent
from springtide.core.workload_state import Job, Pod, jobs_of, newest_pod, pods_of, predecessors_of


@dataclass(frozen=True)
class Service:
    """A ModelService. stable: the version that it serves. is_logging: whether it writes its requests down."""

    stable: Served | None
    is_logging: bool


@dataclass(frozen=True)
class ObservedMonitor:
    """Everything that a decision about a DriftMonitor may depend on, but for the time.

    asked: value of the annotation by which a person asks for a look.
    spec: None where it does not parse; `spec_problem` then says why.
    predecessors: Jobs of an earlier DriftMonitor of this name.
    claims: PersistentVolumeClaims that the operator made in the namespace.
    dataset, event_time_column: of the Dataset that it looks at; None where there is none.
    labels: status of the Dataset that says what became of the requests; None where there is none.
    service: the ModelService that it names; None where there is none.
    run: status of the TrainingRun that it names; None where there is none.
    """

    name: str
    namespace: str
    uid: str
    generation: int
    created: datetime
    deleting: bool
    asked: str | None
    spec: DriftMonitorSpec | None
    spec_problem: str
    status: DriftMonitorStatus
    jobs: tuple[Job, ...]
    pods: tuple[Pod, ...]
    predecessors: tuple[str, ...]
    claims: frozenset[str]
    dataset: DatasetStatus | None
    event_time_column: str | None
    labels: DatasetStatus | None
    service: Service | None
    run: TrainingRunStatus | None
    platform: Platform

    @property
    def parent(self) -> Parent:
        """The DriftMonitor, as its Jobs know it."""
        return Parent("DriftMonitor", self.namespace, self.name, self.uid)

    def with_status(self, status: DriftMonitorStatus) -> "ObservedMonitor":
        """The same DriftMonitor with another status."""
        return replace(self, status=status)

    def job(self, name: str) -> Job | None:
        """The Job of this name, if it is there."""
        return next((job for job in self.jobs if job.name == name), None)

    def pod(self, job: Job) -> Pod | None:
        """The newest pod of a Job, if there is one."""
        return newest_pod(job, self.pods)


def observe(observed: Observed) -> ObservedMonitor:
    """What the Store holds. A spec that does not parse is told of, not raised."""
    metadata = observed.parent["metadata"]
    spec, problem = parse(DriftMonitorSpec, observed.parent.get("spec", {}))
    there = {(item["kind"], item["metadata"]["name"]): item for item in observed.references}
    dataset, service, run, labels = (
        there.get((kind, ref["name"])) if ref else None for kind, ref in _named(observed.parent)
    )
    return ObservedMonitor(
        name=metadata["name"],
        namespace=metadata["namespace"],
        uid=metadata["uid"],
        generation=metadata["generation"],
        created=datetime.fromisoformat(metadata["creationTimestamp"]),
        deleting="deletionTimestamp" in metadata,
        asked=annotation(observed.parent, ANNOTATION_CHECK),
        spec=spec,
        spec_problem=problem,
        status=DriftMonitorStatus.model_validate(observed.parent.get("status", {})),
        jobs=jobs_of(observed.parent, observed.children),
        pods=pods_of(observed.parent, observed.children),
        predecessors=predecessors_of(observed.parent, observed.children),
        claims=frozenset(claim["metadata"]["name"] for claim in observed.shared),
        dataset=DatasetStatus.model_validate(dataset.get("status", {})) if dataset else None,
        event_time_column=dataset.get("spec", {}).get("eventTimeColumn") if dataset else None,
        labels=DatasetStatus.model_validate(labels.get("status", {})) if labels else None,
        service=_service(service) if service else None,
        run=TrainingRunStatus.model_validate(run.get("status", {})) if run else None,
        platform=observed.platform,
    )


def _service(manifest: Manifest) -> Service:
    status = ModelServiceStatus.model_validate(manifest.get("status", {}))
    return Service(status.stable, is_logging=manifest.get("spec", {}).get("inferenceLog") is not None)


def references(manifest: Manifest) -> tuple[Reference, ...]:
    """What a monitor names: a Dataset or a ModelService, the TrainingRun of its baseline, and the Dataset of labels.

    And the Dataset that the baseline was trained on, which keeps the snapshot for it.
    """
    trained_on = manifest.get("status", {}).get("baseline", {}).get("dataset")
    named = (*_named(manifest), ("Dataset", trained_on))
    return tuple(Reference(kind, ref["name"]) for kind, ref in named if ref)


def _named(manifest: Manifest) -> tuple[tuple[str, Manifest | None], ...]:
    """Kind and reference of what is looked at (one of two kinds), of the baseline, and of the labels."""
    spec = manifest.get("spec", {})
    target = spec.get("target") or {}
    named = (
        ("Dataset", target.get("datasetRef")),
        ("ModelService", target.get("modelServiceRef")),
        ("TrainingRun", (spec.get("baseline") or {}).get("trainingRunRef")),
        ("Dataset", (spec.get("labels") or {}).get("datasetRef")),
    )
    return tuple((kind, ref if ref and ref.get("name") else None) for kind, ref in named)

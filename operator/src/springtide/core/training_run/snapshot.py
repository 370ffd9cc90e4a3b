"""What is: a training run, its Jobs, and how its pods fare, read from what the API server said.

Nothing here decides. Objects of a namesake predecessor are told apart by uid, so that a run that was deleted and
made again does not take over its predecessor's Jobs.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from springtide.api.constants import CONTAINER, LABEL_ATTEMPT, LABEL_ROLE, LABEL_UID, Role
from springtide.api.platform import Platform
from springtide.api.training_run import TrainingRunSpec, TrainingRunStatus
from springtide.core.decision import Manifest
from springtide.core.kind import Observed


@dataclass(frozen=True)
class Job:
    """A Job of ours. finished: when it was marked Complete or Failed."""

    name: str
    uid: str
    role: Role
    attempt: int
    suspended: bool
    finished: datetime | None


@dataclass(frozen=True)
class Terminated:
    """How the container ended."""

    exit_code: int
    reason: str
    message: str
    started: datetime | None
    finished: datetime | None


@dataclass(frozen=True)
class Pod:
    """The pod of a Job.

    gone: it is not there any more; the rest is what was said of it last.
    scheduled: when it was given to a node.
    waiting, waiting_message: why its container does not run yet, in the kubelet's words.
    disruption: reason of the DisruptionTarget condition, where the cluster took the pod away.
    reason, message: of the pod as a whole, such as Evicted.
    """

    name: str
    uid: str
    job_uid: str
    role: str
    phase: str
    deleted: bool
    gone: bool
    unschedulable: str | None
    scheduled: datetime | None
    waiting: str
    waiting_message: str
    started: datetime | None
    terminated: Terminated | None
    disruption: str | None
    reason: str
    message: str
    created: datetime

    @property
    def has_started(self) -> bool:
        """Whether its container may have done anything."""
        return self.phase != "Pending" or self.started is not None or self.terminated is not None

    @property
    def has_ended(self) -> bool:
        """Whether nothing of it runs any more."""
        return self.gone or self.phase in ("Succeeded", "Failed")


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
    platform: Platform
    capabilities: frozenset[str]

    @property
    def is_terminal(self) -> bool:
        """Whether the run has ended, for good or ill: nothing changes it any more."""
        return self.status.completion_time is not None

    def job(self, *, role: Role, attempt: int) -> Job | None:
        """The Job of an attempt, if it is there."""
        return next((job for job in self.jobs if job.role is role and job.attempt == attempt), None)

    def pod(self, job: Job) -> Pod | None:
        """The newest pod of a Job, if there is one."""
        pods = [pod for pod in self.pods if pod.job_uid == job.uid]
        return max(pods, key=lambda pod: pod.created, default=None)

    def workload(self, job: Job) -> Workload | None:
        """What its queue says of a Job, if it says anything."""
        return next((workload for workload in self.workloads if workload.job_uid == job.uid), None)


def observe(observed: Observed) -> TrainingRunSnapshot:
    """The snapshot of what the Store holds. A spec that does not parse is told of in the snapshot, not raised."""
    metadata = observed.parent["metadata"]
    spec, problem = _parse_spec(observed.parent.get("spec", {}))
    jobs = [child for child in observed.children if child["kind"] == "Job"]
    own = [job for job in jobs if _owner_uid(job) == metadata["uid"]]
    return TrainingRunSnapshot(
        name=metadata["name"],
        namespace=metadata["namespace"],
        uid=metadata["uid"],
        generation=metadata["generation"],
        deleting="deletionTimestamp" in metadata,
        spec=spec,
        spec_problem=problem,
        status=TrainingRunStatus.model_validate(observed.parent.get("status", {})),
        jobs=tuple(sorted((_job(job) for job in own), key=lambda job: job.name)),
        pods=tuple(
            sorted(
                (_pod(child) for child in observed.children if child["kind"] == "Pod" and _is_of(child, metadata)),
                key=lambda pod: (pod.created, pod.uid),
            )
        ),
        workloads=tuple(
            sorted((_workload(child) for child in observed.children if child["kind"] == "Workload"), key=_by_job)
        ),
        predecessors=tuple(sorted(job["metadata"]["name"] for job in jobs if _has_predecessor(job, metadata))),
        claims=frozenset(claim["metadata"]["name"] for claim in observed.shared),
        platform=observed.platform,
        capabilities=observed.capabilities,
    )


def _parse_spec(document: Any) -> tuple[TrainingRunSpec | None, str]:
    try:
        return TrainingRunSpec.model_validate(document), ""
    except ValidationError as error:
        first = error.errors()[0]
        return None, f"spec.{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"


def _is_of(pod: Manifest, parent: Manifest) -> bool:
    return bool(pod["metadata"]["labels"].get(LABEL_UID) == parent["uid"])


def _has_predecessor(job: Manifest, parent: Manifest) -> bool:
    """Whether the Job belongs to an earlier run of this name. A Job that only carries our labels does not."""
    owners = job["metadata"].get("ownerReferences", ())
    owner = next((owner for owner in owners if owner.get("controller")), None)
    return bool(owner and owner["kind"] == "TrainingRun" and owner["uid"] != parent["uid"])


def _owner_uid(manifest: Manifest) -> str:
    owners = manifest["metadata"].get("ownerReferences", ())
    return next((owner["uid"] for owner in owners if owner.get("controller")), "")


def _job(manifest: Manifest) -> Job:
    metadata, status = manifest["metadata"], manifest.get("status", {})
    conditions = {item["type"]: item for item in status.get("conditions", ()) if item["status"] == "True"}
    finished = conditions.get("Complete") or conditions.get("Failed")
    return Job(
        name=metadata["name"],
        uid=metadata["uid"],
        role=Role(metadata["labels"][LABEL_ROLE]),
        attempt=int(metadata["labels"][LABEL_ATTEMPT]),
        suspended=bool(manifest.get("spec", {}).get("suspend")),
        finished=_time(finished.get("lastTransitionTime")) if finished else None,
    )


def _pod(manifest: Manifest) -> Pod:
    metadata, status = manifest["metadata"], manifest.get("status", {})
    container = _main_container(status.get("containerStatuses", ()))
    conditions = {item["type"]: item for item in status.get("conditions", ())}
    scheduled, disruption = conditions.get("PodScheduled", {}), conditions.get("DisruptionTarget", {})
    container_state = container.get("state", {})
    waiting, running = container_state.get("waiting", {}), container_state.get("running", {})
    terminated = _terminated(container_state.get("terminated"))
    return Pod(
        name=metadata["name"],
        uid=metadata["uid"],
        job_uid=_owner_uid(manifest),
        role=metadata["labels"].get(LABEL_ROLE, ""),
        phase=status.get("phase", "Pending"),
        deleted="deletionTimestamp" in metadata or "gone" in manifest,
        gone="gone" in manifest,
        unschedulable=scheduled.get("message", "") if scheduled.get("status") == "False" else None,
        scheduled=_time(scheduled.get("lastTransitionTime")) if scheduled.get("status") == "True" else None,
        waiting=waiting.get("reason", ""),
        waiting_message=waiting.get("message", ""),
        started=_time(running.get("startedAt")) or (terminated.started if terminated else None),
        terminated=terminated,
        disruption=disruption.get("reason", "") if disruption.get("status") == "True" else None,
        reason=status.get("reason", ""),
        message=status.get("message", ""),
        created=datetime.fromisoformat(metadata["creationTimestamp"]),
    )


def _workload(manifest: Manifest) -> Workload:
    conditions = {item["type"]: item for item in manifest.get("status", {}).get("conditions", ())}
    reserved, evicted = conditions.get("QuotaReserved", {}), conditions.get("Evicted", {})
    waits = reserved.get("status") == "False"
    return Workload(
        job_uid=_owner_uid(manifest),
        reason=reserved.get("reason", "") if waits else "",
        message=reserved.get("message", "") if waits else "",
        evicted=evicted.get("message", "") if evicted.get("status") == "True" else "",
    )


def _by_job(workload: Workload) -> str:
    return workload.job_uid


def _main_container(statuses: Iterable[Manifest]) -> Manifest:
    return next((item for item in statuses if item["name"] == CONTAINER), {})


def _terminated(document: Manifest | None) -> Terminated | None:
    if not document:
        return None
    return Terminated(
        exit_code=document["exitCode"],
        reason=document.get("reason", ""),
        message=document.get("message", ""),
        started=_time(document.get("startedAt")),
        finished=_time(document.get("finishedAt")),
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None

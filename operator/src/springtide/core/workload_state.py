"""What is: Jobs and how their pods fare, read from what the API server said.

Nothing here decides. Objects of a namesake predecessor are told apart by uid, so that an object that was deleted and
made again does not take over its predecessor's Jobs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from springtide.api.constants import CONTAINER, LABEL_ATTEMPT, LABEL_ROLE, LABEL_UID, Role
from springtide.core.decision import Manifest


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


def jobs_of(parent: Manifest, children: Iterable[Manifest]) -> tuple[Job, ...]:
    """The Jobs among the children that belong to the parent, by name."""
    uid = parent["metadata"]["uid"]
    own = (child for child in children if child["kind"] == "Job" and owner_uid(child) == uid)
    return tuple(sorted((_job(job) for job in own), key=lambda job: job.name))


def pods_of(parent: Manifest, children: Iterable[Manifest]) -> tuple[Pod, ...]:
    """The pods among the children that were made for the parent, the oldest first."""
    uid = parent["metadata"]["uid"]
    own = (child for child in children if child["kind"] == "Pod" and child["metadata"]["labels"].get(LABEL_UID) == uid)
    return tuple(sorted((_pod(pod) for pod in own), key=lambda pod: (pod.created, pod.uid)))


def predecessors_of(parent: Manifest, children: Iterable[Manifest]) -> tuple[str, ...]:
    """Names of Jobs that belong to an earlier object of this name. A Job that only carries our labels does not."""
    jobs = (child for child in children if child["kind"] == "Job")
    return tuple(sorted(job["metadata"]["name"] for job in jobs if _has_predecessor(job, parent)))


def newest_pod(job: Job, pods: Sequence[Pod]) -> Pod | None:
    """The newest pod of a Job, if there is one."""
    return max((pod for pod in pods if pod.job_uid == job.uid), key=lambda pod: pod.created, default=None)


def _has_predecessor(job: Manifest, parent: Manifest) -> bool:
    owners = job["metadata"].get("ownerReferences", ())
    owner = next((owner for owner in owners if owner.get("controller")), None)
    return bool(owner and owner["kind"] == parent["kind"] and owner["uid"] != parent["metadata"]["uid"])


def owner_uid(manifest: Manifest) -> str:
    """The uid of the controller of an object; empty where it has none."""
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
    ended = terminated(container_state.get("terminated"))
    return Pod(
        name=metadata["name"],
        uid=metadata["uid"],
        job_uid=owner_uid(manifest),
        role=metadata["labels"].get(LABEL_ROLE, ""),
        phase=status.get("phase", "Pending"),
        deleted="deletionTimestamp" in metadata or "gone" in manifest,
        gone="gone" in manifest,
        unschedulable=scheduled.get("message", "") if scheduled.get("status") == "False" else None,
        scheduled=_time(scheduled.get("lastTransitionTime")) if scheduled.get("status") == "True" else None,
        waiting=waiting.get("reason", ""),
        waiting_message=waiting.get("message", ""),
        started=_time(running.get("startedAt")) or (ended.started if ended else None),
        terminated=ended,
        disruption=disruption.get("reason", "") if disruption.get("status") == "True" else None,
        reason=status.get("reason", ""),
        message=status.get("message", ""),
        created=datetime.fromisoformat(metadata["creationTimestamp"]),
    )


def _main_container(statuses: Iterable[Manifest]) -> Manifest:
    return next((item for item in statuses if item["name"] == CONTAINER), {})


def terminated(document: Manifest | None) -> Terminated | None:
    """How a container ended, as its status says it; None where it did not."""
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

"""The Job around a workload's pod, and the task that it is given."""

from dataclasses import dataclass
from typing import Any

from springtide.api.constants import (
    API_VERSION,
    CONTAINER,
    LABEL_ATTEMPT,
    LABEL_KIND,
    LABEL_NAME,
    LABEL_ROLE,
    LABEL_UID,
    TASK_VARIABLE,
    Role,
)
from springtide.api.platform import Platform
from springtide.api.task import ExitCode, Owner, TaskBase
from springtide.api.workload import Resources
from springtide.core.decision import Child

TASK_BYTES = 98_304
"""The largest task: Linux takes 128 KiB for one environment variable, and a Job's template is stored with it."""

WORKLOADS_ARGS = ("run",)


@dataclass(frozen=True)
class Parent:
    """The object that a Job belongs to."""

    kind: str
    namespace: str
    name: str
    uid: str

    def owner(self, attempt: int) -> Owner:
        """The object, as its tasks know it."""
        return Owner(kind=self.kind, namespace=self.namespace, name=self.name, uid=self.uid, attempt=attempt)


def workload_job(
    parent: Parent,
    *,
    name: str,
    role: Role,
    attempt: int,
    pod: dict[str, Any],
    platform: Platform,
    backoff_limit: int,
    labels: dict[str, str] | None = None,
    suspend: bool | None = None,
) -> Child:
    """A Job of the object around a pod.

    The failure policy ends the Job at once where another pod of the same Job could not help: we make the next
    attempt ourselves. Exit codes of a program that was told to stop are not in it, because a queue's preemption
    looks the same and must not fail the Job.
    """
    own = {
        LABEL_KIND: parent.kind,
        LABEL_NAME: parent.name,
        LABEL_ROLE: role,
        LABEL_ATTEMPT: str(attempt),
    }
    spec: dict[str, Any] = {
        "backoffLimit": backoff_limit,
        "completions": 1,
        "parallelism": 1,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": {"rules": [_USER_ERROR, _DISRUPTED if backoff_limit == 0 else _REPLACED]},
        "ttlSecondsAfterFinished": platform.job_ttl_seconds,
        "template": {"metadata": {"labels": own | {LABEL_UID: parent.uid}}, "spec": pod},
    }
    if suspend is not None:
        spec["suspend"] = suspend
    manifest = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": parent.namespace,
            "labels": own | (labels or {}),
            "ownerReferences": [
                {
                    "apiVersion": API_VERSION,
                    "kind": parent.kind,
                    "name": parent.name,
                    "uid": parent.uid,
                    "controller": True,
                }
            ],
        },
        "spec": spec,
    }
    return Child(manifest)


_USER_ERROR = {
    "action": "FailJob",
    "onExitCodes": {"containerName": CONTAINER, "operator": "In", "values": [int(ExitCode.USER_ERROR)]},
}
_DISRUPTED = {"action": "FailJob", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
_REPLACED = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}


def task_env(task: TaskBase) -> dict[str, str]:
    """The environment that carries a task into its container."""
    return {TASK_VARIABLE: task.model_dump_json(by_alias=True, exclude_none=True)}


def resources_of(asked: Resources, default: Resources) -> Resources:
    """What the spec asks for; where it does not say, the platform's default, but never a request above a limit."""
    if not asked.requests and not asked.limits:
        return default
    requests = {key: value for key, value in default.requests.items() if key not in asked.limits} | asked.requests
    return Resources(requests=requests, limits=asked.limits)


def task_problem(task: TaskBase) -> str | None:
    """What is wrong with the size of a task, if anything."""
    size = len(task_env(task)[TASK_VARIABLE].encode())
    if size <= TASK_BYTES:
        return None
    return f"spec: the task has {size} bytes, more than the {TASK_BYTES} that fit into a container; name fewer columns"

"""The Job of one attempt, and its task."""

from typing import Any

from springtide.api.constants import (
    API_VERSION,
    CONTAINER,
    LABEL_ATTEMPT,
    LABEL_KIND,
    LABEL_KUEUE_QUEUE,
    LABEL_NAME,
    LABEL_ROLE,
    LABEL_UID,
    TASK_VARIABLE,
    Role,
)
from springtide.api.task import ExitCode, Owner, TaskBase, TaskData, TrainTask
from springtide.api.workload import Resources
from springtide.core.decision import Child
from springtide.core.training_run.attempts import name_of
from springtide.core.training_run.snapshot import TrainingRunSnapshot
from springtide.core.workload_pod import SOURCE_MOUNT, Program, pod_spec

TASK_BYTES = 98_304
"""The largest task: Linux takes 128 KiB for one environment variable, and a Job's template is stored with it."""

WORKLOADS_ARGS = ("run",)


def result_uri(run: TrainingRunSnapshot, number: int) -> str:
    """Where the result of an attempt is written, and looked for by a recovery."""
    return f"{run.platform.artifacts_uri.rstrip('/')}/results/{run.uid}/a{number}.json"


def owner_of(run: TrainingRunSnapshot, number: int) -> Owner:
    """The run, as its tasks know it."""
    return Owner(kind="TrainingRun", namespace=run.namespace, name=run.name, uid=run.uid, attempt=number)


def training_task(run: TrainingRunSnapshot, number: int) -> TrainTask:
    """What the container is told to do. Model and experiment carry the namespace: two teams may use one name."""
    spec = run.spec
    assert spec is not None, "a run whose spec does not parse has no task"
    source = spec.data.source
    model_name = f"{run.namespace}.{spec.model.name}"
    return TrainTask(
        owner=owner_of(run, number),
        store_uri=run.platform.artifacts_uri,
        result_uri=result_uri(run, number),
        model_name=model_name,
        experiment=model_name,
        tracking_uri=run.platform.tracking_uri,
        data=TaskData(
            uri=source.uri or f"file://{SOURCE_MOUNT}/{source.volume.path if source.volume else ''}",
            digest=spec.data.digest,
            split=spec.data.split,
        ),
        recipe=spec.recipe,
        target=spec.target,
        features=spec.features,
        evaluation=spec.evaluation,
        seed=spec.seed,
        memoize=spec.memoize,
    )


def attempt_job(run: TrainingRunSnapshot, number: int) -> Child:
    """The Job of an attempt: one pod, no restarts. A queue, where one is named, lets it start."""
    spec = run.spec
    assert spec is not None, "a run whose spec does not parse has no Job"
    task = training_task(run, number)
    if spec.container:
        own = spec.container
        program = Program(own.image, own.command, own.args, _task_env(task), "FallbackToLogsOnError")
    else:
        program = Program(run.platform.workloads_image, None, WORKLOADS_ARGS, _task_env(task))
    pod = pod_spec(
        program,
        platform=run.platform,
        resources=_resources(spec.resources, run.platform.resources),
        overrides=spec.overrides,
        source_claim=spec.data.source.volume.claim_name if spec.data.source.volume else None,
    )
    queue = {LABEL_KUEUE_QUEUE: spec.queue_name} if spec.queue_name else {}
    return workload_job(
        run,
        name=name_of(run, number),
        role=Role.ATTEMPT,
        number=number,
        pod=pod,
        backoff_limit=0,
        labels=queue,
        # Kueue lets the Job start. It would suspend the Job itself, but not while its webhook is being rolled out.
        suspend=True if queue else None,
    )


def workload_job(
    run: TrainingRunSnapshot,
    *,
    name: str,
    role: Role,
    number: int,
    pod: dict[str, Any],
    backoff_limit: int,
    labels: dict[str, str] | None = None,
    suspend: bool | None = None,
) -> Child:
    """A Job of the run around a pod.

    The failure policy ends the Job at once where another pod of the same Job could not help: we make the next
    attempt ourselves. Exit codes of a program that was told to stop are not in it, because a queue's preemption
    looks the same and must not fail the Job.
    """
    own = {
        LABEL_KIND: "TrainingRun",
        LABEL_NAME: run.name,
        LABEL_ROLE: role,
        LABEL_ATTEMPT: str(number),
    }
    spec: dict[str, Any] = {
        "backoffLimit": backoff_limit,
        "completions": 1,
        "parallelism": 1,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": {"rules": [_USER_ERROR, _DISRUPTED if role is Role.ATTEMPT else _REPLACED]},
        "ttlSecondsAfterFinished": run.platform.job_ttl_seconds,
        "template": {"metadata": {"labels": own | {LABEL_UID: run.uid}}, "spec": pod},
    }
    if suspend is not None:
        spec["suspend"] = suspend
    manifest = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": run.namespace,
            "labels": own | (labels or {}),
            "ownerReferences": [
                {
                    "apiVersion": API_VERSION,
                    "kind": "TrainingRun",
                    "name": run.name,
                    "uid": run.uid,
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


def _task_env(task: TaskBase) -> dict[str, str]:
    return {TASK_VARIABLE: task.model_dump_json(by_alias=True, exclude_none=True)}


def _resources(asked: Resources, default: Resources) -> Resources:
    """What the run asks for; where it does not say, the platform's default, but never a request above a limit."""
    if not asked.requests and not asked.limits:
        return default
    requests = {key: value for key, value in default.requests.items() if key not in asked.limits} | asked.requests
    return Resources(requests=requests, limits=asked.limits)


def task_problem(run: TrainingRunSnapshot) -> str | None:
    """What is wrong with the size of the task, if anything."""
    size = len(_task_env(training_task(run, 1))[TASK_VARIABLE].encode())
    if size <= TASK_BYTES:
        return None
    return f"spec: the task has {size} bytes, more than the {TASK_BYTES} that fit into a container; name fewer columns"

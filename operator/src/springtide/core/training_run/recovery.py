"""The result survived, the pod did not: a small Job that reads it where the pod left it.

Finished work is never done twice because the pod that did it is gone.
"""

from datetime import datetime

from springtide.api.constants import Reason, Role
from springtide.api.task import RecoverTask
from springtide.api.workload import Overrides, Resources
from springtide.core import ending
from springtide.core.decision import Child, Deletion
from springtide.core.ending import Ending
from springtide.core.progress import SETTLING
from springtide.core.training_run.job import result_uri
from springtide.core.training_run.snapshot import TrainingRunSnapshot
from springtide.core.workload_job import WORKLOADS_ARGS, task_env, workload_job
from springtide.core.workload_pod import Program, pod_spec
from springtide.core.workload_state import Job

# What stopped the recovery, not the attempt. Its Job tries again.
_OWN_TROUBLE = frozenset({Reason.STORE_UNAVAILABLE, Reason.INTERRUPTED})
RESOURCES = Resources(requests={"cpu": "100m", "memory": "256Mi"}, limits={"memory": "512Mi"})


def recovery_job(run: TrainingRunSnapshot, number: int) -> Child:
    """The Job that recovers the result of an attempt. It reaches the artifact store as the attempt did."""
    assert run.spec is not None, "a run whose spec does not parse has nothing to recover"
    task = RecoverTask(
        owner=run.parent.owner(number), store_uri=run.platform.artifacts_uri, result_uri=result_uri(run, number)
    )
    pod = pod_spec(
        Program(run.platform.workloads_image, None, WORKLOADS_ARGS, task_env(task)),
        platform=run.platform,
        resources=RESOURCES,
        overrides=Overrides(
            env=run.spec.overrides.env,
            env_from=run.spec.overrides.env_from,
            service_account_name=run.spec.overrides.service_account_name,
        ),
    )
    return workload_job(
        run.parent,
        name=f"{run.name}-recover-a{number}",
        role=Role.RECOVERY,
        attempt=number,
        pod=pod,
        platform=run.platform,
        backoff_limit=3,
    )


def outcome(run: TrainingRunSnapshot, job: Job, *, now: datetime) -> Ending | Deletion | None:
    """What the recovery found: the ending of the attempt, a recovery to be repeated, or None while it runs."""
    endings = [
        end for pod in run.pods if pod.job_uid == job.uid and (end := ending.of_pod(pod, failed=Reason.TRAINING_FAILED))
    ]
    for end in endings:
        if end.result and end.result.reason not in _OWN_TROUBLE:
            return Ending(end.failure, end.reason, end.message, end.result, end.result.start_time, end.result.end_time)
    if not job.finished:
        return None
    if not endings:
        if abs(now - job.finished) < SETTLING:
            return None
        return Deletion("batch/v1", "Job", job.name, job.uid)
    return Ending(
        "Infrastructure", Reason.RESULT_LOST, "the pod vanished and no result of it was found in the artifact store"
    )

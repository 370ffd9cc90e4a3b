"""The Jobs of a rollout: one looks a version up, one for each step watches the candidate beside the stable version."""

from springtide.api.constants import Role
from springtide.api.model_service import Candidate
from springtide.api.task import JudgeTask, ResolveTask, TaskBase
from springtide.core.decision import Child
from springtide.core.model_service.observed import ObservedService
from springtide.core.model_service.track import PORT, model_label, pods_name
from springtide.core.workload_job import WORKLOADS_ARGS, task_env, workload_job
from springtide.core.workload_pod import Program, pod_spec


def name_of(service: ObservedService, candidate: Candidate) -> str:
    """The name of the Job of a candidate's phase: another for each step and each attempt."""
    what = "resolve" if candidate.phase == "Resolving" else f"judge-{candidate.step + 1}"
    return f"{service.name}-{candidate.number}-{what}-a{candidate.attempt}"


def phase_job(service: ObservedService, candidate: Candidate) -> Child:
    """The Job: one pod, no restarts, no resources of the servers'."""
    task = _resolve(service, candidate) if candidate.phase == "Resolving" else _judge(service, candidate)
    assert service.spec is not None, "a ModelService whose spec does not parse has no Jobs"
    pod = pod_spec(
        Program(service.platform.workloads_image, None, WORKLOADS_ARGS, task_env(task)),
        platform=service.platform,
        resources=service.platform.resources,
        overrides=service.spec.overrides,
    )
    return workload_job(
        service.parent,
        name=name_of(service, candidate),
        role=Role.RESOLVE if candidate.phase == "Resolving" else Role.JUDGE,
        attempt=candidate.attempt,
        pod=pod,
        platform=service.platform,
        backoff_limit=0,
    )


def _base(service: ObservedService, candidate: Candidate) -> dict[str, object]:
    root = service.platform.artifacts_uri.rstrip("/")
    return {
        "owner": service.parent.owner(candidate.attempt),
        "store_uri": service.platform.artifacts_uri,
        "result_uri": f"{root}/results/{service.uid}/{name_of(service, candidate)}.json",
    }


def _resolve(service: ObservedService, candidate: Candidate) -> TaskBase:
    assert service.spec is not None, "a ModelService whose spec does not parse has no Jobs"
    return ResolveTask.model_validate(
        _base(service, candidate)
        | {
            "tracking_uri": service.platform.tracking_uri,
            "model_name": f"{service.namespace}.{service.spec.model.name}",
            "version": candidate.version,
        }
    )


def _judge(service: ObservedService, candidate: Candidate) -> TaskBase:
    spec, stable = service.spec, service.status.stable
    assert spec is not None, "a ModelService whose spec does not parse has no Jobs"
    assert stable is not None, "a candidate is judged beside a stable version"
    assert candidate.digest is not None, "a candidate that is judged was looked up"
    return JudgeTask.model_validate(
        _base(service, candidate)
        | {
            "candidate_host": _host(service, candidate.digest),
            "stable_host": _host(service, stable.digest),
            "port": PORT,
            "seconds": spec.rollout.steps[candidate.step].pause_seconds,
            "min_samples": spec.rollout.min_samples,
            "checks": spec.rollout.checks,
        }
    )


def _host(service: ObservedService, digest: str) -> str:
    return f"{pods_name(service, model_label(digest))}.{service.namespace}.svc"

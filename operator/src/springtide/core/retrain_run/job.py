"""The Job of a phase, and its task: one judges, one sets the registry's alias, one sets it back, one keeps the record.

Each may be done again: equal evidence and equal records have an equal digest, and an alias that is set already stays.
So a Job that is gone is made again, and no result is ever recovered.
"""

from typing import Literal

from springtide.api.constants import ConditionType, Role
from springtide.api.retrain_run import Course
from springtide.api.task import Circumstances, EvaluateTask, PromoteTask, RecordTask, Registry, TaskBase, TaskData
from springtide.core.conditions import find
from springtide.core.decision import Child
from springtide.core.retrain_run.observed import ObservedRun
from springtide.core.workload_job import WORKLOADS_ARGS, resources_of, task_env, task_problem, workload_job
from springtide.core.workload_pod import Program, pod_spec

Work = Literal["evaluate", "promote", "restore", "record"]
_ROLES = {"evaluate": Role.EVALUATE, "promote": Role.PROMOTE, "restore": Role.PROMOTE, "record": Role.RECORD}


def work_of(run: ObservedRun) -> Work | None:
    """What a Job has to do in the phase; None: nothing more."""
    if run.status.job.done:
        return None
    if run.status.completion_time:
        return "record" if run.spec and run.status.plan else None
    match run.status.phase:
        case "Judging":
            return "evaluate"
        case "RollingOut" | "Watching":
            return "promote"
        case "RollingBack":
            return "restore"
    return None


def name_of(run: ObservedRun, work: Work) -> str:
    """The name of the Job's current attempt."""
    return f"{run.name}-{work}-a{run.status.job.attempt}"


def phase_job(run: ObservedRun, work: Work) -> Child:
    """The Job: one pod, no restarts, beside the data and with the rights of the training."""
    template, task = run.plan.template, _task(run, work)
    asked = template.resources if work == "evaluate" else run.platform.resources
    pod = pod_spec(
        Program(run.platform.workloads_image, None, WORKLOADS_ARGS, task_env(task)),
        platform=run.platform,
        resources=resources_of(asked, run.platform.resources),
        overrides=template.overrides,
    )
    return workload_job(
        run.parent,
        name=name_of(run, work),
        role=_ROLES[work],
        attempt=run.status.job.attempt,
        pod=pod,
        platform=run.platform,
        backoff_limit=0,
    )


def record_problem(run: ObservedRun) -> str | None:
    """Why the run's record cannot be written at all, if so: it may be too long for a container."""
    return task_problem(_record(run))


def _task(run: ObservedRun, work: Work) -> TaskBase:
    match work:
        case "evaluate":
            return _evaluate(run)
        case "promote" | "restore":
            return _promote(run, work)
        case "record":
            return _record(run)


def _base(run: ObservedRun, work: Work) -> dict[str, object]:
    root = run.platform.artifacts_uri.rstrip("/")
    return {
        "owner": run.parent.owner(run.status.job.attempt),
        "store_uri": run.platform.artifacts_uri,
        "result_uri": f"{root}/results/{run.uid}/{name_of(run, work)}.json",
    }


def _evaluate(run: ObservedRun) -> TaskBase:
    template, dataset = run.plan.template, run.status.dataset
    assert dataset is not None, "a run that judges has trained on a snapshot"
    root = run.platform.artifacts_uri.rstrip("/")
    return EvaluateTask.model_validate(
        _base(run, "evaluate")
        | {
            "data": TaskData(uri=dataset.uri, snapshot=dataset.digest, split=template.data.split),
            "target": template.target,
            "seed": template.seed,
            "challenger": run.challenger,
            "champion": run.status.champion,
            "registry": Registry(tracking_uri=run.platform.tracking_uri, model_name=_model_name(run)),
            "gates": run.plan.gates,
            "circumstances": Circumstances(
                run=run.name,
                policy=run.policy_name,
                generation=run.status.policy_generation or 0,
                trigger=run.trigger,
            ),
            "evidence_uri": f"{root}/evidence/{run.namespace}.{run.policy_name}/",
        }
    )


def _model_name(run: ObservedRun) -> str:
    return f"{run.namespace}.{run.plan.template.model.name}"


def _promote(run: ObservedRun, work: Work) -> TaskBase:
    model = run.challenger if work == "promote" else run.status.champion
    return PromoteTask.model_validate(
        _base(run, work)
        | {
            "tracking_uri": run.platform.tracking_uri,
            "model_name": _model_name(run),
            "version": model.version if model else None,
            "digest": model.digest if model else None,
        }
    )


def _record(run: ObservedRun) -> TaskBase:
    """Nothing in it changes from one attempt to the next, so that its record has one digest."""
    root = run.platform.artifacts_uri.rstrip("/")
    ready = find(run.status.conditions, ConditionType.READY)
    return RecordTask.model_validate(
        _base(run, "record")
        | {
            "policy": run.policy_name,
            "trigger": run.trigger,
            "reason": ready.reason if ready else "",
            "course": Course.model_validate(run.status.model_dump(include=set(Course.model_fields))),
            "records_uri": f"{root}/records/{run.namespace}.{run.policy_name}/",
        }
    )

"""The Job of one attempt, and its task."""

from springtide.api.constants import LABEL_KUEUE_QUEUE, Role
from springtide.api.task import TrainTask
from springtide.core.decision import Child
from springtide.core.source import claim_of
from springtide.core.training_run import dataset
from springtide.core.training_run.attempts import name_of
from springtide.core.training_run.snapshot import TrainingRunSnapshot
from springtide.core.workload_job import WORKLOADS_ARGS, resources_of, task_env, task_problem, workload_job
from springtide.core.workload_pod import Program, pod_spec


def result_uri(run: TrainingRunSnapshot, number: int) -> str:
    """Where the result of an attempt is written, and looked for by a recovery."""
    return f"{run.platform.artifacts_uri.rstrip('/')}/results/{run.uid}/a{number}.json"


def training_task(run: TrainingRunSnapshot, number: int) -> TrainTask:
    """What the container is told to do. Model and experiment carry the namespace: two teams may use one name."""
    spec = run.spec
    assert spec is not None, "a run whose spec does not parse has no task"
    model_name = f"{run.namespace}.{spec.model.name}"
    return TrainTask(
        owner=run.parent.owner(number),
        store_uri=run.platform.artifacts_uri,
        result_uri=result_uri(run, number),
        model_name=model_name,
        experiment=model_name,
        tracking_uri=run.platform.tracking_uri,
        data=dataset.task_data(run),
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
        program = Program(own.image, own.command, own.args, task_env(task), "FallbackToLogsOnError")
    else:
        program = Program(run.platform.workloads_image, None, WORKLOADS_ARGS, task_env(task))
    pod = pod_spec(
        program,
        platform=run.platform,
        resources=resources_of(spec.resources, run.platform.resources),
        overrides=spec.overrides,
        source_claim=claim_of(spec.data.source),
    )
    queue = {LABEL_KUEUE_QUEUE: spec.queue_name} if spec.queue_name else {}
    return workload_job(
        run.parent,
        name=name_of(run, number),
        role=Role.ATTEMPT,
        attempt=number,
        pod=pod,
        platform=run.platform,
        backoff_limit=0,
        labels=queue,
        # Kueue lets the Job start. It would suspend the Job itself, but not while its webhook is being rolled out.
        suspend=True if queue else None,
    )


def problem_of(run: TrainingRunSnapshot) -> str | None:
    """What is wrong with the task of the run, if anything."""
    return task_problem(training_task(run, 1))

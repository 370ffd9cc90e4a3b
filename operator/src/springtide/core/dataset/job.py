"""The Job of one refresh, and its task."""

from springtide.api.constants import Role
from springtide.api.dataset import CurrentRefresh
from springtide.api.task import SnapshotTask
from springtide.core.dataset.observed import ObservedDataset
from springtide.core.decision import Child
from springtide.core.source import claim_of, uri_of
from springtide.core.workload_job import WORKLOADS_ARGS, resources_of, task_env, workload_job
from springtide.core.workload_pod import Program, pod_spec


def name_of(dataset: ObservedDataset, refresh: CurrentRefresh) -> str:
    """The name of the Job of a refresh's current attempt."""
    return f"{dataset.name}-refresh-{refresh.number}-a{refresh.attempt}"


def snapshot_task(dataset: ObservedDataset, refresh: CurrentRefresh) -> SnapshotTask:
    """What the container is told to do.

    Who asks for a refresh wants the source to be read. The others read it only if it has changed since it was last.
    """
    spec, status, last = dataset.spec, dataset.status, dataset.status.last_refresh
    assert spec is not None, "a Dataset whose spec does not parse has no task"
    may_skip = refresh.trigger in ("Schedule", "Interval") and last is not None and last.demand == refresh.demand
    root = dataset.platform.artifacts_uri.rstrip("/")
    return SnapshotTask(
        owner=dataset.parent.owner(refresh.attempt),
        store_uri=dataset.platform.artifacts_uri,
        result_uri=f"{root}/results/{dataset.uid}/refresh-{refresh.number}-a{refresh.attempt}.json",
        uri=uri_of(spec.source),
        format=spec.source.format,
        keys=spec.keys,
        event_time_column=spec.event_time_column,
        available_time_column=spec.available_time_column,
        contract=spec.contract,
        known=status.latest.digest if status.latest else None,
        source_state=last.source_state if may_skip and last else None,
        remove=tuple(snapshot.digest for snapshot in status.removing),
    )


def refresh_job(dataset: ObservedDataset, refresh: CurrentRefresh) -> Child:
    """The Job of a refresh: one pod, no restarts."""
    spec = dataset.spec
    assert spec is not None, "a Dataset whose spec does not parse has no Job"
    pod = pod_spec(
        Program(dataset.platform.workloads_image, None, WORKLOADS_ARGS, task_env(snapshot_task(dataset, refresh))),
        platform=dataset.platform,
        resources=resources_of(spec.resources, dataset.platform.resources),
        overrides=spec.overrides,
        source_claim=claim_of(spec.source),
    )
    return workload_job(
        dataset.parent,
        name=name_of(dataset, refresh),
        role=Role.REFRESH,
        attempt=refresh.attempt,
        pod=pod,
        platform=dataset.platform,
        backoff_limit=0,
    )

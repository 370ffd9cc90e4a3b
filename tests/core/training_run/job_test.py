"""The Job of one attempt, its task, and what the user may set on it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from springtide.api.task import TASK, RecoverTask, TrainTask

from tests.core.training_run.world import World, a_run, create_run, vanished

GOLDEN = Path(__file__).parent / "golden"
KUEUE = frozenset({"kueue.x-k8s.io"})
ON_VOLUME = {
    "artifactsUri": "file:///artifacts",
    "artifactsVolume": {"claimName": "springtide-artifacts", "mountPath": "/artifacts", "storageClassName": "fast"},
}
RUNS: dict[str, Any] = {
    "recipe": a_run,
    "container-with-everything": lambda: a_run(
        platform=ON_VOLUME | {"envFromSecrets": ["s3"], "env": [{"name": "AWS_REGION", "value": "eu"}]},
        capabilities=KUEUE,
        recipe=None,
        container={"image": "me/train@sha256:" + "1" * 64, "command": ["python"], "args": ["-m", "train"]},
        data={"source": {"volume": {"claimName": "lake", "path": "churn/*.parquet"}}},
        queueName="gpu",
        resources={"requests": {"cpu": 2}, "limits": {"memory": "8Gi", "nvidia.com/gpu": 1}},
        overrides={
            "nodeSelector": {"pool": "gpu"},
            "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
            "priorityClassName": "batch",
            "runtimeClassName": "nvidia",
            "serviceAccountName": "trainer",
            "env": [{"name": "OMP_NUM_THREADS", "value": "4"}],
            "envFrom": [{"secretRef": {"name": "warehouse"}}],
            "volumes": [{"claimName": "cache", "mountPath": "/mnt/cache", "readOnly": False}],
        },
    ),
    "recovery": lambda: a_run().after(vanished()).pass_time(seconds=10),
}


def _job(run: World) -> dict[str, Any]:
    job = run.server.get("Job", run.jobs[-1])
    for name in ("uid", "resourceVersion", "creationTimestamp", "generation"):
        del job["metadata"][name]
    job.pop("status", None)
    return job


def _pod(run: World) -> dict[str, Any]:
    spec: dict[str, Any] = _job(run)["spec"]["template"]["spec"]
    return spec


def _task(run: World) -> TrainTask | RecoverTask:
    env = {item["name"]: item["value"] for item in _pod(run)["containers"][0]["env"]}
    return TASK.validate_json(env["SPRINGTIDE_TASK"])


@pytest.mark.parametrize("name", RUNS)
def test_the_job_is_the_one_that_was_reviewed(name: str) -> None:
    """Golden files; UPDATE_GOLDEN=1 writes them anew, and the diff is to be read."""
    path = GOLDEN / f"{name}.yaml"
    job = _job(RUNS[name]())
    for variable in job["spec"]["template"]["spec"]["containers"][0]["env"]:
        if variable["name"] == "SPRINGTIDE_TASK":
            variable["value"] = json.loads(variable["value"])
    text = yaml.safe_dump(job, sort_keys=True, width=120)
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("name", RUNS)
def test_every_pod_is_restricted(name: str) -> None:
    pod = _pod(RUNS[name]())
    container = pod["containers"][0]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["restartPolicy"] == "Never"
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & set(pod)
    assert all(set(volume) <= {"name", "emptyDir", "persistentVolumeClaim"} for volume in pod["volumes"])
    assert container["resources"]["requests"]
    assert container["resources"]["limits"]


def test_the_task_says_what_to_train_and_where_to_leave_the_result() -> None:
    run = a_run(seed=3)
    task = _task(run)
    assert isinstance(task, TrainTask)
    uid = run.server.get("TrainingRun", "churn")["metadata"]["uid"]
    assert task.owner.model_dump() == {
        "kind": "TrainingRun",
        "namespace": "team",
        "name": "churn",
        "uid": uid,
        "attempt": 1,
    }
    assert task.result_uri == f"s3://artifacts/springtide/results/{uid}/a1.json"
    assert task.model_name == "team.churn"
    assert task.seed == 3


def test_the_recovery_looks_where_the_attempt_left_its_result() -> None:
    run = a_run()
    left = _task(run).result_uri
    run.after(vanished()).pass_time(seconds=10)
    task = _task(run)
    assert isinstance(task, RecoverTask)
    assert task.result_uri == left


def test_what_the_task_needs_cannot_be_overridden() -> None:
    run = a_run(overrides={"env": [{"name": "HOME", "value": "/root"}, {"name": "SPRINGTIDE_TASK", "value": "{}"}]})
    env = {item["name"]: item["value"] for item in _pod(run)["containers"][0]["env"]}
    assert env["HOME"] == "/tmp"  # noqa: S108  # an emptyDir of the pod
    assert env["SPRINGTIDE_TASK"] != "{}"


def test_overrides_are_a_closed_list() -> None:
    run = a_run(overrides={"hostNetwork": True, "securityContext": {"runAsUser": 0}, "containers": [{"name": "x"}]})
    assert _pod(run) == _pod(a_run()) | {"containers": _pod(run)["containers"]}
    assert len(_pod(run)["containers"]) == 1


def test_a_request_is_never_above_a_limit() -> None:
    resources = _pod(a_run(resources={"limits": {"cpu": "100m", "memory": "64Mi"}}))["containers"][0]["resources"]
    assert resources == {"limits": {"cpu": "100m", "memory": "64Mi"}, "requests": {}}


def test_a_job_is_let_start_by_its_queue_only_where_one_is_named() -> None:
    assert "suspend" not in _job(a_run())["spec"]
    queued = _job(a_run(capabilities=KUEUE, queueName="gpu"))
    assert queued["spec"]["suspend"] is True
    assert queued["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "gpu"


def test_equal_runs_give_equal_jobs() -> None:
    assert _job(RUNS["container-with-everything"]()) == _job(RUNS["container-with-everything"]())


def test_the_artifact_volume_is_claimed_once_in_a_namespace_and_stays() -> None:
    run = a_run(platform=ON_VOLUME)
    claim = run.server.get("PersistentVolumeClaim", "springtide-artifacts")
    assert claim["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "10Gi"}},
        "storageClassName": "fast",
    }
    assert "ownerReferences" not in claim["metadata"]
    writes = [write for write in run.server.writes if write[1] == "persistentvolumeclaims"]
    assert len(writes) == 1
    run.edit(suspend=True)
    run.edit(suspend=False)
    assert run.attempt == 2
    assert [write for write in run.server.writes if write[1] == "persistentvolumeclaims"] == writes
    run.server.delete("TrainingRun", "churn")
    assert run.server.get("PersistentVolumeClaim", "springtide-artifacts") == claim


def test_an_s3_store_needs_no_claim() -> None:
    run = a_run()
    assert not list(run.server.all("PersistentVolumeClaim"))
    assert [volume["name"] for volume in _pod(run)["volumes"]] == ["tmp"]


def test_a_claim_that_the_user_made_is_used_as_it_is() -> None:
    run = World(platform=ON_VOLUME)
    metadata = {"name": "springtide-artifacts"}
    spec = {"storageClassName": "mine"}
    run.server.create({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec})
    create_run(run)
    run.settle()
    assert run.state == "Starting"
    assert run.server.get("PersistentVolumeClaim", "springtide-artifacts")["spec"] == spec

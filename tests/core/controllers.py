"""What the Job controller and the kubelet do, one step at a time."""

from datetime import datetime
from typing import Any

from tests.core.api_server import ApiServer, Manifest, stamp

ENDED = ("Succeeded", "Failed")


def sync_job(server: ApiServer, name: str, *, now: datetime) -> None:
    """One pass of the Job controller: replace pods, count failures, tell the end (podReplacementPolicy: Failed)."""
    job = server.get("Job", name)
    if finished(job):
        return
    pods = pods_of(server, job)
    if job["spec"].get("suspend"):
        for pod in pods:
            _stop(server, pod)
        server.update("Job", name, lambda it: _set_condition(it, "Suspended", "True", now))
        return
    if any(pod["status"]["phase"] == "Succeeded" for pod in pods):
        server.update("Job", name, lambda it: _set_condition(it, "Complete", "True", now))
        return
    lost = job.get("status", {}).get("created", 0) - len(pods)
    failed = lost + sum(pod["status"]["phase"] == "Failed" for pod in pods)
    if failed > job["spec"]["backoffLimit"]:
        server.update("Job", name, lambda it: _set_condition(it, "Failed", "True", now))
    elif all(pod["status"]["phase"] == "Failed" for pod in pods):
        _create_pod(server, job)


def sync_deployment(server: ApiServer, name: str) -> None:
    """As many pods as it asks for; the newest go first. A changed template is not rolled out here."""
    deployment = server.get("Deployment", name)
    pods = pods_of(server, deployment)
    staying = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    wanted = deployment["spec"]["replicas"]
    for pod in staying[wanted:]:
        server.delete("Pod", pod["metadata"]["name"])
    for _ in range(wanted - len(staying)):
        number = server.get("Deployment", name).get("status", {}).get("created", 0) + 1
        server.update("Deployment", name, lambda it, n=number: it.setdefault("status", {}).update(created=n))
        template = deployment["spec"]["template"]
        owner = {"kind": "Deployment", "name": name, "uid": deployment["metadata"]["uid"], "controller": True}
        metadata = {"name": f"{name}-{number}", "labels": template["metadata"]["labels"], "ownerReferences": [owner]}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
        server.create(pod | {"status": {"phase": "Pending"}})


def sync_inference_service(server: ApiServer, name: str) -> None:
    """What KServe makes of it in its Standard mode: a Deployment with its labels, and pods with those and more."""
    inference = server.get("InferenceService", name)
    metadata, predictor = inference["metadata"], inference["spec"]["predictor"]
    own = {**metadata["labels"], **predictor["labels"], "serving.kserve.io/inferenceservice": name}
    pod = {key: predictor[key] for key in predictor if key in ("containers", "volumes", "securityContext")}
    spec = {"replicas": predictor["minReplicas"], "template": {"metadata": {"labels": own}, "spec": pod}}
    found = server.objects.get(("Deployment", f"{name}-predictor"))
    if found:
        server.update("Deployment", f"{name}-predictor", lambda it: it.update(spec=spec))
        return
    owner = {"kind": "InferenceService", "name": name, "uid": metadata["uid"], "controller": True}
    of = {"name": f"{name}-predictor", "labels": own, "ownerReferences": [owner]}
    server.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": of, "spec": spec})


def _create_pod(server: ApiServer, job: Manifest) -> None:
    number = job.get("status", {}).get("created", 0) + 1
    name = job["metadata"]["name"]
    server.update("Job", name, lambda it: it.setdefault("status", {}).update(created=number))
    template = job["spec"]["template"]
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": job["metadata"]["uid"], "controller": True}
    server.create(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": f"{name}-{job['metadata']['uid']}-{number}",
                "labels": template["metadata"]["labels"],
                "ownerReferences": [owner],
            },
            "spec": template["spec"],
            "status": {"phase": "Pending"},
        }
    )


def _stop(server: ApiServer, pod: Manifest) -> None:
    """Suspension deletes the pods, and they are not counted as failures."""
    name, owner = pod["metadata"]["name"], pod["metadata"]["ownerReferences"][0]["name"]
    if "deletionTimestamp" in pod["metadata"] and pod["status"]["phase"] not in ENDED:
        return
    server.delete("Pod", name)
    if ("Pod", name) not in server.objects:
        server.update("Job", owner, lambda it: it["status"].update(created=it["status"]["created"] - 1))


def pods_of(server: ApiServer, job: Manifest) -> list[Manifest]:
    """The pods of a Job, the oldest first."""
    return [pod for pod in server.all("Pod") if pod["metadata"]["ownerReferences"][0]["uid"] == job["metadata"]["uid"]]


def finished(job: Manifest) -> bool:
    """Whether the Job is Complete or Failed."""
    return any(
        item["type"] in ("Complete", "Failed") and item["status"] == "True"
        for item in job.get("status", {}).get("conditions", ())
    )


def collect_garbage(server: ApiServer) -> None:
    """Delete what belongs to an owner that is gone."""
    uids = {item["metadata"]["uid"] for item in server.objects.values()}
    for kind in ("RetrainRun", "TrainingRun", "Job", "Deployment", "Pod"):
        for item in server.all(kind):
            owners = item["metadata"].get("ownerReferences", ())
            if owners and owners[0]["uid"] not in uids and "deletionTimestamp" not in item["metadata"]:
                server.delete(kind, item["metadata"]["name"])


def start_container(server: ApiServer, pod: str, *, now: datetime) -> None:
    """The kubelet has started the container."""
    set_container(server, pod, {"running": {"startedAt": stamp(now)}}, phase="Running")


def end_container(server: ApiServer, pod: str, *, now: datetime, exit_code: int, reason: str, message: str) -> None:
    """The container has ended by itself or was killed."""
    statuses = server.get("Pod", pod)["status"].get("containerStatuses", ())
    started = statuses[0]["state"].get("running", {}).get("startedAt") if statuses else None
    terminated = {
        "exitCode": exit_code,
        "reason": reason,
        "message": message,
        "startedAt": started,
        "finishedAt": stamp(now),
    }
    phase = "Failed" if exit_code else "Succeeded"
    set_container(server, pod, {"terminated": terminated}, phase=phase)


def set_container(server: ApiServer, pod: str, state: Manifest, *, phase: str) -> None:
    """The state of the pod's container."""
    container = server.get("Pod", pod)["spec"]["containers"][0]["name"]
    status = {"phase": phase, "containerStatuses": [{"name": container, "state": state}]}
    server.update("Pod", pod, lambda it: it["status"].update(status))


def set_pod_condition(
    server: ApiServer,
    pod: str,
    kind: str,
    truth: str,
    reason: str = "",
    message: str = "",
    *,
    at: datetime | None = None,
) -> None:
    """A condition of the pod, with its transition time where it matters."""

    def change(manifest: Manifest) -> None:
        others = [item for item in manifest["status"].get("conditions", ()) if item["type"] != kind]
        condition = {"type": kind, "status": truth, "reason": reason, "message": message}
        condition |= {"lastTransitionTime": stamp(at)} if at else {}
        manifest["status"]["conditions"] = [*others, condition]

    server.update("Pod", pod, change)


def _set_condition(manifest: Manifest, kind: str, truth: str, now: datetime) -> None:
    status: dict[str, Any] = manifest.setdefault("status", {})
    if any(item["type"] == kind and item["status"] == truth for item in status.get("conditions", ())):
        return
    others = [item for item in status.get("conditions", ()) if item["type"] != kind]
    condition = {"type": kind, "status": truth, "lastTransitionTime": stamp(now), "message": f"Job is {kind.lower()}"}
    status["conditions"] = [*others, condition]

"""ModelServices of the tests on the local cluster, and requests to them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.kind.cluster import Document, Namespace, Resource, example, workloads_image
from tests.kind.operator_pods import leader, wait_for_leader

LOAD = (Path(__file__).parent / "load.py").read_text()
SMALL = {"requests": {"cpu": "50m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}}


def a_service(name: str, *, backend: str = "Deployment", **rollout: Any) -> Document:
    (document,) = example("model-service.yaml")
    document["metadata"]["name"] = name
    document["spec"]["backend"] = backend
    document["spec"]["resources"] = SMALL
    document["spec"]["rollout"] = {
        "steps": [{"weight": 50, "pauseSeconds": 10}],
        "checks": [
            {"name": "errors", "metric": "ErrorRate", "max": 0.0},
            {"name": "scores", "metric": "ScorePsi", "max": 0.25},
        ],
        "minSamples": 100,
        "keepStableSeconds": 600,
        **rollout,
    }
    return document


@contextmanager
def serving(namespace: Namespace, service: Document) -> Iterator[str]:
    """Its name, once it answers. After the context it is deleted: idle servers take their share of a small machine."""
    name = str(service["metadata"]["name"])
    namespace.apply(service)
    try:
        namespace.wait_for_service(name, lambda found: found.ready == "True", what="to serve")
        yield name
    finally:
        namespace.kubectl("delete", "msvc", name, "--wait=false")


def ask_for(namespace: Namespace, name: str, version: str) -> None:
    patch = json.dumps({"spec": {"model": {"version": version}}})
    namespace.kubectl("patch", "msvc", name, "--type", "merge", "--patch", patch)


def progress(service: Resource) -> str:
    return str(service.conditions["Progressing"]["reason"])


def infer(namespace: Namespace, name: str, body: Document) -> Document:
    """One request, by way of the API server."""
    path = f"/api/v1/namespaces/{namespace.name}/services/{name}:80/proxy/v2/models/employment/infer"
    return dict(json.loads(namespace.kubectl("create", "--raw", path, "--filename", "-", stdin=json.dumps(body))))


@contextmanager
def under_load(namespace: Namespace, name: str, *, rate: int = 50, event_time: str | None = None) -> Iterator[Document]:
    """So many requests a second come in while the context lasts; afterwards the document says how they went.

    event_time: of them all; None: when they come.
    """
    pod = f"load-{name}"
    parameters = {"event_time": event_time} if event_time else {}
    namespace.apply(_load_pod(pod, parameters, url=f"http://{name}.{namespace.name}.svc", rate=rate))
    namespace.kubectl("wait", "--for=condition=Ready", f"pod/{pod}", "--timeout=60s")
    told: Document = {}
    try:
        yield told
        namespace.kubectl("exec", pod, "--", "touch", "/tmp/stop")  # noqa: S108
        namespace.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", f"pod/{pod}", "--timeout=60s")
        told.update(json.loads(namespace.kubectl("logs", pod).splitlines()[-1]))
    finally:
        namespace.kubectl("delete", "pod", pod, "--wait=false")


def _load_pod(name: str, parameters: dict[str, str], *, url: str, rate: int) -> Document:
    """Ready once its first request was answered."""
    pod = next(document for document in example("census-data.yaml") if document["kind"] == "Pod")
    pod["metadata"] = {"name": name}
    (main,) = pod["spec"]["containers"]
    main["image"] = workloads_image()
    arguments = [url, "employment", str(rate), "/data/employment-census", json.dumps(parameters)]
    main["command"] = ["python", "-c", LOAD, *arguments]
    main["resources"]["limits"]["memory"] = "512Mi"
    main["volumeMounts"].append({"name": "tmp", "mountPath": "/tmp"})  # noqa: S108
    pod["spec"]["volumes"].append({"name": "tmp", "emptyDir": {}})
    return pod


def servers_of(namespace: Namespace, name: str) -> list[Document]:
    pods = namespace.children("pods", name)
    return [pod for pod in pods if pod["metadata"]["labels"]["springtide.dev/role"] == "server"]


def label_of(service: Resource) -> str:
    return str(service.status["stable"]["digest"].removeprefix("sha256:")[:12])


def lose_leader_and_server(namespace: Namespace, system: Namespace, name: str) -> None:
    """The operator's leader is killed, as by a loss of power, and a server of the stable version is deleted, as by a
    drain. Returns once another replica leads.
    """
    holder = leader(system)
    system.kubectl("delete", "pod", holder, "--grace-period=0", "--force")
    stable = label_of(Resource(namespace.read("msvc", name)))
    servers = [pod["metadata"] for pod in servers_of(namespace, name)]
    server = next(pod["name"] for pod in servers if pod["labels"]["springtide.dev/model"] == stable)
    namespace.kubectl("delete", "pod", server, "--wait=false")
    wait_for_leader(system, other_than=holder)

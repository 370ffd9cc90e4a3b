"""A version takes over only when it was judged, and without a failed request; what fails goes back by itself."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.kind import volumes
from tests.kind.cluster import Document, Namespace, Resource, a_run, example, wait_for, workloads_image
from tests.kind.conftest import NewNamespace
from tests.kind.operator_pods import leader, wait_for_leader

LOAD = (Path(__file__).parent / "load.py").read_text()
REQUESTS_PER_SECOND = 50
WRITTEN = 'springtide_server_log_rows_total{outcome="written"}'
SMALL = {"requests": {"cpu": "50m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}}
ROUNDS = {"1": 100, "2": 110, "3": 1}
"""The versions: two that are nearly alike, and one that has hardly begun to learn, so that its scores lie elsewhere."""


@pytest.fixture(scope="module")
def serving_team(new_namespace: NewNamespace, census: Path) -> Namespace:
    """A namespace in whose registry three versions of the model `employment` are."""
    namespace = new_namespace("serving")
    volumes.load(namespace, census)
    for version, rounds in ROUNDS.items():
        run = a_run(f"version-{version}", recipe={"name": "gbdt", "parameters": {"numRounds": rounds}})
        namespace.apply(run)
        trained = namespace.wait_for_reason(f"version-{version}", "Succeeded")
        assert trained.status["model"]["version"] == version
    return namespace


def a_service(name: str, **rollout: Any) -> Document:
    (document,) = example("model-service.yaml")
    document["metadata"]["name"] = name
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


def serve(namespace: Namespace, service: Document) -> str:
    """Its name, once it answers."""
    namespace.apply(service)
    name = str(service["metadata"]["name"])
    namespace.wait_for_service(name, lambda found: found.ready == "True", what="to serve")
    return name


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
def under_load(namespace: Namespace, name: str) -> Iterator[Document]:
    """Requests come in while the context lasts; afterwards the document says how they went."""
    pod = f"load-{name}"
    namespace.apply(_load_pod(pod, url=f"http://{name}.{namespace.name}.svc"))
    namespace.kubectl("wait", "--for=condition=Ready", f"pod/{pod}", "--timeout=60s")
    told: Document = {}
    try:
        yield told
        namespace.kubectl("exec", pod, "--", "touch", "/tmp/stop")  # noqa: S108
        namespace.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", f"pod/{pod}", "--timeout=60s")
        told.update(json.loads(namespace.kubectl("logs", pod).splitlines()[-1]))
    finally:
        namespace.kubectl("delete", "pod", pod, "--wait=false")


def _load_pod(name: str, *, url: str) -> Document:
    """Ready once its first request was answered."""
    pod = next(document for document in example("census-data.yaml") if document["kind"] == "Pod")
    pod["metadata"] = {"name": name}
    (main,) = pod["spec"]["containers"]
    main["image"] = workloads_image()
    main["command"] = ["python", "-c", LOAD, url, "employment", str(REQUESTS_PER_SECOND), "/data/employment-census"]
    main["resources"]["limits"]["memory"] = "512Mi"
    main["volumeMounts"].append({"name": "tmp", "mountPath": "/tmp"})  # noqa: S108
    pod["spec"]["volumes"].append({"name": "tmp", "emptyDir": {}})
    return pod


def test_a_version_serves_once_it_has_proved_itself(serving_team: Namespace):
    document = a_service("first")
    document["spec"]["inferenceLog"] = {"flushSeconds": 1}
    name = serve(serving_team, document)
    service = Resource(serving_team.read("msvc", name))
    assert service.status["stable"]["version"] == "1"
    assert service.status["readyReplicas"] == 2
    header, row = serving_team.kubectl("get", "msvc", name).splitlines()
    assert header.split()[:4] == ["NAME", "READY", "STATE", "STABLE"]
    assert row.split()[:4] == [name, "True", "Serving", "1"]
    metadata = f"/api/v1/namespaces/{serving_team.name}/services/{name}:80/proxy/v2/models/employment"
    features = json.loads(serving_team.kubectl("get", "--raw", metadata))["inputs"]
    inputs = [
        {"name": one["name"], "datatype": one["datatype"], "shape": [1],
         "data": ["?" if one["datatype"] == "BYTES" else 30]}
        for one in features
    ]  # fmt: skip
    answer = infer(serving_team, name, {"inputs": inputs})
    assert answer["model_version"] == "1"
    assert 0 < answer["outputs"][0]["data"][0] < 1
    wait_for(
        lambda: sum(_rows_written(serving_team, pod) for pod in _servers(serving_team, name)) == 1,
        what="the row to be written down", seconds=60, state=lambda: serving_team.state(name, kind="msvc"),
    )  # fmt: skip


def _rows_written(namespace: Namespace, pod: Document) -> float:
    path = f"/api/v1/namespaces/{namespace.name}/pods/{pod['metadata']['name']}:8080/proxy/metrics"
    lines = namespace.kubectl("get", "--raw", path).splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(WRITTEN))


def test_a_version_takes_over_under_load_while_pods_are_killed(serving_team: Namespace, system: Namespace):
    name = serve(serving_team, a_service("takes-over"))
    with under_load(serving_team, name) as told:
        ask_for(serving_team, name, "2")
        serving_team.wait_for_service(name, lambda found: progress(found) == "Canary", what="to be watched")
        holder = leader(system)
        system.kubectl("delete", "pod", holder, "--grace-period=0", "--force")
        servers = serving_team.children("pods", name)
        stable = next(pod for pod in servers if pod["metadata"]["labels"]["springtide.dev/role"] == "server")
        serving_team.kubectl("delete", "pod", stable["metadata"]["name"], "--wait=false")
        wait_for_leader(system, other_than=holder)
        serving_team.wait_for_service(
            name, lambda found: found.status["stable"]["version"] == "2" and progress(found) == "TakenOver",
            what="to have taken over",
        )  # fmt: skip
        serving_team.kubectl("wait", "--for=condition=Ready", f"msvc/{name}", "--timeout=60s")
    assert told["failures"] == 0, told
    assert told["versions"].keys() == {"1", "2"}
    assert sum(told["versions"].values()) == told["sent"]


def test_a_version_whose_scores_lie_elsewhere_goes_back(serving_team: Namespace):
    name = serve(serving_team, a_service("goes-back"))
    with under_load(serving_team, name) as told:
        ask_for(serving_team, name, "3")
        service = serving_team.wait_for_service(
            name, lambda found: progress(found) == "Quarantined", what="to take version 3 back"
        )
    assert told["failures"] == 0, told
    assert service.status["stable"]["version"] == "1"
    assert service.ready == "True"
    (quarantined,) = service.status["quarantined"]
    assert (quarantined["version"], quarantined["reason"]) == ("3", "CheckFailed")
    assert "scores: PSI of the scores" in quarantined["message"]
    assert "at most 0.25" in service.conditions["Progressing"]["message"]
    wait_for(
        lambda: {pod["metadata"]["labels"].get("springtide.dev/model") for pod in _servers(serving_team, name)}
        == {_label(service)},
        what="the servers of version 3 to be gone", seconds=60, state=lambda: serving_team.state(name, kind="msvc"),
    )  # fmt: skip


def _servers(namespace: Namespace, name: str) -> list[Document]:
    pods = namespace.children("pods", name)
    return [pod for pod in pods if pod["metadata"]["labels"]["springtide.dev/role"] == "server"]


def _label(service: Resource) -> str:
    return str(service.status["stable"]["digest"].removeprefix("sha256:")[:12])


def test_a_version_that_is_not_registered_is_told_and_the_stable_one_goes_on(serving_team: Namespace):
    name = serve(serving_team, a_service("unknown"))
    ask_for(serving_team, name, "99")
    service = serving_team.wait_for_service(
        name, lambda found: "99" in found.conditions["Progressing"]["message"] and progress(found) != "Resolving",
        what="to say that there is no version 99",
    )  # fmt: skip
    assert service.ready == "True"
    assert service.status["stable"]["version"] == "1"
    ask_for(serving_team, name, "1")
    serving_team.wait_for_service(name, lambda found: progress(found) == "TakenOver", what="to be content again")

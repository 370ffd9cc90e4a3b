"""A version takes over only when it was judged, and without a failed request; what fails goes back by itself."""

import json

from tests.kind.cluster import Document, Namespace, Resource, wait_for
from tests.kind.serving.conftest import Serve
from tests.kind.serving.services import (
    a_service,
    ask_for,
    infer,
    label_of,
    lose_leader_and_server,
    progress,
    servers_of,
    under_load,
)

WRITTEN = 'springtide_server_log_rows_total{outcome="written"}'


def test_a_version_serves_once_it_has_proved_itself(serving_team: Namespace, serve: Serve):
    document = a_service("first")
    document["spec"]["inferenceLog"] = {"flushSeconds": 1}
    name = serve(document)
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
        lambda: sum(_rows_written(serving_team, pod) for pod in servers_of(serving_team, name)) == 1,
        what="the row to be written down", seconds=60, state=lambda: serving_team.state(name, kind="msvc"),
    )  # fmt: skip


def _rows_written(namespace: Namespace, pod: Document) -> float:
    path = f"/api/v1/namespaces/{namespace.name}/pods/{pod['metadata']['name']}:8080/proxy/metrics"
    lines = namespace.kubectl("get", "--raw", path).splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(WRITTEN))


def test_a_version_takes_over_under_load_while_pods_are_killed(
    serving_team: Namespace, serve: Serve, system: Namespace
):
    name = serve(a_service("takes-over"))
    with under_load(serving_team, name, rate=100) as told:
        ask_for(serving_team, name, "2")
        serving_team.wait_for_service(name, lambda found: progress(found) == "Canary", what="to be watched")
        lose_leader_and_server(serving_team, system, name)
        serving_team.wait_for_service(
            name, lambda found: found.status["stable"]["version"] == "2" and progress(found) == "TakenOver",
            what="to have taken over",
        )  # fmt: skip
        serving_team.kubectl("wait", "--for=condition=Ready", f"msvc/{name}", "--timeout=60s")
    assert told["failures"] == 0, told
    assert told["versions"].keys() == {"1", "2"}
    assert sum(told["versions"].values()) == told["sent"]
    assert told["sent"] > 80 * told["seconds"], "as many were sent as were meant"


def test_a_version_whose_scores_lie_elsewhere_goes_back(serving_team: Namespace, serve: Serve):
    name = serve(a_service("goes-back"))
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
        lambda: {pod["metadata"]["labels"].get("springtide.dev/model") for pod in servers_of(serving_team, name)}
        == {label_of(service)},
        what="the servers of version 3 to be gone", seconds=60, state=lambda: serving_team.state(name, kind="msvc"),
    )  # fmt: skip


def test_a_version_that_is_not_registered_is_told_and_the_stable_one_goes_on(serving_team: Namespace, serve: Serve):
    name = serve(a_service("unknown"))
    ask_for(serving_team, name, "99")
    service = serving_team.wait_for_service(
        name, lambda found: "99" in found.conditions["Progressing"]["message"] and progress(found) != "Resolving",
        what="to say that there is no version 99",
    )  # fmt: skip
    assert service.ready == "True"
    assert service.status["stable"]["version"] == "1"
    ask_for(serving_team, name, "1")
    serving_team.wait_for_service(name, lambda found: progress(found) == "TakenOver", what="to be content again")

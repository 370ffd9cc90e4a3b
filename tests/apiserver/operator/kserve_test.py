"""An operator beside KServe's API, without KServe: what it makes, what it mends, and that it outlives the API."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.apiserver.operator.team import Team, wait
from tests.apiserver.server import ApiServer

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
KIND = "inferenceservices.serving.kserve.io"
DIGEST = "sha256:" + "1" * 64
RESOLVED = {
    "status": "Succeeded",
    "reason": "Resolved",
    "message": "found",
    "model": {"name": "team.pd", "version": "1", "digest": DIGEST, "uri": "s3://artifacts/models/1"},
}


@pytest.fixture
def kserve(api_server: ApiServer) -> Iterator[None]:
    """The kind InferenceService, of which anything may be said."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1beta1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": anything, "status": anything}}},
    }
    names = {"kind": "InferenceService", "plural": "inferenceservices", "singular": "inferenceservice"}
    spec = {"group": "serving.kserve.io", "scope": "Namespaced", "names": names, "versions": [version]}
    crd = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": KIND}}
    api_server.request("POST", CRDS, crd | {"spec": spec}).raise_for_status()
    api_server.kubectl("wait", "--for=condition=Established", f"crd/{KIND}", "--timeout=30s")
    yield
    api_server.request("DELETE", f"{CRDS}/{KIND}")


def a_service(team: Team) -> str:
    """The path of a ModelService."""
    path = f"/apis/springtide.dev/v1alpha1/namespaces/{team.namespace}/modelservices"
    spec = {"model": {"name": "pd", "version": "1"}, "resources": {"requests": {"cpu": "10m"}}}
    body = {"apiVersion": "springtide.dev/v1alpha1", "kind": "ModelService", "metadata": {"name": "pd"}, "spec": spec}
    team.send("POST", path, body)
    return f"{path}/pd"


def inference_services(team: Team) -> list[Any]:
    path = f"/apis/serving.kserve.io/v1beta1/namespaces/{team.namespace}/inferenceservices"
    return list(team.send("GET", path)["items"])


def told(team: Team, path: str) -> str:
    conditions = team.send("GET", path).get("status", {}).get("conditions", ())
    return next((str(item["reason"]) for item in conditions if item["type"] == "Progressing"), "")


def test_an_inference_service_is_made_and_made_again_and_the_end_of_kserve_is_survived(
    team: Team,
    kserve: None,  # noqa: ARG001
) -> None:
    with team.operator() as operator:
        path = a_service(team)
        team.end("pd-1-resolve-a1", message=RESOLVED)
        (made,) = wait("an InferenceService", lambda: inference_services(team))
        assert made["spec"]["predictor"]["minReplicas"] == 1 + 1
        assert team.send("GET", path)["status"]["backend"] == "KServe"
        of = f"/apis/serving.kserve.io/v1beta1/namespaces/{team.namespace}/inferenceservices/{made['metadata']['name']}"
        team.send("DELETE", of)
        (again,) = wait("another InferenceService", lambda: inference_services(team), seconds=40)
        assert again["metadata"]["uid"] != made["metadata"]["uid"]
        team.send("PATCH", of, {"spec": {"predictor": {"minReplicas": 7}}})
        wait(
            "its number of servers to be as before",
            lambda: inference_services(team)[0]["spec"]["predictor"]["minReplicas"] == 1 + 1,
            seconds=40,
        )
        team.send("DELETE", f"{CRDS}/{KIND}")
        wait("the end of KServe to be told", lambda: told(team, path) == "CapabilityMissing", seconds=60)
        assert operator.is_running
        assert operator.is_leading
        assert "defect of Springtide" not in operator.words()

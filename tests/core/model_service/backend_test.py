"""What runs the servers is chosen once; whichever it is, a service behaves the same."""

import json
from typing import Any

import pytest
from springtide.api.constants import KSERVE

from tests.core.api_server import Manifest
from tests.core.model_service.world import NAME, World, a_service, label


def inference_service(world: World, version: str) -> Manifest:
    return world.server.get("InferenceService", f"{NAME}-{label(version)}")


def kinds(world: World) -> set[str]:
    """Of what the operator made for the servers."""
    owned = [item for item in world.server.objects.values() if item["metadata"].get("ownerReferences")]
    return {item["kind"] for item in owned if item["metadata"]["ownerReferences"][0]["kind"] == "ModelService"}


@pytest.mark.parametrize(
    ("kserve", "spec", "chosen"),
    [
        (True, {}, "KServe"),
        (False, {}, "Deployment"),
        (True, {"backend": "Deployment"}, "Deployment"),
        (True, {"backend": "KServe"}, "KServe"),
    ],
)
def test_the_backend_is_chosen_by_the_spec_and_the_cluster(*, kserve: bool, spec: dict[str, Any], chosen: str) -> None:
    world = a_service(kserve=kserve, **spec).serve("1")
    assert world.status["backend"] == chosen
    assert kinds(world) & {"Deployment", "InferenceService"} == {
        {"KServe": "InferenceService", "Deployment": "Deployment"}[chosen]
    }


def test_the_choice_stays_when_kserve_comes() -> None:
    world = a_service().serve("1")
    world.capabilities = frozenset({KSERVE})
    world.restart()
    world.settle().ask_for("2").serve("2")
    assert world.status["backend"] == "Deployment"
    assert "InferenceService" not in kinds(world)


def test_a_service_from_before_there_was_a_choice_stays_on_its_deployments() -> None:
    world = a_service().serve("1")
    world.server.update("ModelService", NAME, lambda it: it["status"].pop("backend"))
    world.capabilities = frozenset({KSERVE})
    world.restart()
    assert world.settle().status["backend"] == "Deployment"


def test_kserve_where_it_is_not_installed_is_told_and_nothing_is_made() -> None:
    world = a_service(backend="KServe")
    assert world.told("Ready") == ("False", "CapabilityMissing")
    assert "install KServe" in world.message("Ready")
    assert kinds(world) == set()
    world.capabilities = frozenset({KSERVE})
    world.restart()
    assert world.settle().serve("1").stable == "1"


def test_a_version_takes_over_on_kserve_as_it_does_elsewhere() -> None:
    world = a_service(kserve=True, replicas={"min": 4}).serve("1").ask_for("2").resolve("2")
    assert (world.replicas("1"), world.replicas("2"), world.asked) == (4, 1, {"1"})
    world.start_servers("2").judge("Passed")
    assert (world.replicas("2"), world.asked) == (4, {"1", "2"})
    world.start_servers("2").judge("Passed")
    assert (world.stable, world.asked) == ("2", {"2"})
    world.pass_time(seconds=3600)
    assert ("InferenceService", f"{NAME}-{label('1')}") not in world.server.objects


def test_a_model_that_fails_its_proof_on_kserve_is_told_in_its_own_words() -> None:
    world = a_service(kserve=True).serve("1").ask_for("2").resolve("2")
    world.refuse_to_start("2", reason="DigestMismatch", message="model.txt has other bytes than its manifest says")
    assert world.status["quarantined"][0]["reason"] == "DigestMismatch"
    assert "other bytes" in world.message("Progressing")
    assert ("InferenceService", f"{NAME}-{label('2')}") not in world.server.objects


def test_a_kserve_that_makes_no_servers_is_told_and_the_model_is_not_blamed() -> None:
    world = World()
    world.capabilities = frozenset({KSERVE})
    world.restart()
    world.create(backend="KServe")
    world.capabilities = frozenset()  # KServe's own controller is down
    world.resolve("1").pass_time(days=1)
    assert world.told("Ready") == ("Unknown", "Loading")
    assert "KServe has made no server of version 1 yet" in world.message("Ready")
    said = {"type": "PredictorReady", "status": "False", "reason": "ReconcileFailed", "message": "invalid domain name"}
    name = f"{NAME}-{label('1')}"
    world.server.update("InferenceService", name, lambda it: it.update(status={"conditions": [said]}))
    assert "ReconcileFailed: invalid domain name" in world.settle().message("Ready")
    assert not world.status.get("quarantined")


def test_kserve_is_told_how_to_run_the_servers_and_nothing_else() -> None:
    found = inference_service(a_service(kserve=True).serve("1"), "1")
    annotations, labels = found["metadata"]["annotations"], found["metadata"]["labels"]
    assert found["apiVersion"] == "serving.kserve.io/v1beta1"
    assert annotations[f"{KSERVE}/deploymentMode"] == "Standard"
    assert annotations[f"{KSERVE}/autoscalerClass"] == "none"
    assert labels["networking.kserve.io/visibility"] == "cluster-local"
    predictor = found["spec"]["predictor"]
    assert (predictor["minReplicas"], predictor["maxReplicas"]) == (2, 2)
    assert predictor["deploymentStrategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert predictor["securityContext"]["runAsNonRoot"] is True
    assert predictor["automountServiceAccountToken"] is False
    (container,) = predictor["containers"]
    assert container["name"] == "kserve-container"
    assert container["readinessProbe"]["httpGet"]["path"] == "/v2/health/ready"
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_a_server_that_answers_late_for_want_of_processors_keeps_its_requests() -> None:
    (container,) = inference_service(a_service(kserve=True).serve("1"), "1")["spec"]["predictor"]["containers"]
    readiness, liveness = container["readinessProbe"], container["livenessProbe"]
    assert readiness["timeoutSeconds"] * readiness["failureThreshold"] >= 15
    assert liveness["timeoutSeconds"] >= readiness["timeoutSeconds"]


def test_more_servers_do_not_change_what_the_pods_are_made_from() -> None:
    world = a_service(kserve=True).serve("1")
    before = inference_service(world, "1")
    after = inference_service(world.edit(replicas={"min": 5}), "1")
    assert after["spec"]["predictor"]["minReplicas"] == 5
    assert after["metadata"]["annotations"] == before["metadata"]["annotations"], "KServe repeats them on the pods"
    for each in (before, after):
        each["spec"]["predictor"] |= {"minReplicas": 0, "maxReplicas": 0}
    assert json.dumps(after["spec"]) == json.dumps(before["spec"])


def test_what_somebody_changes_or_deletes_in_kserve_is_mended() -> None:
    world = a_service(kserve=True).serve("1")
    name = f"{NAME}-{label('1')}"
    world.server.update("InferenceService", name, lambda it: it["spec"]["predictor"].update(minReplicas=9))
    assert world.settle().replicas("1") == 2
    world.server.delete("InferenceService", name)
    assert world.settle().replicas("1") == 2
    assert world.start_servers("1").told("Ready") == ("True", "Serving")


def test_a_settled_service_on_kserve_is_not_written_to() -> None:
    world = a_service(kserve=True).serve("1").pass_time(days=1)
    writes = len(world.server.writes)
    world.restart()
    world.pass_time(days=30)
    assert world.server.writes[writes:] == []


def test_a_kserve_that_is_gone_is_told() -> None:
    world = a_service(kserve=True).serve("1")
    world.capabilities = frozenset()
    world.restart()
    assert world.settle().told("Progressing") == ("False", "CapabilityMissing")
    assert world.told("Ready") == ("True", "Serving")

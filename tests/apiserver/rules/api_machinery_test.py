"""What the API server does with a document that it accepts."""

import json

import pytest

from tests.apiserver.rules.documents import changed
from tests.apiserver.rules.kinds.training_run import TRAINING_RUN
from tests.apiserver.rules.written import NOW
from tests.apiserver.server import ApiServer

GROUP = "/apis/springtide.dev/v1alpha1"
MINIMAL = {
    "apiVersion": "springtide.dev/v1alpha1",
    "kind": "TrainingRun",
    "metadata": {"name": "run"},
    "spec": {
        "model": {"name": "m"},
        "data": {"source": {"uri": "s3://b/k"}},
        "recipe": {"name": "gbdt"},
        "target": {"column": "y"},
    },
}


@pytest.fixture
def path(namespace: str) -> str:
    return f"{GROUP}/namespaces/{namespace}/trainingruns"


def test_defaults_that_a_person_should_see_are_filled_in_and_no_others(api_server: ApiServer, path: str):
    created = api_server.request("POST", path, MINIMAL).json()
    assert created["spec"] == {
        "model": {"name": "m"},
        "data": {"source": {"uri": "s3://b/k"}, "split": {"type": "Random", "testFraction": 0.2}},
        "recipe": {"name": "gbdt"},
        "target": {"column": "y", "task": "BinaryClassification"},
        "seed": 7,
        "retry": {"infrastructure": 10, "user": 0},
        "memoize": True,
        "suspend": False,
    }
    assert "status" not in created


def test_an_object_given_in_part_gets_the_rest_of_its_defaults(api_server: ApiServer, path: str):
    partial = changed(
        MINIMAL,
        {
            "spec.retry": {"user": 2},
            "spec.overrides": {
                "tolerations": [{"key": "gpu"}],
                "volumes": [{"claimName": "c", "mountPath": "/data/c"}],
            },
            "spec.data.source": {"volume": {"claimName": "c"}},
        },
    )
    spec = api_server.request("POST", path, partial).json()["spec"]
    assert spec["retry"] == {"infrastructure": 10, "user": 2}
    assert spec["overrides"]["tolerations"] == [{"key": "gpu", "operator": "Equal"}]
    assert spec["overrides"]["volumes"] == [{"claimName": "c", "mountPath": "/data/c", "readOnly": True}]
    assert spec["data"]["source"]["volume"]["path"] == "."


def test_an_unknown_field_is_refused_by_name(api_server: ApiServer, path: str):
    misspelt = changed(MINIMAL, {"spec.retries": {"user": 1}})
    reply = api_server.request("POST", path, misspelt, fieldValidation="Strict")
    assert reply.status_code == 400
    assert 'unknown field "spec.retries"' in reply.json()["message"]


def test_an_unknown_field_is_dropped_for_a_client_that_does_not_ask(api_server: ApiServer, path: str):
    newer = changed(MINIMAL, {"spec.fromTheFuture": 1, "spec.recipe.parameters": {"any": [{"thing": None}]}})
    spec = api_server.request("POST", path, newer, fieldValidation="Ignore").json()["spec"]
    assert "fromTheFuture" not in spec
    assert spec["recipe"]["parameters"] == {"any": [{"thing": None}]}


def test_a_null_is_as_if_it_were_not_there(api_server: ApiServer, path: str):
    document = json.loads(json.dumps(MINIMAL))
    document["spec"] |= {"seed": None, "queueName": None}
    spec = api_server.request("POST", path, document).json()["spec"]
    assert spec["seed"] == 7
    assert "queueName" not in spec


def test_a_status_is_written_through_its_own_resource_only(api_server: ApiServer, path: str):
    created = api_server.request("POST", path, TRAINING_RUN.document()).json()
    assert "status" not in created

    name = created["metadata"]["name"]
    assert "status" not in api_server.request("PUT", f"{path}/{name}", created | {"status": {"attempt": 3}}).json()

    through_status = created | {
        "status": TRAINING_RUN.document()["status"],
        "spec": created["spec"] | {"suspend": False},
    }
    written = api_server.request("PUT", f"{path}/{name}/status", through_status).json()
    assert written["status"] == TRAINING_RUN.document()["status"]
    assert written["spec"] == created["spec"]
    assert written["metadata"]["generation"] == created["metadata"]["generation"]


def test_the_table_of_kubectl_shows_what_a_person_wants(api_server: ApiServer, namespace: str, path: str):
    created = api_server.request("POST", path, TRAINING_RUN.document()).json()
    status = {
        "attempt": 2,
        "metrics": {"auc": 0.781},
        "model": {"name": "pd-12m", "version": "7"},
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "reason": "Succeeded",
                "message": "Version 7.",
                "lastTransitionTime": NOW,
            }
        ],
    }
    api_server.request("PUT", f"{path}/it/status", created | {"status": status}).raise_for_status()
    header, row = (
        line.split() for line in api_server.kubectl("get", "trun", "-n", namespace, "-o", "wide").splitlines()
    )
    assert header == ["NAME", "READY", "STATE", "ATTEMPT", "AUC", "MODEL", "VERSION", "AGE", "MESSAGE"]
    assert row[:7] == ["it", "True", "Succeeded", "2", "0.781", "pd-12m", "7"]
    assert row[-2:] == ["Version", "7."]


def test_the_category_finds_the_objects(api_server: ApiServer, namespace: str, path: str):
    api_server.request("POST", path, MINIMAL).raise_for_status()
    assert api_server.kubectl("get", "springtide", "-n", namespace, "-o", "name") == "trainingrun.springtide.dev/run\n"


def test_every_field_is_explained(api_server: ApiServer):
    explained = api_server.kubectl("explain", "trainingrun.spec", "--recursive=false")
    assert "Which columns the model sees." in explained


def test_two_appliers_own_their_own_items_of_a_list(api_server: ApiServer, namespace: str):
    # The spec cannot change afterwards: both apply the same, and the item that both name is owned by both.
    for manager in ("team", "platform"):
        api_server.kubectl(
            "apply", "--server-side", f"--field-manager={manager}", "-n", namespace, "-f", "-",
            document=json.dumps(changed(MINIMAL, {"spec.overrides": {"env": [{"name": "A", "value": "1"}]}})),
        )  # fmt: skip
    managed = json.loads(
        api_server.kubectl("get", "trun", "run", "-n", namespace, "-o", "json", "--show-managed-fields")
    )
    owners = {entry["manager"]: json.dumps(entry["fieldsV1"]) for entry in managed["metadata"]["managedFields"]}
    assert all(r"k:{\"name\":\"A\"}" in owners[manager] for manager in ("team", "platform"))

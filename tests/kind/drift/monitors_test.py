"""What a service is asked is held against what its model was trained on: drift, broken data and calm are told apart."""

from pathlib import Path

import pytest

from tests.kind import volumes
from tests.kind.cluster import Namespace, Resource, a_run, example
from tests.kind.conftest import NewNamespace
from tests.kind.drift.monitors import a_monitor, replay
from tests.kind.serving.services import SMALL

SERVICE = "employment"
ROWS = 2_000


@pytest.fixture(scope="module")
def watched(new_namespace: NewNamespace, census: Path) -> Namespace:
    """A namespace in which a model of all years is served and what it is asked is written down."""
    namespace = new_namespace("drift")
    volumes.load(namespace, census)
    namespace.apply(a_run("trained", features={"exclude": ["person_id"]}))
    namespace.wait_for_reason("trained", "Succeeded")
    (service,) = example("model-service.yaml")
    service["spec"] |= {"replicas": {"min": 1}, "resources": SMALL, "inferenceLog": {"flushSeconds": 1}}
    namespace.apply(service)
    namespace.wait_for_service(SERVICE, lambda found: found.ready == "True", what="to serve")
    return namespace


def wait_for_window(namespace: Namespace, name: str, end: str) -> Resource:
    """The monitor, once it has judged the day that ends then."""
    return namespace.wait_for_monitor(
        name, lambda found: found.status.get("lastWindow", {}).get("end") == end, what=f"to judge until {end}"
    )


def worst(monitor: Resource) -> dict[str, str]:
    """Why, for each column that is told of."""
    return {item["column"]: item["reason"] for item in monitor.status["lastWindow"]["drifted"] if "slice" not in item}


def test_drift_and_broken_data_are_told_apart_day_by_day(watched: Namespace):
    watched.apply(a_monitor("asked", {"modelServiceRef": {"name": SERVICE}}, everySeconds=10))
    replay(
        watched,
        SERVICE,
        {"date": "2018-03-01", "rows": ROWS},
        {"date": "2018-03-02", "rows": ROWS},
        {"date": "2018-03-03", "rows": ROWS, "older": 60},
        {"date": "2018-03-04", "rows": ROWS, "scale": {"age": 12}, "null": ["education"]},
    )
    monitor = wait_for_window(watched, "asked", "2018-03-04T00:00:00Z")
    assert monitor.conditions["Drifted"]["status"] == "True"
    assert monitor.conditions["DataBroken"]["status"] == "False"
    assert worst(monitor)["age"] == "Drifted"
    assert [item["verdict"] for item in monitor.status["history"]] == ["Drifted", "Stable", "Stable"]
    assert {item["rows"] for item in monitor.status["history"]} == {ROWS}
    row = watched.kubectl("get", "driftmonitor", "asked").splitlines()[1].split()
    assert row[:4] == ["asked", "True", "Judged", "Drifted"]

    replay(watched, SERVICE, {"date": "2018-03-05", "rows": ROWS})
    monitor = wait_for_window(watched, "asked", "2018-03-05T00:00:00Z")
    assert monitor.conditions["DataBroken"]["status"] == "True"
    assert (monitor.conditions["Drifted"]["status"], monitor.conditions["Drifted"]["reason"]) == (
        "Unknown",
        "DataBroken",
    )
    assert {name: worst(monitor)[name] for name in ("age", "education")} == {
        "age": "RangeBreak",
        "education": "NullSpike",
    }


def test_a_snapshot_is_held_against_the_model_of_a_run(watched: Namespace):
    dataset = next(document for document in example("dataset.yaml") if document["kind"] == "Dataset")
    dataset["metadata"]["name"] = "census"
    dataset["spec"]["source"] = {"volume": {"claimName": "census", "path": "employment-census"}}
    dataset["spec"].pop("contract", None)
    watched.apply(dataset)
    baseline = {"trainingRunRef": {"name": "trained"}}
    watched.apply(a_monitor("snapshots", {"datasetRef": {"name": "census"}}, baseline=baseline))
    monitor = watched.wait_for_monitor("snapshots", lambda found: found.ready == "True", what="to have judged")
    window = monitor.status["lastWindow"]
    assert window["baseline"] == watched.run("trained").status["model"]["digest"]
    assert window["snapshot"] == watched.read("dataset", "census")["status"]["latest"]["digest"]
    assert window["reportUri"].startswith("file://")


def test_a_service_that_is_not_there_is_named(watched: Namespace):
    watched.apply(a_monitor("blind", {"modelServiceRef": {"name": "nobody"}}))
    monitor = watched.wait_for_monitor("blind", lambda found: found.ready == "False", what="to say what is missing")
    assert (monitor.reason, monitor.message) == ("ModelServiceNotReady", "there is no ModelService nobody")

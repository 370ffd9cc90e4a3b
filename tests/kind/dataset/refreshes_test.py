"""Sources are read, checked and kept, whatever is in them and whatever happens meanwhile."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kind import volumes
from tests.kind.cluster import Document, Namespace, Resource, a_run, example, wait_for
from tests.kind.conftest import NewNamespace
from tests.kind.operator_pods import no_operator, wait_for_leader
from tests.kind.volumes import Shelf

CONTRACT = {
    "columns": [
        {"name": "age", "type": "Float", "min": 0, "max": 120},
        {"name": "employed", "type": "Boolean", "nullable": False},
    ]
}
SMALL = {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "1Gi"}}


@pytest.fixture(scope="module")
def data_team(new_namespace: NewNamespace, census: Path) -> Namespace:
    namespace = new_namespace("dataset")
    volumes.load(namespace, census)
    return namespace


@pytest.fixture(scope="module")
def shelf(data_team: Namespace) -> Iterator[Shelf]:
    with volumes.shelf(data_team) as shelf:
        yield shelf


def a_dataset(name: str, path: str, **spec: Any) -> Document:
    return {
        "apiVersion": "springtide.dev/v1alpha1",
        "kind": "Dataset",
        "metadata": {"name": name},
        "spec": {"source": {"volume": {"claimName": "census", "path": path}}, "resources": SMALL, **spec},
    }


def refreshed(namespace: Namespace, name: str, *, number: int = 1, seconds: float = 90) -> Resource:
    """The Dataset after its refresh of this number."""
    return namespace.wait_for_dataset(
        name,
        lambda dataset: dataset.status.get("lastRefresh", {}).get("number", 0) >= number,
        what=f"to end refresh {number}",
        seconds=seconds,
    )


def ask(namespace: Namespace, name: str, value: str) -> None:
    namespace.kubectl("annotate", "dataset", name, f"springtide.dev/refresh={value}", "--overwrite")


def test_the_example_is_read_and_a_run_trains_on_its_snapshot(data_team: Namespace):
    (run,) = example("training-run-dataset.yaml")
    run["spec"]["recipe"]["parameters"] = {"numRounds": 20}
    # In one go, as a person would: the run waits for the snapshot.
    data_team.apply(*example("dataset.yaml"), run)
    trained = data_team.wait_for_reason("employment-dataset", "Succeeded")
    data_team.kubectl("wait", "--for=condition=Ready", "dataset/census", "--timeout=5s")
    dataset = Resource(data_team.read("dataset", "census"))
    latest = dataset.status["latest"]
    assert trained.status["dataset"] == {"name": "census", "digest": latest["digest"], "uri": latest["uri"]}
    assert trained.status["inputs"]["digest"] == latest["digest"]
    assert latest["rows"] == 4 * volumes.PEOPLE_A_YEAR
    assert dataset.conditions["ContractMet"]["status"] == "True"
    header, row = data_team.kubectl("get", "dset", "census").splitlines()
    assert header.split() == ["NAME", "READY", "STATE", "ROWS", "LATEST", "AGE"]
    assert row.split()[:4] == ["census", "True", "Refreshed", "8000"]


def test_equal_content_is_no_new_snapshot_and_other_content_is(data_team: Namespace, shelf: Shelf):
    shelf.copy("employment-census", "grows")
    data_team.apply(a_dataset("grows", "grows"))
    first = refreshed(data_team, "grows").status
    ask(data_team, "grows", "again")
    second = refreshed(data_team, "grows", number=2).status
    assert second["lastRefresh"]["outcome"] == "Unchanged"
    assert second["snapshots"] == first["snapshots"]
    shelf.copy("employment-census/part.parquet", "grows/more.parquet")
    ask(data_team, "grows", "once more")
    third = refreshed(data_team, "grows", number=3).status
    assert third["latest"]["rows"] == 2 * first["latest"]["rows"]
    assert [item["digest"] for item in third["snapshots"]] == [third["latest"]["digest"], first["latest"]["digest"]]


def test_by_interval_and_by_schedule_a_source_is_looked_at_and_read_once_it_has_changed(
    data_team: Namespace, shelf: Shelf
):
    shelf.copy("employment-census", "watched")
    data_team.apply(
        a_dataset("watched", "watched", refresh={"onChangeSeconds": 30}),
        a_dataset("scheduled", "employment-census", refresh={"schedule": "* * * * *"}),
    )
    first = refreshed(data_team, "watched").status["latest"]
    looked = refreshed(data_team, "watched", number=2, seconds=150)
    last = looked.status["lastRefresh"]
    assert (last["trigger"], last["outcome"], last["message"]) == ("Interval", "Unchanged", "the file is as it was")
    assert (looked.ready, looked.reason) == ("True", "Refreshed")
    assert looked.status["latest"] == first
    shelf.copy("employment-census/part.parquet", "watched/more.parquet")
    grown = data_team.wait_for_dataset(
        "watched",
        lambda dataset: dataset.status["latest"]["rows"] == 2 * first["rows"],
        what="to be read again by itself",
        seconds=150,
    )
    assert (grown.status["lastRefresh"]["trigger"], len(grown.status["snapshots"])) == ("Interval", 2)
    came_round = refreshed(data_team, "scheduled", number=2, seconds=150).status["lastRefresh"]
    assert (came_round["trigger"], came_round["outcome"]) == ("Schedule", "Unchanged")
    assert came_round["dueTime"].endswith(":00Z")
    data_team.kubectl("delete", "dataset", "watched", "scheduled")


def test_what_breaks_the_contract_is_told_and_never_published(data_team: Namespace, shelf: Shelf):
    shelf.copy("employment-census", "spoils")
    data_team.apply(a_dataset("spoils", "spoils", contract=CONTRACT))
    good = refreshed(data_team, "spoils").status["latest"]
    shelf.copy("all-null/part.parquet", "spoils/more.parquet")
    ask(data_team, "spoils", "bad")
    spoilt = refreshed(data_team, "spoils", number=2)
    met = spoilt.conditions["ContractMet"]
    assert (met["status"], met["reason"]) == ("False", "ContractViolated")
    assert "column employed, nullable:" in met["message"]
    assert spoilt.ready == "True"
    assert spoilt.status["latest"] == good


def test_csv_is_read_by_the_types_of_the_contract(data_team: Namespace, shelf: Shelf):
    shelf.write("a.csv", "csv", "id,age,employed\n1,30,true\n2,,false\n")
    document = a_dataset("csv", "csv/*.csv", contract=CONTRACT)
    document["spec"]["source"]["format"] = "Csv"
    data_team.apply(document)
    assert refreshed(data_team, "csv").status["latest"]["rows"] == 2
    shelf.write("b.csv", "csv", "id,age,employed\n3,old,true\n")
    ask(data_team, "csv", "bad")
    message = refreshed(data_team, "csv", number=2).status["lastRefresh"]["message"]
    assert "b.csv" in message
    assert "age" in message


@pytest.mark.parametrize(
    ("path", "reason", "says"),
    [
        ("corrupt", "DataCorrupt", "part.parquet"),
        ("nowhere", "DataNotFound", "nowhere"),
        ("empty", "DataNotFound", "empty"),
    ],
)
def test_a_source_that_cannot_be_read_says_why(path: str, reason: str, says: str, data_team: Namespace):
    data_team.apply(a_dataset(path, path))
    dataset = refreshed(data_team, path)
    assert (dataset.ready, dataset.reason) == ("False", reason)
    assert says in dataset.message
    assert dataset.conditions["Stalled"]["status"] == "True"


def test_a_run_waits_for_a_dataset_that_comes_later(data_team: Namespace):
    source = {"datasetRef": {"name": "later"}}
    data_team.apply(a_run("early", data=source))
    waiting = data_team.wait_for_run("early", lambda run: run.reason == "DatasetNotReady", what="to wait")
    assert "there is no Dataset later" in waiting.message
    data_team.apply(a_dataset("later", "employment-census"))
    data_team.wait_for_reason("early", "Succeeded")


def test_a_refresh_survives_the_loss_of_its_pod(data_team: Namespace):
    data_team.apply(a_dataset("loses", "employment-census"))
    wait_for(
        lambda: data_team.children("pods", "loses"), what="a pod", seconds=30,
        state=lambda: data_team.state("loses", kind="dataset"),
    )  # fmt: skip
    data_team.kubectl("delete", "pods", "--selector", "springtide.dev/name=loses", "--grace-period=0", "--force")
    status = refreshed(data_team, "loses").status
    assert status["lastRefresh"]["outcome"] in ("Refreshed", "Unchanged")
    assert status["latest"]["rows"] == 4 * volumes.PEOPLE_A_YEAR


def test_a_refresh_goes_on_while_no_operator_is_there(data_team: Namespace, system: Namespace):
    data_team.apply(a_dataset("alone", "employment-census"))
    wait_for(
        lambda: data_team.children("jobs", "alone"), what="a Job", seconds=30,
        state=lambda: data_team.state("alone", kind="dataset"),
    )  # fmt: skip
    with no_operator(system):
        data_team.kubectl(
            "wait", "--for=condition=Complete", "job", "--selector", "springtide.dev/name=alone", "--timeout=60s"
        )
        ask(data_team, "alone", "meanwhile")
    wait_for_leader(system)
    status = refreshed(data_team, "alone", number=2).status
    assert status["lastRefresh"]["trigger"] == "Manual"
    assert len(status["snapshots"]) == 1


def test_old_snapshots_go_but_not_those_that_a_run_is_pinned_to(data_team: Namespace, shelf: Shelf):
    shelf.copy("employment-census", "many")
    data_team.apply(a_dataset("many", "many", retention={"snapshots": 1}))
    pinned = refreshed(data_team, "many").status["latest"]["digest"]
    data_team.apply(a_run("holds", data={"datasetRef": {"name": "many"}}, memoize=False))
    data_team.wait_for_reason("holds", "Succeeded")
    kept = []
    for number in (2, 3):
        shelf.copy("few-rows/part.parquet", f"many/{number}.parquet")
        ask(data_team, "many", str(number))
        kept.append(refreshed(data_team, "many", number=number).status["latest"]["digest"])
    ask(data_team, "many", "to remove")
    status = refreshed(data_team, "many", number=4).status
    assert [item["digest"] for item in status["snapshots"]] == [kept[1], pinned]
    data_team.apply(a_run("repeats", data={"datasetRef": {"name": "many"}, "digest": pinned}, memoize=False))
    again = data_team.wait_for_reason("repeats", "Succeeded")
    assert again.status["metrics"] == data_team.run("holds").status["metrics"]
    gone = a_run("too-late", data={"datasetRef": {"name": "many"}, "digest": kept[0]})
    data_team.apply(gone)
    late = data_team.wait_for_run("too-late", lambda run: run.reason == "SnapshotNotFound", what="to be refused")
    assert kept[0] in late.message

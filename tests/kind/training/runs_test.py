"""A TrainingRun is applied, trains on real data, and is in MLflow with its metrics."""

import json
import urllib.request
from typing import Any

import pytest

from tests.kind.cluster import Document, Namespace, Run, example

RUNS = ("employment-gbdt", "employment-mlp", "employment-container")


@pytest.fixture(scope="module")
def runs(team: Namespace) -> dict[str, Run]:
    """The examples, applied at once, ended."""
    team.apply(*(document for name in RUNS for document in _example(name)))
    return {name: team.wait_for_end(name) for name in RUNS}


def _example(name: str) -> list[Document]:
    return example(f"training-run-{name.rpartition('-')[2]}.yaml")


@pytest.fixture(params=["employment-gbdt", "employment-mlp"])
def trained(request: pytest.FixtureRequest, runs: dict[str, Run]) -> Run:
    return runs[request.param]


def test_every_example_succeeds_at_its_first_attempt(runs: dict[str, Run]) -> None:
    for run in runs.values():
        assert (run.ready, run.reason, run.endings) == ("True", "Succeeded", ["Succeeded"]), run.message


def test_conditions_tell_kubectl_argo_and_flux_that_it_is_done(trained: Run) -> None:
    status = {type_: condition["status"] for type_, condition in trained.conditions.items()}
    assert status == {
        "Ready": "True",
        "Succeeded": "True",
        "Queued": "False",
        "Reconciling": "False",
        "Stalled": "False",
    }
    assert trained.status["observedGeneration"] == trained.document["metadata"]["generation"]


def test_the_model_predicts_better_than_chance_and_says_how_sure_it_is(trained: Run) -> None:
    metrics = trained.status["metrics"]
    assert 0.8 < metrics["aucLow"] < metrics["auc"] < metrics["aucHigh"] < 1
    assert metrics["testRows"] == 2000, "the newest year is held out"
    assert f"AUC {metrics['auc']:.4f}" in trained.message


def test_what_was_read_and_what_was_made_are_pinned_by_digest(trained: Run) -> None:
    status = trained.status
    assert status["inputs"]["digest"].startswith("sha256:")
    assert status["inputs"]["rows"] == 8000
    assert status["model"]["digest"].startswith("sha256:")
    assert status["model"]["uri"].endswith(status["model"]["digest"].removeprefix("sha256:"))


def test_mlflow_shows_the_run_with_its_metrics_and_plots(trained: Run, mlflow_url: str) -> None:
    run_id = trained.status["mlflow"]["runId"]
    run = _ask(f"{mlflow_url}/api/2.0/mlflow/runs/get?run_id={run_id}")["run"]
    metrics = {metric["key"]: metric["value"] for metric in run["data"]["metrics"]}
    assert run["info"]["status"] == "FINISHED"
    assert metrics["auc"] == pytest.approx(trained.status["metrics"]["auc"], abs=1e-5)
    assert "slice/sex/female/auc" in metrics
    files = _ask(f"{mlflow_url}/api/2.0/mlflow/artifacts/list?run_id={run_id}&path=plots")["files"]
    assert {"plots/calibration.png", "plots/importance.png"} <= {file["path"] for file in files}


def test_the_registry_has_the_version_that_the_status_names(trained: Run, team: Namespace, mlflow_url: str) -> None:
    model = trained.status["model"]
    assert model["name"] == f"{team.name}.employment"
    url = f"{mlflow_url}/api/2.0/mlflow/model-versions/get?name={model['name']}&version={model['version']}"
    tags = {tag["key"]: tag["value"] for tag in _ask(url)["model_version"]["tags"]}
    assert tags["springtide.dev/model-digest"] == model["digest"]


def test_a_container_of_ones_own_says_its_own_metrics(runs: dict[str, Run]) -> None:
    run = runs["employment-container"]
    assert 0.5 < run.status["metrics"]["accuracy"] < 1
    assert run.message.endswith("of 2000 people told right")


def test_kubectl_get_tells_it_in_a_line(runs: dict[str, Run], team: Namespace) -> None:
    header, *lines = team.kubectl("get", "trun").splitlines()
    assert header.split() == ["NAME", "READY", "STATE", "ATTEMPT", "AUC", "VERSION", "AGE"]
    shown = {line.split()[0]: line.split()[1:-1] for line in lines}
    gbdt = runs["employment-gbdt"].status
    assert shown["employment-gbdt"] == [
        "True", "Succeeded", "1", str(gbdt["metrics"]["auc"]), gbdt["model"]["version"],
    ]  # fmt: skip
    assert max(map(len, lines)) < 100
    assert "held-out rows" in team.kubectl("get", "trun", "-o", "wide")


def test_kubectl_wait_ends_at_once(runs: dict[str, Run], team: Namespace) -> None:
    told = team.kubectl("wait", "--for=condition=Ready", *(f"trun/{name}" for name in runs), "--timeout=5s")
    assert told.count("condition met") == len(RUNS)


def test_equal_work_is_answered_by_the_model_that_is_there(runs: dict[str, Run], team: Namespace) -> None:
    again = _example("employment-gbdt")[0] | {"metadata": {"name": "employment-again"}}
    team.apply(again)
    run = team.wait_for_end("employment-again")
    before = runs["employment-gbdt"].status
    assert (run.ready, run.reason) == ("True", "Memoized")
    assert run.status["memo"]["hitFrom"] == f"{team.name}/employment-gbdt"
    assert run.status["model"] == before["model"]
    assert run.status["trainingSeconds"] < 30


def test_an_ended_run_owns_no_pod_that_still_runs(runs: dict[str, Run], team: Namespace) -> None:
    phases = {pod["status"]["phase"] for name in runs for pod in team.children("pods", name)}
    assert phases == {"Succeeded"}


def test_pods_get_no_token_of_the_cluster(runs: dict[str, Run], team: Namespace) -> None:
    for name in runs:
        for pod in team.children("pods", name):
            mounts = pod["spec"]["containers"][0]["volumeMounts"]
            assert not any("serviceaccount" in mount["mountPath"] for mount in mounts)


def _ask(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=20) as answer:  # noqa: S310  # MLflow on a port of this machine
        return json.load(answer)

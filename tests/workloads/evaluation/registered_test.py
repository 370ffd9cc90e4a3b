"""A champion that somebody deleted from MLflow, or put something else in the place of, is never judged by."""

import shutil
import socket
from pathlib import Path

import pytest
from mlflow import MlflowClient
from springtide.api.constants import Reason
from springtide.api.task import Registry
from springtide_workloads.errors import WorkloadError

from tests.workloads.builders import Place
from tests.workloads.evaluation.builders import a_model, an_evaluation, do, without

NAME = "team.pd"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """With an MLflow of its own."""
    return Place(root=tmp_path, tracking_uri=f"sqlite:///{tmp_path}/mlflow.db")


@pytest.fixture
def registry(place):
    return MlflowClient(place.tracking_uri, place.tracking_uri)


@pytest.fixture
def champion(loans, place, tmp_path):
    return a_model(place, loans, tmp_path, model=NAME, features=without("grade"))


@pytest.fixture
def task(loans, champion, place, tmp_path):
    challenger = a_model(place, loans, tmp_path, model=NAME)
    registry = Registry(tracking_uri=place.tracking_uri, model_name=NAME)
    return an_evaluation(place, loans, challenger, champion=champion, registry=registry)


def refused(task, root):
    with pytest.raises(WorkloadError) as raised:
        do(task, root)
    assert (raised.value.reason, raised.value.retryable) == (Reason.CHAMPION_NOT_FOUND, True)
    assert f"version 1 of {NAME}, the champion, " in raised.value.message
    assert "restore MLflow's database" in raised.value.message
    assert "create RetrainPolicy loop anew" in raised.value.message
    return raised.value.message


def test_a_version_that_is_deleted_is_told_and_the_run_goes_on_once_it_is_back(registry, task, tmp_path):
    backup = shutil.copy(tmp_path / "mlflow.db", tmp_path / "backup.db")
    registry.delete_model_version(NAME, "1")
    for _ in range(2):
        assert f"is gone: MLflow at {task.registry.tracking_uri} has no version 1" in refused(task, tmp_path)
    shutil.copy(backup, tmp_path / "mlflow.db")
    assert do(task, tmp_path).verdict.outcome == "Passed"


def test_a_registered_model_that_is_deleted_is_told(registry, task, tmp_path):
    registry.delete_registered_model(NAME)
    assert "is gone" in refused(task, tmp_path)


def test_a_version_that_is_another_model_by_now_is_told_by_digest(champion, registry, task, tmp_path):
    other = f"sha256:{'0' * 64}"
    registry.set_model_version_tag(NAME, "1", "springtide.dev/model-digest", other)
    said = refused(task, tmp_path)
    assert f"it is {other}, and the champion is {champion.digest}" in said


def test_a_version_that_was_made_by_hand_is_told(registry, task, tmp_path):
    registry.delete_registered_model(NAME)
    registry.create_registered_model(NAME)
    registry.create_model_version(NAME, "file:///elsewhere")
    assert "was not made by a TrainingRun" in refused(task, tmp_path)


def test_where_there_is_no_champion_nothing_is_looked_up(task, tmp_path):
    nowhere = Registry(tracking_uri="http://127.0.0.1:9", model_name=NAME)
    first = task.model_copy(update={"champion": None, "registry": nowhere})
    assert do(first, tmp_path).verdict.outcome == "Passed"


def test_an_mlflow_that_is_away_can_be_waited_for(task, tmp_path, monkeypatch):
    monkeypatch.setattr("springtide_workloads.tracking.probe.PAUSE_SECONDS", 0)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and never listens
        away = Registry(tracking_uri=f"http://127.0.0.1:{taken.getsockname()[1]}", model_name=NAME)
        with pytest.raises(WorkloadError) as raised:
            do(task.model_copy(update={"registry": away}), tmp_path)
    assert (raised.value.reason, raised.value.retryable) == (Reason.TRACKING_UNAVAILABLE, True)

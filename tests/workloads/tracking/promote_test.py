"""The registry's alias names the version that is asked for, or is left as it is and a person is told why."""

import socket
from datetime import UTC, datetime
from typing import Any

import pytest
from mlflow import MlflowClient
from springtide.api.constants import Reason
from springtide.api.task import PromoteTask, Result
from springtide_workloads.errors import WorkloadError
from springtide_workloads.tracking.promote import promote

from tests.workloads.builders import Place, a_task, do

OTHER = f"sha256:{'0' * 64}"


def set_alias(place: Place, name: str, **fields: Any) -> Result:
    task = PromoteTask(
        owner=a_task(place, "file:///nowhere").owner,
        store_uri=place.store,
        result_uri=f"{place.store}/results/promote.json",
        **{"tracking_uri": place.tracking_uri, "model_name": name} | fields,
    )
    return promote(task, start_time=datetime.now(UTC))


def alias_of(place: Place, name: str) -> str | None:
    found = MlflowClient(place.tracking_uri, place.tracking_uri).get_registered_model(name).aliases
    return None if "champion" not in found else str(found["champion"])


@pytest.fixture(scope="session")
def place(tmp_path_factory, tracking_uri):
    return Place(root=tmp_path_factory.mktemp("registry"), tracking_uri=tracking_uri)


@pytest.fixture(scope="session")
def model(loans, place):
    """The second version of a registered model."""
    first = do(a_task(place, loans), place.root)
    second = do(a_task(place, loans, model=first.model.name, parameters={"numRounds": 5}), place.root)
    assert second.model.version == "2"
    return second.model


def test_the_alias_is_set_and_setting_it_again_changes_nothing(model, place):
    for _ in range(2):
        result = set_alias(place, model.name, version="2", digest=model.digest)
        assert (result.status, result.reason) == ("Succeeded", Reason.PROMOTED)
        assert alias_of(place, model.name) == "2"
    set_alias(place, model.name, version="1")
    assert alias_of(place, model.name) == "1"


def test_the_alias_is_removed_and_removing_it_again_changes_nothing(model, place):
    set_alias(place, model.name, version="2")
    for _ in range(2):
        assert set_alias(place, model.name).reason == Reason.PROMOTED
        assert alias_of(place, model.name) is None
    assert set_alias(place, "never-registered").reason == Reason.PROMOTED


def test_a_version_that_is_gone_is_told_and_the_alias_stays(model, place):
    set_alias(place, model.name, version="1")
    for version, name in (("9", model.name), ("1", "never-registered")):
        with pytest.raises(WorkloadError, match="has no version") as raised:
            set_alias(place, name, version=version)
        assert raised.value.reason == Reason.MODEL_NOT_FOUND
    assert alias_of(place, model.name) == "1"


def test_a_version_with_another_digest_is_refused_and_the_alias_stays(model, place):
    set_alias(place, model.name, version="1")
    with pytest.raises(WorkloadError, match=f"is {model.digest}, but {OTHER} is asked for") as raised:
        set_alias(place, model.name, version="2", digest=OTHER)
    assert raised.value.reason == Reason.DIGEST_MISMATCH
    with pytest.raises(WorkloadError, match="left as it is"):
        set_alias(place, model.name, digest=OTHER)
    assert alias_of(place, model.name) == "1"


def test_a_version_that_no_run_made_is_refused(model, place):
    client = MlflowClient(place.tracking_uri, place.tracking_uri)
    strange = client.create_model_version(model.name, "file:///elsewhere")
    with pytest.raises(WorkloadError, match="not made by a TrainingRun") as raised:
        set_alias(place, model.name, version=str(strange.version))
    assert raised.value.reason == Reason.MODEL_NOT_FOUND


def test_an_alias_that_mlflow_does_not_accept_is_told_in_its_words(model, place):
    with pytest.raises(WorkloadError, match="refuses") as raised:
        set_alias(place, model.name, version="1", alias="latest!")
    assert (raised.value.reason, raised.value.retryable) == (Reason.PROMOTION_FAILED, False)


def test_an_mlflow_that_is_away_can_be_waited_for(place, monkeypatch):
    monkeypatch.setattr("springtide_workloads.tracking.probe.PAUSE_SECONDS", 0)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and never listens
        with pytest.raises(WorkloadError) as raised:
            set_alias(place, "any", version="1", tracking_uri=f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert raised.value.reason == Reason.TRACKING_UNAVAILABLE
    assert raised.value.retryable

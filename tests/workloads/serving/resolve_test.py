"""A version of a registered model is found with its files, or a person is told what is missing."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from springtide.api.constants import Reason
from springtide.api.task import ResolveTask, Result
from springtide_workloads.errors import WorkloadError
from springtide_workloads.serving.resolve import resolve

from tests.workloads.builders import Place, a_task, do


def look_up(place: Place, trained: Result, *, version: str = "", name: str = "") -> Result:
    assert trained.model is not None
    task = ResolveTask(
        owner=a_task(place, "file:///nowhere").owner,
        store_uri=place.store,
        result_uri=f"{place.store}/results/resolve.json",
        tracking_uri=place.tracking_uri,
        model_name=name or trained.model.name,
        version=version or str(trained.model.version),
    )
    return resolve(task, start_time=datetime.now(UTC))


@pytest.fixture
def trained(loans, place, tmp_path):
    result = do(a_task(place, loans, recipe="gbdt"), tmp_path)
    assert result.status == "Succeeded", result.message
    return result


def test_a_registered_version_is_found_with_its_files(trained, place):
    result = look_up(place, trained)
    assert (result.status, result.reason) == ("Succeeded", "Resolved")
    assert (result.model.digest, result.model.uri) == (trained.model.digest, trained.model.uri)


@pytest.mark.parametrize("wrong", [{"version": "777"}, {"name": "nobody"}])
def test_a_version_that_is_not_registered_is_told(wrong, trained, place):
    with pytest.raises(WorkloadError, match="has no version") as raised:
        look_up(place, trained, **wrong)
    assert raised.value.reason == Reason.MODEL_NOT_FOUND


def test_files_that_were_changed_are_refused(trained, place):
    file = Path(trained.model.uri.removeprefix("file://")) / "signature.json"
    file.chmod(0o600)
    file.write_text(file.read_text() + " ")
    with pytest.raises(WorkloadError) as raised:
        look_up(place, trained)
    assert raised.value.reason == Reason.DIGEST_MISMATCH

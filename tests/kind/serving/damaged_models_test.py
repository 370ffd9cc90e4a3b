"""A candidate whose files are not what they were is refused with a sentence, and what serves goes on serving."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.kind.cluster import HELD, Namespace, a_program, wait_for
from tests.kind.serving.services import a_service, ask_for, progress, servers_of, serving, under_load

STORE = "/artifacts"
FORGE = """
import json, sys
from pathlib import Path
from springtide_workloads.artifacts.manifest import describe_folder
from springtide_workloads.artifacts.store import ArtifactStore
store, folder = ArtifactStore("file:///artifacts"), Path("/tmp/forged")
folder.mkdir()
whole = store.fetch(sys.argv[1], target=folder)
golden = json.loads((folder / "golden.json").read_text())
golden["outputs"] = [1 - score for score in golden["outputs"]]
(folder / "golden.json").write_text(json.dumps(golden))
manifest = describe_folder(folder, kind=whole.kind, schema=whole.table_schema, inputs=whole.inputs)
store.publish(folder, manifest=manifest)
print(manifest.digest)
"""
"""Publishes a model that promises the opposite of what it answers; every byte of it is what its digest says."""


@pytest.fixture(scope="module")
def store(serving_team: Namespace) -> Iterator[str]:
    """A pod that may write to the artifact store."""
    serving_team.apply(a_program("store-keeper", HELD))
    serving_team.wait_for_reason("store-keeper", "Training")
    yield serving_team.pod_of("store-keeper")
    serving_team.kubectl("delete", "trun", "store-keeper", "--wait=false")


@pytest.fixture(scope="module")
def service(serving_team: Namespace) -> Iterator[str]:
    """A service of version 1."""
    quick = [{"weight": 50, "pauseSeconds": 3}]
    with serving(serving_team, a_service("robust", steps=quick, minSamples=20)) as name:
        yield name


def digest_of(namespace: Namespace, version: str) -> str:
    return str(namespace.run(f"version-{version}").status["model"]["digest"])


def register(mlflow_url: str, name: str, *, like: str, digest: str) -> str:
    """Another version of a registered model, as a TrainingRun would register a model of this digest."""
    before = _mlflow(f"{mlflow_url}/api/2.0/mlflow/model-versions/get?name={name}&version={like}")
    tags = [
        {"key": "springtide.dev/model-digest", "value": digest},
        {"key": "springtide.dev/uri", "value": f"file://{STORE}/models/{digest.replace(':', '-')}"},
    ]
    version = {"name": name, "source": before["source"], "run_id": before["run_id"], "tags": tags}
    return str(_mlflow(f"{mlflow_url}/api/2.0/mlflow/model-versions/create", version)["version"])


def _mlflow(url: str, body: Any = None) -> dict[str, Any]:
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310  # of this machine
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        return dict(json.load(answer)["model_version"])


def test_a_candidate_whose_bytes_changed_waits_until_they_are_what_they_were(
    serving_team: Namespace, store: str, service: str
):
    file = f"{STORE}/models/{digest_of(serving_team, '2').replace(':', '-')}/model.txt"
    with under_load(serving_team, service) as told:
        change = f"cp {file} /tmp/whole && chmod u+w {file} && sed -i 's/leaf_value=/leaf_value=9/' {file}"
        serving_team.kubectl("exec", store, "--", "sh", "-ec", change)
        ask_for(serving_team, service, "2")
        refused = serving_team.wait_for_service(
            service, lambda found: progress(found) == "DigestMismatch", what="to refuse version 2"
        )
        assert f"{file} has " in refused.conditions["Progressing"]["message"]
        assert (refused.ready, refused.status["stable"]["version"]) == ("True", "1")
        serving_team.kubectl("exec", store, "--", "cp", "/tmp/whole", file)  # noqa: S108
        serving_team.wait_for_service(
            service, lambda found: found.status["stable"]["version"] == "2" and progress(found) == "TakenOver",
            what="to take over the model that is whole again",
        )  # fmt: skip
    assert told["failures"] == 0, told
    assert told["versions"].keys() == {"1", "2"}


def test_a_candidate_that_answers_its_golden_requests_otherwise_is_quarantined(
    serving_team: Namespace, store: str, service: str, mlflow_url: str
):
    forge = ["python", "-c", FORGE, digest_of(serving_team, "1")]
    forged = serving_team.kubectl("exec", store, "--", *forge).strip()
    version = register(mlflow_url, f"{serving_team.name}.employment", like="1", digest=forged)
    with under_load(serving_team, service) as told:
        before = serving_team.read("msvc", service)["status"]["stable"]
        ask_for(serving_team, service, version)
        refused = serving_team.wait_for_service(
            service, lambda found: progress(found) == "Quarantined", what="to refuse the forged model"
        )
    assert told["failures"] == 0, told
    assert told["versions"].keys() == {before["version"]}
    assert (refused.ready, refused.status["stable"]) == ("True", before)
    (quarantined,) = refused.status["quarantined"]
    assert (quarantined["digest"], quarantined["version"]) == (forged, version)
    assert quarantined["reason"] == "DigestMismatch"
    assert "answers its golden requests otherwise than when it was trained: by " in quarantined["message"]
    assert quarantined["message"] in refused.conditions["Progressing"]["message"]
    wait_for(
        lambda: all(
            pod["metadata"]["labels"].get("springtide.dev/model") != forged.removeprefix("sha256:")[:12]
            for pod in servers_of(serving_team, service)
        ),
        what="the servers of the forged model to be gone", seconds=60,
        state=lambda: serving_team.state(service, kind="msvc"),
    )  # fmt: skip

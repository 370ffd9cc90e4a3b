"""Artifacts in an object store: no node is special, so a drained one is no loss."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kind import volumes
from tests.kind.cluster import (
    HELD_ONCE,
    REPOSITORY,
    Document,
    Namespace,
    a_program,
    a_run,
    command,
    example,
)
from tests.kind.conftest import NewNamespace

BUCKET = "s3://springtide"
SECRET = "springtide-s3"  # noqa: S105  # its name
FILES = "employment-census"


@pytest.fixture(scope="module")
def s3() -> str:
    """An S3 server in the cluster, with an empty bucket."""
    command(str(REPOSITORY / "tests/cluster/s3/s3.sh"), "start", seconds=280)
    return str(REPOSITORY / "tests/cluster/s3/s3.sh")


@pytest.fixture(scope="module")
def store(s3: str, system: Namespace) -> Iterator[str]:
    """The release with its artifacts in that bucket; afterwards as it was."""
    before = json.loads(command("helm", "history", "springtide", "--namespace", system.name, "--output", "json"))
    values = ["--set", f"artifacts.uri={BUCKET}/artifacts", "--set", f"workloads.envFromSecrets={{{SECRET}}}"]
    chart = str(REPOSITORY / "charts/springtide")
    release = ["springtide", "--namespace", system.name, "--wait", "--timeout", "120s"]
    command("helm", "upgrade", *release[:1], chart, *release[1:], "--reuse-values", *values, seconds=150)
    yield s3
    command("helm", "rollback", "springtide", str(before[-1]["revision"]), *release[1:], seconds=150)


@pytest.fixture(scope="module")
def bucket_team(store: str, new_namespace: NewNamespace, census: Path) -> Namespace:
    """A namespace with the keys of the bucket, and some of the census in it."""
    namespace = new_namespace("bucket")
    command(store, "secret", namespace.name)
    _upload(namespace, census / FILES)
    return namespace


def _upload(namespace: Namespace, folder: Path) -> None:
    """Through a pod: nothing outside the cluster knows the keys."""
    program = (
        "import fsspec, sys; fs = fsspec.filesystem('s3');"
        f" fs.pipe_file('springtide/{FILES}/part.parquet', open('/tmp/part.parquet', 'rb').read())"
    )
    loader = a_program("loader", 'hold; exec python -c "$0"')
    loader["spec"]["container"]["args"].append(program)
    loader["spec"]["resources"]["limits"]["memory"] = "512Mi"
    namespace.apply(loader | _from_bucket(loader))
    namespace.wait_for_reason("loader", "Training")
    pod = namespace.pod_of("loader")
    namespace.kubectl("cp", str(folder / "part.parquet"), f"{pod}:/tmp/part.parquet")
    namespace.kubectl("exec", pod, "--", "touch", "/tmp/go")  # noqa: S108
    run = namespace.wait_for_end("loader")
    assert run.reason == "InvalidResult", "it says nothing, and ends well"


def _from_bucket(document: Document) -> Document:
    spec = document["spec"] | {"data": {"source": {"uri": f"{BUCKET}/{FILES}"}}}
    return {"metadata": document["metadata"], "spec": spec}


def _bucket_run(name: str, **spec: Any) -> Document:
    document = a_run(name, **spec)
    return document | _from_bucket(document)


def test_a_run_reads_from_a_bucket_and_publishes_to_it(bucket_team: Namespace) -> None:
    # The bucket may have the model of an earlier run of this test.
    bucket_team.apply(_bucket_run("from-bucket", memoize=False))
    run = bucket_team.wait_for_end("from-bucket")
    assert (run.ready, run.reason) == ("True", "Succeeded"), run.message
    assert run.status["model"]["uri"].startswith(f"{BUCKET}/artifacts/")
    volumes = [volume["name"] for volume in bucket_team.children("pods", "from-bucket")[0]["spec"]["volumes"]]
    assert volumes == ["tmp"], "no volume ties it to a node"


def test_a_dataset_is_read_from_a_bucket_and_a_run_trains_on_its_snapshot(bucket_team: Namespace) -> None:
    dataset = next(document for document in example("dataset.yaml") if document["kind"] == "Dataset")
    dataset["spec"]["source"] = {"uri": f"{BUCKET}/{FILES}"}
    (run,) = example("training-run-dataset.yaml")
    run["spec"]["recipe"]["parameters"] = {"numRounds": 20}
    run["spec"]["memoize"] = False
    bucket_team.apply(dataset, run)
    trained = bucket_team.wait_for_end(run["metadata"]["name"])
    assert (trained.ready, trained.reason) == ("True", "Succeeded"), trained.message
    bucket_team.springtide("refresh", "dset/census", "--wait")
    found = bucket_team.wait_for_dataset(
        "census", lambda dataset: dataset.status["lastRefresh"]["number"] == 2, what="to have been read again"
    )
    latest = found.status["latest"]
    assert (found.status["lastRefresh"]["outcome"], len(found.status["snapshots"])) == ("Unchanged", 1)
    assert found.conditions["ContractMet"]["status"] == "True"
    assert latest["rows"] == 4 * volumes.PEOPLE_A_YEAR
    assert latest["uri"].startswith(f"{BUCKET}/artifacts/datasets/")
    assert trained.status["dataset"] == {"name": "census", "digest": latest["digest"], "uri": latest["uri"]}
    assert trained.status["inputs"]["digest"] == latest["digest"]


def test_wrong_keys_are_told_as_such(store: str, new_namespace: NewNamespace) -> None:
    namespace = new_namespace("wrong-keys")
    command(store, "secret", namespace.name)
    wrong = json.dumps({"stringData": {"AWS_SECRET_ACCESS_KEY": "wrong"}})
    namespace.kubectl("patch", "secret", SECRET, "--patch", wrong)
    namespace.apply(_bucket_run("wrong-keys"))
    run = namespace.wait_for_end("wrong-keys")
    assert (run.ready, run.reason, len(run.endings)) == ("False", "AccessDenied", 1), run.message
    assert BUCKET in run.message


def test_a_bucket_that_is_not_there_is_named(bucket_team: Namespace) -> None:
    bucket_team.apply(a_run("no-bucket", data={"source": {"uri": "s3://nowhere/data"}}))
    run = bucket_team.wait_for_end("no-bucket")
    assert (run.ready, run.reason) == ("False", "DataNotFound"), run.message
    assert "s3://nowhere/data" in run.message


def test_a_drained_node_moves_its_run_to_another(bucket_team: Namespace) -> None:
    document = a_program("drained", HELD_ONCE)
    bucket_team.apply(document | _from_bucket(document))
    bucket_team.wait_for_reason("drained", "Training")
    pod = bucket_team.read("pod", bucket_team.pod_of("drained"))
    node = pod["spec"]["nodeName"]
    try:
        # Of this node's pods only those of runs: what else lives in a small cluster has nowhere to go.
        selector = "springtide.dev/kind=TrainingRun"
        flags = [
            "--ignore-daemonsets",
            "--delete-emptydir-data",
            "--force",
            "--pod-selector",
            selector,
            "--timeout=60s",
        ]
        command("kubectl", "drain", node, *flags)
        run = bucket_team.wait_for_end("drained")
    finally:
        command("kubectl", "uncordon", node)
    assert (run.ready, run.endings, run.failures) == ("True", ["Evicted", "Succeeded"], (1, 0))
    nodes = {pod["spec"]["nodeName"] for pod in bucket_team.children("pods", "drained")} - {node}
    assert nodes, "the second attempt ran on another node"

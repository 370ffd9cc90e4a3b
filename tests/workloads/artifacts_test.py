"""Artifacts: published once, whole or not at all, and never believed without a look."""

import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from springtide.api.constants import Reason
from springtide_workloads.artifacts.manifest import MANIFEST, Input, Manifest, describe_folder
from springtide_workloads.artifacts.store import ArtifactStore, read_document, write_document
from springtide_workloads.errors import WorkloadError

PROGRAM = Path(__file__).with_name("publish_steps.py")
INPUTS = (Input(name="data", digest=f"sha256:{'0' * 64}"),)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "plots").mkdir(parents=True)
    (folder / "model.txt").write_bytes(bytes(range(256)) * 40)
    (folder / "plots" / "roc.png").write_bytes(b"png" * 100)
    return folder


@pytest.fixture(params=["file", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    if request.param == "file":
        return ArtifactStore((tmp_path / "artifacts").as_uri())
    return ArtifactStore(f"{request.getfixturevalue('s3')}/{tmp_path.name}")


def describe(folder: Path) -> Manifest:
    return describe_folder(folder, kind="Model", schema=(), inputs=INPUTS)


def published(store_root: Path) -> list[Path]:
    """What a reader could take for finished."""
    models = store_root / "models"
    return sorted(models.iterdir()) if models.exists() else []


def test_killed_at_any_moment_nothing_half_written_can_be_read_and_the_next_attempt_ends_well(tmp_path, source):
    root = tmp_path / "artifacts"
    manifest = describe(source)

    def publish(last: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, PROGRAM, root.as_uri(), source, str(last)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    whole = publish(0)
    assert whole.returncode == 0, whole.stderr
    steps = int(whole.stdout)
    assert steps > 20
    for last in range(1, steps + 1):
        shutil.rmtree(root)
        assert publish(last).returncode == -signal.SIGKILL, f"step {last} of {steps}"
        for folder in published(root):
            assert ArtifactStore(root.as_uri()).verify(folder.name.replace("-", ":", 1)) == manifest
        pointer = root / "memo" / "pointer.json"
        if pointer.exists():
            ArtifactStore(root.as_uri()).verify(pointer.read_text())
        store = ArtifactStore(root.as_uri())
        store.publish(source, manifest=manifest)
        assert store.verify(manifest.digest) == manifest


def test_what_is_published_can_be_fetched_and_is_what_it_was(store, source, tmp_path):
    manifest = describe(source)
    assert store.publish(source, manifest=manifest) == store.uri_of(manifest.digest)
    assert store.fetch(manifest.digest, target=tmp_path / "copy") == manifest
    assert describe(tmp_path / "copy") == manifest


def test_equal_content_is_published_once(store, source, tmp_path):
    twin = tmp_path / "twin"
    shutil.copytree(source, twin)
    assert store.publish(source, manifest=describe(source)) == store.publish(twin, manifest=describe(twin))


def test_many_may_publish_the_same_at_once(store, source):
    manifest = describe(source)
    with ThreadPoolExecutor(8) as pool:
        uris = set(pool.map(lambda _: store.publish(source, manifest=manifest), range(16)))
    assert len(uris) == 1
    assert store.verify(manifest.digest) == manifest


def test_other_inputs_are_another_artifact(source):
    other = describe_folder(source, kind="Model", schema=(), inputs=(Input(name="data", digest=f"sha256:{'1' * 64}"),))
    assert other.digest != describe(source).digest


def test_a_reader_refuses_what_is_not_what_its_digest_says(tmp_path, source):
    store = ArtifactStore((tmp_path / "artifacts").as_uri())
    manifest = describe(source)
    folder = Path(store.publish(source, manifest=manifest).removeprefix("file://"))
    original = (folder / "model.txt").read_bytes()
    for damaged in (original[:-1], original + b"x", b"X" + original[1:]):
        (folder / "model.txt").write_bytes(damaged)
        with pytest.raises(WorkloadError, match=r"model\.txt has") as refusal:
            store.verify(manifest.digest)
        assert refusal.value.reason == Reason.DIGEST_MISMATCH
    (folder / "model.txt").unlink()
    with pytest.raises(WorkloadError) as refusal:
        store.verify(manifest.digest)
    assert refusal.value.reason == Reason.DIGEST_MISMATCH
    (folder / MANIFEST).write_bytes((folder / MANIFEST).read_bytes().replace(b"256", b"257"))
    with pytest.raises(WorkloadError, match="its name says"):
        store.verify(manifest.digest)


def test_publishing_again_mends_a_damaged_artifact(store, source, tmp_path):
    manifest = describe(source)
    store.publish(source, manifest=manifest)
    write_document(f"{store.uri_of(manifest.digest)}/model.txt", b"damaged")
    with pytest.raises(WorkloadError):
        store.verify(manifest.digest)
    store.publish(source, manifest=manifest)
    assert store.fetch(manifest.digest, target=tmp_path / "copy") == manifest


def test_a_document_is_replaced_and_read_back(store):
    assert store.read_document("memo/none.json") is None
    store.write_document("memo/some.json", b"1")
    store.write_document("memo/some.json", b"2")
    assert store.read_document("memo/some.json") == b"2"


def test_a_scratch_folder_that_a_killed_process_left_is_removed_a_day_later(tmp_path, source):
    left = tmp_path / "artifacts" / ".scratch" / "left"
    fresh = tmp_path / "artifacts" / ".scratch" / "fresh"
    for folder in (left, fresh):
        folder.mkdir(parents=True)
    os.utime(left, (0, 0))
    ArtifactStore((tmp_path / "artifacts").as_uri()).publish(source, manifest=describe(source))
    assert not left.exists()
    assert fresh.exists(), "another process may be writing there"


def test_a_folder_that_may_not_be_written_is_access_denied(source):
    with pytest.raises(WorkloadError) as failure:
        ArtifactStore("file:///proc/artifacts").publish(source, manifest=describe(source))
    assert failure.value.reason == Reason.ACCESS_DENIED
    assert not failure.value.retryable


def test_wrong_credentials_are_access_denied(s3, source, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(WorkloadError, match="s3://lake/denied") as failure:
        ArtifactStore(f"{s3}/denied").publish(source, manifest=describe(source))
    assert failure.value.reason == Reason.ACCESS_DENIED
    assert "wrong" not in failure.value.message


def test_no_credentials_are_access_denied(s3, source, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", "/nonexistent")
    with pytest.raises(WorkloadError) as failure:
        ArtifactStore(f"{s3}/denied").publish(source, manifest=describe(source))
    assert failure.value.reason == Reason.ACCESS_DENIED


@pytest.mark.usefixtures("s3")
def test_a_bucket_that_is_not_there_is_access_denied(source):
    with pytest.raises(WorkloadError, match="s3://ocean") as failure:
        ArtifactStore("s3://ocean/models").publish(source, manifest=describe(source))
    assert failure.value.reason == Reason.ACCESS_DENIED


def test_a_store_that_does_not_answer_is_unavailable_and_worth_waiting_for(s3, source, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(WorkloadError) as failure:
        ArtifactStore(f"{s3}/models").publish(source, manifest=describe(source))
    assert failure.value.reason == Reason.STORE_UNAVAILABLE
    assert failure.value.retryable


def test_a_result_document_is_found_again_by_its_uri(store):
    uri = f"{store.uri}/results/uid/1.json"
    assert read_document(uri) is None
    write_document(uri, b"{}")
    assert read_document(uri) == b"{}"

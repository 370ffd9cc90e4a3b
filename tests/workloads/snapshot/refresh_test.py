"""Refreshing: nothing is read or written twice, old snapshots go, half of one is never there."""

import os
import signal
import subprocess
from pathlib import Path

import pytest
from springtide.api.constants import Reason
from springtide.api.dataset import ColumnContract
from springtide.api.task import TaskData
from springtide_workloads.artifacts.store import ArtifactStore
from springtide_workloads.errors import WorkloadError
from springtide_workloads.snapshot import refresh

from tests.workloads.builders import Place, a_table, a_task, write
from tests.workloads.builders import do as train
from tests.workloads.command_test import COMMAND, Pod
from tests.workloads.snapshot.builders import a_snapshot_task, contract, do, folder_of, published

NONE = f"sha256:{'0' * 64}"


def test_a_source_that_did_not_change_is_not_even_read(tmp_path, monkeypatch):
    data = write(a_table(), tmp_path / "data")
    first = do(a_snapshot_task(tmp_path, data), tmp_path)
    monkeypatch.setattr(refresh, "Source", None)  # whoever reads, fails
    task = a_snapshot_task(tmp_path, data, known=first.snapshot.digest, source_state=first.source_state)
    again = do(task, tmp_path)
    assert (again.status, again.reason, again.snapshot) == ("Succeeded", Reason.UNCHANGED, None)
    assert again.source_state == first.source_state
    assert again.message == "the 2 files are as they were"


def test_equal_content_under_other_names_is_unchanged(tmp_path):
    first = do(a_snapshot_task(tmp_path, write(a_table(), tmp_path / "data")), tmp_path)
    other = write(a_table(), tmp_path / "other", files=3)
    task = a_snapshot_task(tmp_path, other, known=first.snapshot.digest, source_state=first.source_state)
    again = do(task, tmp_path)
    assert (again.reason, again.snapshot.digest) == (Reason.UNCHANGED, first.snapshot.digest)
    assert again.source_state != first.source_state
    assert published(tmp_path) == [first.snapshot.digest]


def test_a_snapshot_that_is_gone_is_made_again_though_its_source_did_not_change(tmp_path):
    data = write(a_table(), tmp_path / "data")
    first = do(a_snapshot_task(tmp_path, data), tmp_path)
    ArtifactStore((tmp_path / "artifacts").as_uri(), section="datasets/team.loans").remove(first.snapshot.digest)
    do(a_snapshot_task(tmp_path, data, known=first.snapshot.digest, source_state=first.source_state), tmp_path)
    assert published(tmp_path) == [first.snapshot.digest]


def test_any_change_of_the_files_is_seen(tmp_path):
    data = write(a_table(), tmp_path / "data")
    states = {do(a_snapshot_task(tmp_path, data), tmp_path).source_state}
    file = tmp_path / "data" / "part-0.parquet"
    os.utime(file, ns=(0, 0))
    states.add(do(a_snapshot_task(tmp_path, data), tmp_path).source_state)
    file.rename(file.with_name("part-00.parquet"))
    states.add(do(a_snapshot_task(tmp_path, data), tmp_path).source_state)
    file.with_name("part-00.parquet").unlink()
    states.add(do(a_snapshot_task(tmp_path, data), tmp_path).source_state)
    assert len(states) == 4


def test_what_is_to_be_removed_is_removed_after_success_only_and_never_what_was_just_published(tmp_path):
    old = do(a_snapshot_task(tmp_path, write(a_table(seed=1), tmp_path / "1")), tmp_path).snapshot.digest
    bad = contract(ColumnContract(name="income", type="String"))
    new_data = write(a_table(seed=2), tmp_path / "2")
    assert do(a_snapshot_task(tmp_path, new_data, contract=bad, remove=[old]), tmp_path).status == "Failed"
    assert published(tmp_path) == [old]
    new = do(a_snapshot_task(tmp_path, new_data, remove=[old, NONE]), tmp_path).snapshot.digest
    assert published(tmp_path) == [new]
    do(a_snapshot_task(tmp_path, new_data, remove=[new]), tmp_path)
    assert published(tmp_path) == [new]


def test_each_dataset_has_a_folder_of_its_own(tmp_path):
    data = write(a_table(), tmp_path / "data")
    task = a_snapshot_task(tmp_path, data)
    first = do(task, tmp_path)
    other = task.model_copy(update={"owner": task.owner.model_copy(update={"name": "twin"})})
    second = do(other, tmp_path)
    assert first.snapshot.digest == second.snapshot.digest
    assert folder_of(second).parent.name == "team.twin"


def test_the_command_takes_a_snapshot_and_reports_progress(tmp_path):
    data = write(a_table(), tmp_path / "data")
    example = [*COMMAND, "example-task", "snapshot", data, "--folder", tmp_path / "all"]
    task = subprocess.run(example, check=True, capture_output=True, text=True).stdout
    pod = Pod(task, tmp_path)
    assert pod.wait() == 0, pod.log
    assert pod.result.reason == Reason.REFRESHED
    assert {"reading", "counting"} <= {event["event"] for event in pod.events}
    assert not list((tmp_path / "tmp").glob("springtide-*")), "the scratch folder is gone"


def test_a_violated_contract_ends_with_64_and_the_violations_are_in_the_message(tmp_path):
    rules = contract(ColumnContract(name="grade", type="String", nullable=False))
    task = a_snapshot_task(tmp_path, write(a_table(), tmp_path / "data"), contract=rules)
    pod = Pod(task, tmp_path)
    assert pod.wait() == 64
    assert pod.result.violations[0].rule == "nullable"
    assert "Traceback" not in pod.log


def test_taking_a_snapshot_imports_no_library_of_training(tmp_path):
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "sitecustomize.py").write_text(
        "import sys\n"
        "class Watch:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name in ('torch', 'pandas', 'sklearn', 'mlflow', 'lightgbm', 'scipy', 's3fs'):\n"
        "            print('importing', name, file=sys.stderr, flush=True)\n"
        "sys.meta_path.insert(0, Watch())\n"
    )
    path = os.pathsep.join([str(tmp_path / "watch"), os.environ.get("PYTHONPATH", "")])
    pod = Pod(a_snapshot_task(tmp_path, write(a_table(), tmp_path / "data")), tmp_path, PYTHONPATH=path)
    assert pod.wait() == 0, pod.log
    assert "importing" not in pod.log.replace("pandas", "") or "importing torch" not in pod.log


def test_killed_at_any_moment_no_half_of_a_snapshot_is_there_and_the_next_attempt_ends_well(tmp_path):
    task = a_snapshot_task(tmp_path, write(a_table(20_000), tmp_path / "data"))
    expected = do(task, tmp_path)
    store = ArtifactStore(task.store_uri, section="datasets/team.loans")
    store.remove(expected.snapshot.digest)
    for words in ('"event": "source"', '"event": "reading"', '"event": "counting"', '"event": "publishing"'):
        pod = Pod(task, tmp_path)
        pod.wait_for(words)
        pod.process.send_signal(signal.SIGKILL)
        pod.wait()
        for digest in published(tmp_path):
            store.verify(digest)
    pod = Pod(task, tmp_path)
    assert pod.wait() == 0, pod.log
    assert pod.result.snapshot.digest == expected.snapshot.digest
    store.verify(expected.snapshot.digest)


@pytest.fixture
def snapshot(tmp_path):
    return do(a_snapshot_task(tmp_path, write(a_table(), tmp_path / "data")), tmp_path).snapshot


def pinned(place: Place, snapshot, **update):
    task = a_task(place, snapshot.uri)
    return task.model_copy(update={"data": TaskData(uri=snapshot.uri, snapshot=snapshot.digest, **update)})


def test_training_on_a_snapshot_tells_its_digest(place, snapshot, tmp_path):
    result = train(pinned(place, snapshot), tmp_path)
    assert result.inputs.digest == snapshot.digest
    assert result.inputs.rows == 2_000
    plain = train(a_task(place, write(a_table(), tmp_path / "plain")), tmp_path)
    assert result.metrics == plain.metrics


@pytest.mark.usefixtures("s3")
def test_training_reads_a_snapshot_from_s3(place, tmp_path):
    task = a_snapshot_task(tmp_path, write(a_table(), tmp_path / "data"), store=f"s3://lake/{tmp_path.name}")
    snapshot = do(task, tmp_path).snapshot
    assert train(pinned(place, snapshot), tmp_path).inputs.digest == snapshot.digest


def test_training_refuses_a_snapshot_whose_bytes_changed(place, snapshot, tmp_path):
    part = Path(snapshot.uri.removeprefix("file://")) / "part-00000.parquet"
    data = bytearray(part.read_bytes())
    data[100] ^= 1
    part.write_bytes(bytes(data))
    with pytest.raises(WorkloadError, match=r"part-00000\.parquet has") as failure:
        train(pinned(place, snapshot), tmp_path)
    assert failure.value.reason == Reason.DIGEST_MISMATCH


def test_training_refuses_another_snapshot_than_it_was_pinned_to(place, snapshot, tmp_path):
    other = snapshot.model_copy(update={"digest": NONE})
    with pytest.raises(WorkloadError, match="its name says") as failure:
        train(pinned(place, other), tmp_path)
    assert failure.value.reason == Reason.DIGEST_MISMATCH


def test_training_tells_a_snapshot_that_was_removed(place, snapshot, tmp_path):
    ArtifactStore((tmp_path / "artifacts").as_uri(), section="datasets/team.loans").remove(snapshot.digest)
    with pytest.raises(WorkloadError, match="it was removed") as failure:
        train(pinned(place, snapshot), tmp_path)
    assert failure.value.reason == Reason.DIGEST_MISMATCH

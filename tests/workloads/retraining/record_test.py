"""What became of a run can be read where the run is gone, and verified by anybody without a network."""

import json
import shutil
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from springtide.api.constants import Reason
from springtide.api.retrain_run import Course
from springtide.api.task import Owner, RecordTask, Result
from springtide_workloads.artifacts.show import show
from springtide_workloads.artifacts.verifying import verify_folder
from springtide_workloads.errors import WorkloadError
from springtide_workloads.main import app
from springtide_workloads.retraining.record import record
from typer.testing import CliRunner

PROGRAM = Path(sys.executable).with_name("springtide-workloads")
BEGIN = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def at(minutes: int) -> str:
    """A time of the run."""
    return (BEGIN + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def digest(letter: str) -> str:
    """A digest that is easy to read."""
    return "sha256:" + letter * 64


def files(letter: str) -> dict[str, str]:
    """A model."""
    return {"version": letter, "digest": digest(letter), "uri": f"s3://models/{letter}"}


PHASES = ("Training", "Judging", "AwaitingApproval", "RollingOut", "Watching", "RollingBack", "RolledBack")
WINDOW = {
    "start": at(40),
    "end": at(50),
    "model": digest("b"),
    "rows": 900,
    "labelled": 800,
    "auc": 0.7,
    "low": 0.68,
    "high": 0.72,
    "promised": 0.78,
    "outcome": "Dropped",
    "message": "AUC 0.7 is below 0.73 for certain",
}
TAKEN_BACK: dict[str, Any] = {
    "phase": "RolledBack",
    "phases": [{"phase": phase, "time": at(10 * number)} for number, phase in enumerate(PHASES)],
    "plan": {
        "template": {
            "model": {"name": "pd-12m"},
            "data": {"datasetRef": {"name": "loans"}},
            "recipe": {"name": "gbdt"},
            "target": {"column": "bad"},
        },
        "gates": [{"name": "better", "metric": "AUC", "versusChampion": {"minDelta": 0.0}}],
        "approval": "Manual",
    },
    "policyUid": "p",
    "policyGeneration": 3,
    "trainingRun": "pd-4",
    "dataset": {"name": "loans", "digest": digest("d"), "uri": "s3://datasets/d"},
    "challenger": files("b"),
    "champion": files("a") | {"run": "pd-3", "since": at(0)},
    "verdict": {
        "outcome": "Passed",
        "rows": 5000,
        "gates": [{"name": "<b>better</b>", "outcome": "Passed", "value": 0.78, "champion": 0.76, "message": "it is"}],
        "evidence": {"uri": "s3://evidence/e", "digest": digest("e")},
    },
    "approval": {"by": "<i>ada</i>", "time": at(29)},
    "promotedTime": at(30),
    "aliasSet": "a",
    "servingTime": at(40),
    "watched": {"message": "DriftMonitor watcher saw its performance drop: AUC 0.7", "windows": [WINDOW]},
    "outcomeMessage": "version b is taken back: its performance dropped",
    "completionTime": at(60),
}


def a_task(root: Path, course: dict[str, Any] | None = None, **fields: Any) -> RecordTask:
    """A task of the RetrainRun team/pd-4."""
    store = (root / "artifacts").as_uri()
    asked: dict[str, Any] = {
        "owner": Owner(kind="RetrainRun", namespace="team", name="pd-4", uid="u", attempt=1),
        "storeUri": store,
        "resultUri": f"{store}/results/record.json",
        "policy": "pd",
        "trigger": {"type": "Drift", "time": at(-1), "message": "2 of 3 windows drifted"},
        "reason": "RolledBack",
        "course": TAKEN_BACK if course is None else course,
        "recordsUri": f"{store}/records/team.pd/",
    }
    return RecordTask.model_validate(asked | fields)


def do(task: RecordTask, root: Path) -> Result:
    """Does a task in this process; its result passes through a termination message."""
    scratch = root / "scratch" / uuid.uuid4().hex
    scratch.mkdir(parents=True)
    result = record(task, start_time=datetime.now(UTC), scratch=scratch)
    return Result.model_validate_json(result.encode())


def folder_of(result: Result) -> Path:
    """Where the record is."""
    assert result.record is not None
    return Path(result.record.uri.removeprefix("file://"))


@pytest.fixture
def kept(tmp_path: Path) -> Result:
    return do(a_task(tmp_path), tmp_path)


def test_it_tells_all_that_the_run_told(kept: Result) -> None:
    document = json.loads((folder_of(kept) / "run.json").read_text())
    assert {key: document[key] for key in ("format", "run", "namespace", "uid", "policy", "reason")} == {
        "format": 1,
        "run": "pd-4",
        "namespace": "team",
        "uid": "u",
        "policy": "pd",
        "reason": "RolledBack",
    }
    assert document["trigger"]["message"] == "2 of 3 windows drifted"
    course = Course.model_validate(TAKEN_BACK)
    assert Course.model_validate({key: document[key] for key in course.to_wire()}) == course
    assert document["approval"] == TAKEN_BACK["approval"]
    assert document["watched"] == TAKEN_BACK["watched"]


def test_its_manifest_names_the_data_the_models_and_the_evidence_by_digest(kept: Result) -> None:
    assert kept.record is not None
    manifest = verify_folder(folder_of(kept), digest=kept.record.digest)
    assert manifest.kind == "Record"
    assert {one.name: one.digest for one in manifest.inputs} == {
        "data": digest("d"),
        "challenger": digest("b"),
        "champion": digest("a"),
        "evidence": digest("e"),
    }


def test_it_lies_under_its_digest_where_the_records_of_its_policy_are(kept: Result, tmp_path: Path) -> None:
    assert kept.record is not None
    name = kept.record.digest.replace(":", "-")
    assert folder_of(kept) == tmp_path / "artifacts" / "records" / "team.pd" / name


def test_equal_ends_give_equal_records_at_whichever_attempt(kept: Result, tmp_path: Path) -> None:
    owner = Owner(kind="RetrainRun", namespace="team", name="pd-4", uid="u", attempt=7)
    again = do(a_task(tmp_path, owner=owner, resultUri=f"{tmp_path.as_uri()}/other.json"), tmp_path)
    elsewhere = do(a_task(tmp_path / "elsewhere"), tmp_path)
    assert kept.record is not None
    assert again.record == kept.record
    assert elsewhere.record is not None
    assert elsewhere.record.digest == kept.record.digest


@pytest.mark.parametrize("field", ["approval", "watched", "outcomeMessage", "verdict", "policyGeneration"])
def test_another_end_gives_another_record(field: str, kept: Result, tmp_path: Path) -> None:
    other = {key: value for key, value in TAKEN_BACK.items() if key != field}
    assert do(a_task(tmp_path, other), tmp_path).record != kept.record


def test_its_page_is_one_file_that_escapes_what_people_wrote(kept: Result) -> None:
    page = (folder_of(kept) / "record.html").read_text()
    for told in (
        "2 of 3 windows drifted",
        "&lt;i&gt;ada&lt;/i&gt; approved it, 2026-11-24 09:29:00",
        "DriftMonitor watcher saw its performance drop",
        "version b is taken back: its performance dropped",
        digest("e"),
        "0:10:00",
    ):
        assert told in page, told
    assert "&lt;b&gt;better&lt;/b&gt;" in page
    assert "<b>better" not in page
    assert "<i>ada" not in page
    assert "http" not in page
    assert "<script" not in page


def test_a_run_that_failed_before_there_was_a_challenger_has_a_record_too(tmp_path: Path) -> None:
    begun = {key: TAKEN_BACK[key] for key in ("plan", "policyUid", "policyGeneration", "trainingRun", "completionTime")}
    phases = [{"phase": "Training", "time": at(0)}, {"phase": "Failed", "time": at(5)}]
    words = "TrainingRun pd-4 has failed: column bad has no value"
    course = begun | {"phase": "Failed", "phases": phases, "outcomeMessage": words}
    result = do(a_task(tmp_path, course, reason="TargetAllNull"), tmp_path)
    assert verify_folder(folder_of(result)).inputs == ()
    page = (folder_of(result) / "record.html").read_text()
    assert f"{words} (TargetAllNull)" in page


@settings(max_examples=30)
@given(left_out=st.sets(st.sampled_from(sorted(TAKEN_BACK))))
def test_whatever_is_not_known_of_a_run_is_left_out(
    left_out: set[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("record")
    course = {key: value for key, value in TAKEN_BACK.items() if key not in left_out}
    folder = folder_of(do(a_task(root, course), root))
    verify_folder(folder)
    document = json.loads((folder / "run.json").read_text())
    assert not (left_out - {"phase", "phases"}) & document.keys()


def test_it_is_verified_wherever_it_was_copied_and_without_a_network(
    kept: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "handed over"
    shutil.copytree(folder_of(kept), copy)
    monkeypatch.setattr(socket, "socket", None)
    assert kept.record is not None
    answer = CliRunner().invoke(app, ["verify", str(copy), "--digest", kept.record.digest])
    assert answer.exit_code == 0
    assert answer.stdout.startswith(f"Record {kept.record.digest}: 2 files, ")
    assert f"  evidence {digest('e')}" in answer.stdout


@pytest.mark.parametrize("name", ["run.json", "record.html", "manifest.json"])
@pytest.mark.parametrize("tamper", [lambda text: text.replace(b"ada", b"bob"), lambda text: text + b" "])
def test_a_record_that_was_tampered_with_is_found_out(
    name: str, tamper: Callable[[bytes], bytes], kept: Result
) -> None:
    path = folder_of(kept) / name
    if (changed := tamper(path.read_bytes())) == path.read_bytes():
        return  # nobody's name is in the manifest
    path.write_bytes(changed)
    answer = CliRunner().invoke(app, ["verify", str(path.parent)])
    assert answer.exit_code == 64
    assert name in answer.stderr


def test_a_record_that_was_made_up_anew_has_not_the_digest_of_the_status(kept: Result, tmp_path: Path) -> None:
    forged = do(a_task(tmp_path / "forged", TAKEN_BACK | {"approval": {"by": "bob", "time": at(29)}}), tmp_path)
    assert kept.record is not None
    verify_folder(folder_of(forged))
    with pytest.raises(WorkloadError, match="you say") as raised:
        verify_folder(folder_of(forged), digest=kept.record.digest)
    assert raised.value.reason == Reason.DIGEST_MISMATCH


def test_a_record_that_was_damaged_is_written_again(kept: Result, tmp_path: Path) -> None:
    (folder_of(kept) / "run.json").unlink()
    assert do(a_task(tmp_path), tmp_path).record == kept.record
    verify_folder(folder_of(kept))


def test_its_page_can_be_carried_by_the_log_of_a_pod(kept: Result) -> None:
    assert kept.record is not None
    assert list(show(kept.record.uri, digest=kept.record.digest, name="record.html"))[-1] == "springtide:end"


def test_a_place_outside_the_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match=r"recordsUri .* is not below storeUri") as raised:
        do(a_task(tmp_path, recordsUri="file:///elsewhere"), tmp_path)
    assert raised.value.reason == Reason.INVALID_SPEC


def test_a_pod_does_it_as_it_does_every_task(tmp_path: Path) -> None:
    log = tmp_path / "termination-log"
    task = a_task(tmp_path).model_dump_json(by_alias=True, exclude_none=True)
    environment = {"SPRINGTIDE_TASK": task, "SPRINGTIDE_TERMINATION_LOG": str(log), "PATH": ""}
    done = subprocess.run([PROGRAM, "run"], env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    result = Result.model_validate_json(log.read_text())
    assert (result.status, result.reason) == ("Succeeded", "Recorded")
    verify_folder(folder_of(result))

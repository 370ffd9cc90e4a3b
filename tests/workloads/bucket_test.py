"""What reads and publishes in a bucket says and writes what it would on a volume."""

from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
import s3fs
from springtide.api.base import ApiModel
from springtide.api.gate import Gate
from springtide_workloads.drift import evidently_report

from tests.workloads.builders import Place, a_table, write
from tests.workloads.drift.builders import (
    DAY,
    a_baseline,
    a_drift_task,
    log_of,
    on_three_processors,
    people,
    publish_model,
    publish_snapshot,
)
from tests.workloads.drift.builders import do as look
from tests.workloads.drift.performance_test import KEYS, a_day, given, promised, publish_labels
from tests.workloads.drift.showing_test import a_model as a_trained_model
from tests.workloads.drift.showing_test import shown
from tests.workloads.evaluation.builders import a_model, an_evaluation, without
from tests.workloads.evaluation.builders import do as evaluate
from tests.workloads.retraining.record_test import a_task as a_record
from tests.workloads.retraining.record_test import do as record

Task = TypeVar("Task", bound=ApiModel)


def moved(task: Task, root: Path, bucket: str) -> Task:
    """The same task on the same files, all of which lie in a bucket now."""
    place = f"{bucket}/{root.name}"
    s3fs.S3FileSystem().put(f"{root}/", f"{place}/", recursive=True)
    return type(task).model_validate_json(task.model_dump_json(by_alias=True).replace(root.as_uri(), place))


def names_at(uri: str) -> set[str]:
    return {path.rpartition("/")[2] for path in s3fs.S3FileSystem().find(uri)}


def test_a_log_is_judged_and_its_labels_are_joined_in_a_bucket(
    tmp_path: Path, s3: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(evidently_report.sys, "executable", "/nowhere/python")
    _, target, model, log = a_day(tmp_path, promised(0.7))
    task = a_drift_task(tmp_path, log, model, labels=given(publish_labels(tmp_path, KEYS, target)), slices=("region",))
    there = look(moved(task, tmp_path, s3), tmp_path / "scratch")
    here = look(task, tmp_path)
    assert here.window is not None
    assert there.window is not None
    assert (there.reason, there.performance) == ("Judged", here.performance)
    assert there.window.report_digest == here.window.report_digest, "the report is the same to the bit"
    assert str(there.window.report_uri).startswith(f"{s3}/{tmp_path.name}/artifacts/drift/")
    assert {"manifest.json", "index.html", "performance.parquet"} <= names_at(str(there.window.report_uri))


def test_rows_of_the_window_and_of_the_training_snapshot_are_found_in_a_bucket(tmp_path: Path, s3: str):
    task = a_drift_task(tmp_path, publish_snapshot(tmp_path, [people()]), a_trained_model(tmp_path))
    there = shown(moved(task, tmp_path, s3), tmp_path / "scratch")
    assert there.snapshot is not None
    assert there == shown(task, tmp_path)


def test_a_log_in_a_bucket_that_several_processes_count_is_judged_as_on_a_volume(
    tmp_path: Path, s3: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(evidently_report.sys, "executable", "/nowhere/python")
    model = publish_model(tmp_path, a_baseline())
    days = [people(seed=day, day=DAY + timedelta(days=day)) for day in range(2)]
    task = a_drift_task(tmp_path, log_of(tmp_path, days, model=model.digest), model, slices=("region",))
    here = look(task, tmp_path)
    counted = on_three_processors(monkeypatch)
    there = look(moved(task, tmp_path, s3), tmp_path / "scratch")
    assert [processes for _, processes in counted] == [3]
    assert here.window is not None
    assert there.window is not None
    assert there.windows == here.windows
    assert there.window.report_digest == here.window.report_digest, "the report is the same to the bit"


def test_a_challenger_is_judged_in_a_bucket(tmp_path: Path, s3: str, place: Place):
    loans = write(a_table(), tmp_path / "loans")
    challenger, champion = (a_model(place, loans, tmp_path, features=without(*names)) for names in ((), ("income",)))
    gates = (Gate(name="good", metric="AUC", min=0.5),)
    task = an_evaluation(place, loans, challenger, champion=champion, gates=gates)
    there = evaluate(moved(task, tmp_path, s3), tmp_path / "scratch")
    here = evaluate(task, tmp_path)
    assert there.verdict is not None
    assert here.verdict is not None
    assert (there.verdict.outcome, there.metrics) == (here.verdict.outcome, here.metrics)
    assert there.verdict.evidence is not None
    assert there.verdict.evidence.uri.startswith(f"{s3}/{tmp_path.name}/")
    assert {"manifest.json", "evidence.json", "report.html"} <= names_at(there.verdict.evidence.uri)


def test_what_became_of_a_run_is_kept_in_a_bucket(tmp_path: Path, s3: str):
    (tmp_path / "something").write_text("a bucket has no empty folders")
    task = a_record(tmp_path)
    there = record(moved(task, tmp_path, s3), tmp_path / "scratch")
    here = record(task, tmp_path)
    assert there.record is not None
    assert here.record is not None
    assert there.record.digest == here.record.digest
    assert names_at(there.record.uri) == {"manifest.json", "run.json", "record.html"}

"""Performance by labels that arrive late: the inference log joined with them, from end to end."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score
from springtide.api.drift_monitor import PerformanceWindow
from springtide.api.task import RESULT_BYTES, DriftBaseline, DriftRows, Labels, Result
from springtide_workloads.drift import evidently_report, labels, performance

from tests.workloads.drift.builders import (
    DAY,
    a_baseline,
    a_drift_task,
    do,
    people,
    publish_model,
    publish_snapshot,
    report_folder,
    write_log,
)

TOMORROW = DAY + timedelta(days=1)
ROWS = 2_000
KEYS = [f"pod-1-{number}" for number in range(ROWS)]
"""Of the requests of a day."""
Truths = npt.NDArray[np.int8]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Evidently, which takes seconds."""
    monkeypatch.setattr(evidently_report.sys, "executable", "/nowhere/python")


def promised(auc: float, **slices: float) -> dict[str, Any]:
    """What a model's metrics say; slices: of the regions."""
    values = {name: {"auc": value} for name, value in slices.items()}
    return {"overall": {"auc": auc, "aucLow": auc - 0.01}, "slices": {"region": {"values": values, "omitted": {}}}}


def outcomes(table: pa.Table, *, seed: int = 5) -> Truths:
    """What happened: rather where the score is high."""
    score = table.column("prediction").to_numpy().astype(np.float64)
    chance = 1 / (1 + np.exp(-4 * (score - 0.5)))
    return (np.random.default_rng(seed).random(score.size) < chance).astype(np.int8)


def auc_of(table: pa.Table, target: Truths) -> float:
    return float(roc_auc_score(target, table.column("prediction").to_numpy()))


def publish_labels(root: Path, keys: Any, values: Any) -> DriftRows:
    return publish_snapshot(root, [pa.table({"request_id": pa.array(keys), "bad": pa.array(values)})])


def given(rows: DriftRows, **more: Any) -> Labels:
    """The labels of a task."""
    assert rows.snapshot is not None
    fields = {"column": "bad", "key_column": "request_id", "min_rows": 500, "max_drop": 0.02} | more
    return Labels(uri=rows.uri, snapshot=rows.snapshot, **fields)


def close(root: Path, model: DriftBaseline, *, days: int = 1) -> DriftRows:
    """Adds rows of the day after so many days, by which those have closed."""
    return write_log(root, people(seed=9, rows=50, day=DAY + timedelta(days=days)), model=model.digest, name="later")


def a_day(root: Path, metrics: dict[str, Any] | None) -> tuple[pa.Table, Truths, DriftBaseline, DriftRows]:
    """A day of a log that has closed, what happened, and the model."""
    model = publish_model(root, a_baseline(), metrics=metrics)
    table = people()
    write_log(root, table, model=model.digest)
    return table, outcomes(table), model, close(root, model)


def look(root: Path, log: DriftRows, model: DriftBaseline, found: Labels, **more: Any) -> Result:
    result = do(a_drift_task(root, log, model, labels=found, **more), root)
    assert (result.status, result.reason) == ("Succeeded", "Judged")
    assert result.measurement is not None
    return result


def said(result: Result) -> str:
    assert result.measurement is not None
    return result.measurement.message


def is_complete(result: Result) -> bool:
    assert result.measurement is not None
    return result.measurement.complete


def only(result: Result) -> PerformanceWindow:
    (window,) = result.performance
    return window


def write_with_ids(root: Path, table: pa.Table, ids: list[str], *, model: str) -> None:
    """Adds a file to the first hour of the log, whose requests have these ids."""
    rows = table.num_rows
    table = table.append_column("request_id", pa.array(ids)).append_column("row", pa.array([0] * rows, pa.int32()))
    folder = root / "log" / f"date={DAY:%Y-%m-%d}" / "hour=00"
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.append_column("model_digest", pa.array([model] * rows)), folder / "more.parquet")


def replaced(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


def test_realised_auc_is_scikit_learns_on_the_joined_rows(tmp_path: Path) -> None:
    table, target, model, log = a_day(tmp_path, promised(0.7))
    result = look(tmp_path, log, model, given(publish_labels(tmp_path, KEYS[::2], target[::2])))
    window = only(result)
    assert (window.start, window.end, window.model) == (DAY, TOMORROW, model.digest)
    assert (window.rows, window.labelled, window.promised) == (ROWS, 1_000, 0.7)
    assert window.auc == pytest.approx(auc_of(table.take(list(range(0, ROWS, 2))), target[::2]), abs=1e-4)
    assert result.window is not None, "drift is judged as it is without labels"
    assert result.measurement is not None
    assert (result.measurement.outcome, result.measurement.complete) == ("Measured", True)
    assert result.measurement.report_uri == result.window.report_uri


@pytest.mark.parametrize(("more", "outcome"), [(-0.1, "Held"), (0.1, "Dropped"), (0.02, "Inconclusive")])
def test_dropped_and_held_are_said_by_the_whole_interval_only(tmp_path: Path, more: float, outcome: str) -> None:
    table = people()
    _, target, model, log = a_day(tmp_path, promised(auc_of(table, outcomes(table)) + more))
    window = only(look(tmp_path, log, model, given(publish_labels(tmp_path, KEYS, target))))
    assert window.outcome == outcome
    assert window.message.startswith(f"AUC {window.auc:.4f} ({window.low:.4f} to {window.high:.4f}) by 2000 labels")
    assert window.message.endswith("was promised, 0.02 less is accepted")


def test_labels_that_arrive_late_change_what_is_said(tmp_path: Path) -> None:
    _, target, model, log = a_day(tmp_path, promised(0.99))
    some = publish_labels(tmp_path, KEYS[:100], target[:100])
    early = look(tmp_path, log, model, given(some), after=TOMORROW)
    assert (only(early).outcome, only(early).auc) == ("Inconclusive", None)
    assert only(early).message == "100 rows have a label, at least 500 are needed"
    assert early.window is None, "no window closed"
    later = look(tmp_path, log, model, given(publish_labels(tmp_path, KEYS, target)), after=TOMORROW)
    assert (only(later).outcome, only(later).labelled) == ("Dropped", ROWS)


def test_a_look_with_labels_alone_has_a_page_of_its_own(tmp_path: Path) -> None:
    _, target, model, log = a_day(tmp_path, promised(0.99))
    found = publish_labels(tmp_path, KEYS, target)
    result = look(tmp_path, log, model, given(found), after=TOMORROW, slices=("region",))
    assert result.measurement is not None
    assert result.measurement.report_uri is not None
    folder = Path(result.measurement.report_uri.removeprefix("file://"))
    page = (folder / "index.html").read_text()
    assert "No window has closed" in page
    assert "region=north" in page
    assert (folder / "performance.parquet").exists()


def test_labels_that_are_null_have_not_arrived(tmp_path: Path) -> None:
    _, target, model, log = a_day(tmp_path, promised(0.7))
    values = [int(value) if number < 700 else None for number, value in enumerate(target)]
    found = publish_labels(tmp_path, KEYS, values)
    assert only(look(tmp_path, log, model, given(found))).labelled == 700


def test_of_several_labels_the_last_that_arrived_counts(tmp_path: Path) -> None:
    table, target, model, log = a_day(tmp_path, promised(0.7))
    parts = (pa.array(1 - target), pa.array(target), pa.nulls(ROWS, pa.int8()))
    found = publish_snapshot(tmp_path, [pa.table({"request_id": KEYS, "bad": part}) for part in parts])
    window = only(look(tmp_path, log, model, given(found)))
    assert (window.labelled, window.auc) == (ROWS, pytest.approx(auc_of(table, target), abs=1e-4))


def test_labels_of_unknown_requests_are_counted_and_told(tmp_path: Path) -> None:
    _, target, model, log = a_day(tmp_path, promised(0.7))
    found = publish_labels(tmp_path, [*KEYS, "nobody", "nothing", None], [*target.tolist(), 1, 0, 1])
    result = look(tmp_path, log, model, given(found))
    assert only(result).labelled == ROWS
    assert said(result) == "1 labels name no request; 2 of 2002 labels are of requests that the log does not have"


def test_a_row_that_was_written_twice_counts_once_by_its_newest_answer(tmp_path: Path) -> None:
    table, target, model, log = a_day(tmp_path, promised(0.7))
    noise = pa.array(np.random.default_rng(1).random(ROWS).astype(np.float32))
    before = pc.subtract(table.column("time"), timedelta(microseconds=1))
    retried = replaced(replaced(table, "prediction", noise), "time", before).slice(1)
    write_with_ids(tmp_path, retried, KEYS[1:], model=model.digest)
    window = only(look(tmp_path, log, model, given(publish_labels(tmp_path, KEYS, target))))
    assert (window.labelled, window.auc) == (ROWS, pytest.approx(auc_of(table, target), abs=1e-4))
    assert window.message.endswith("; 1999 rows were written more than once")


def test_two_models_of_one_window_are_measured_apart(tmp_path: Path) -> None:
    table, target, model, log = a_day(tmp_path, promised(0.6))
    other = publish_model(tmp_path, a_baseline(), metrics=promised(0.99), trees="other trees")
    few = people(seed=3, rows=1_500)
    write_log(tmp_path, few, model=other.digest, name="canary")
    more = outcomes(few)
    keys = [*KEYS, *(f"canary-{number}" for number in range(1_500))]
    result = look(tmp_path, log, model, given(publish_labels(tmp_path, keys, [*target, *more])))
    assert [(one.model, one.rows, one.outcome) for one in result.performance] == [
        (model.digest, ROWS, "Held"),
        (other.digest, 1_500, "Dropped"),
    ]
    expected = [auc_of(table, target), auc_of(few, more)]
    assert [one.auc for one in result.performance] == pytest.approx(expected, abs=1e-4)


def test_rows_of_one_request_have_labels_of_their_own(tmp_path: Path) -> None:
    model = publish_model(tmp_path, a_baseline(), metrics=promised(0.7))
    table = people()
    target = outcomes(table)
    write_log(tmp_path, table, model=model.digest, name="batch", batch=4)
    log = close(tmp_path, model)
    keys = [f"batch-{number // 4}/{number % 4}" if number % 4 else f"batch-{number // 4}" for number in range(ROWS)]
    window = only(look(tmp_path, log, model, given(publish_labels(tmp_path, keys, target))))
    assert (window.labelled, window.auc) == (ROWS, pytest.approx(auc_of(table, target), abs=1e-4))


def test_an_id_may_end_like_the_number_of_a_row(tmp_path: Path) -> None:
    model = publish_model(tmp_path, a_baseline(), metrics=promised(0.7))
    table = people()
    ids = [f"loan/{number}" for number in range(ROWS)]
    at_once = replaced(table, "time", pa.array([DAY] * ROWS, pa.timestamp("us", "UTC")))
    write_with_ids(tmp_path, at_once, ids, model=model.digest)
    log = close(tmp_path, model)
    window = only(look(tmp_path, log, model, given(publish_labels(tmp_path, ids, outcomes(table)))))
    assert window.labelled == ROWS


def test_ids_may_be_whole_numbers(tmp_path: Path) -> None:
    model = publish_model(tmp_path, a_baseline(), metrics=promised(0.7))
    table = replaced(people(), "time", pa.array([DAY] * ROWS, pa.timestamp("us", "UTC")))
    write_with_ids(tmp_path, table, [str(number) for number in range(ROWS)], model=model.digest)
    log = close(tmp_path, model)
    window = only(look(tmp_path, log, model, given(publish_labels(tmp_path, list(range(ROWS)), outcomes(table)))))
    assert window.labelled == ROWS


def test_slices_have_intervals_and_small_ones_are_said_to_be_small(tmp_path: Path) -> None:
    model = publish_model(tmp_path, a_baseline(), metrics=promised(0.7, north=0.99, south=0.5))
    table = people()
    regions = np.array(["<b>moon</b>"] * 3 + table.column("region").to_pylist()[3:], dtype=object)
    table = replaced(table, "region", pa.array(regions.tolist()))
    target = outcomes(table)
    write_log(tmp_path, table, model=model.digest)
    found = publish_labels(tmp_path, KEYS, target)
    result = look(tmp_path, close(tmp_path, model), model, given(found), slices=("region",))
    lines = {one["slice"]: one for one in pq.read_table(report_folder(result) / "performance.parquet").to_pylist()}
    assert set(lines) == {None, *(f"region={value}" for value in ("north", "south", "east", "<b>moon</b>"))}
    moon, east = lines["region=<b>moon</b>"], lines["region=east"]
    assert (moon["labelled"], moon["auc"], moon["outcome"]) == (3, None, "Inconclusive")
    assert moon["message"] == "3 rows have a label, at least 100 are needed"
    assert (lines["region=north"]["outcome"], lines["region=south"]["outcome"]) == ("Dropped", "Held")
    assert east["auc"] == pytest.approx(auc_of(table.filter(pa.array(regions == "east")), target[regions == "east"]))
    assert east["low"] < east["auc"] < east["high"]
    assert "name the column in evaluation.slices" in east["message"]
    page = (report_folder(result) / "index.html").read_text()
    assert "Performance by labels" in page
    assert "&lt;b&gt;moon&lt;/b&gt;" in page
    assert "<b>moon" not in page


def test_one_class_says_nothing(tmp_path: Path) -> None:
    _, _, model, log = a_day(tmp_path, promised(0.7))
    window = only(look(tmp_path, log, model, given(publish_labels(tmp_path, KEYS, [False] * ROWS))))
    assert (window.outcome, window.auc) == ("Inconclusive", None)
    assert window.message == "0 labels are positive and 2000 negative, at least 10 of each are needed"


def test_a_model_that_promised_nothing_has_dropped_nothing(tmp_path: Path) -> None:
    _, target, model, log = a_day(tmp_path, None)
    window = only(look(tmp_path, log, model, given(publish_labels(tmp_path, KEYS, target))))
    assert (window.outcome, window.promised) == ("Inconclusive", None)
    assert "has no metrics.json" in window.message


def test_only_windows_that_have_closed_are_measured(tmp_path: Path) -> None:
    model = publish_model(tmp_path, a_baseline(), metrics=promised(0.7))
    table = people()
    log = write_log(tmp_path, table, model=model.digest)
    result = look(tmp_path, log, model, given(publish_labels(tmp_path, KEYS, outcomes(table))))
    assert result.performance == ()
    assert result.measurement is not None
    assert result.measurement.report_uri is None


BROKEN = {
    "no column": ("ColumnNotFound", {"other": [1, 0]}, "labels.column: the snapshot of the labels has no column bad"),
    "text": ("WrongType", {"bad": ["yes", "no"]}, "column bad is string"),
    "values": ("TargetNotBinary", {"bad": [0.5, 2.0]}, "values such as 0.5, 2"),
    "ids": ("WrongType", {"bad": [0, 1], "request_id": [0.5, 1.5]}, "labels.keyColumn: column request_id is double"),
}


@pytest.mark.parametrize(("reason", "columns", "words"), BROKEN.values(), ids=BROKEN.keys())
def test_labels_that_cannot_be_used_are_told_and_drift_is_judged(
    tmp_path: Path, reason: str, columns: dict[str, list[Any]], words: str
) -> None:
    _, _, model, log = a_day(tmp_path, promised(0.7))
    found = publish_snapshot(tmp_path, [pa.table({"request_id": ["a", "b"]} | columns)])
    result = look(tmp_path, log, model, given(found))
    assert len(result.windows) == 1
    assert result.measurement is not None
    assert result.measurement.outcome == reason
    assert words in said(result)
    assert words in (report_folder(result) / "index.html").read_text()


def test_labels_that_were_removed_are_told_of(tmp_path: Path) -> None:
    _, _, model, log = a_day(tmp_path, promised(0.7))
    gone = DriftRows(uri=f"{tmp_path.as_uri()}/nowhere", snapshot="sha256:" + "0" * 64)
    result = look(tmp_path, log, model, given(gone))
    assert result.measurement is not None
    assert result.measurement.outcome == "DigestMismatch"


def test_a_torn_file_of_the_log_is_told_of(tmp_path: Path) -> None:
    _, target, model, log = a_day(tmp_path, promised(0.7))
    (tmp_path / "log" / f"date={DAY:%Y-%m-%d}" / "hour=03" / "torn.parquet").write_bytes(b"PAR1 torn")
    result = look(tmp_path, log, model, given(publish_labels(tmp_path, KEYS, target)))
    assert only(result).labelled == ROWS
    assert "a file of the log cannot be read" in said(result)


def many_days(root: Path, days: int, *, rows: int = 60) -> tuple[DriftBaseline, DriftRows, DriftRows]:
    """A model, a log of so many closed days, and labels for all of it."""
    model = publish_model(root, a_baseline(), metrics=promised(0.7))
    keys: list[str] = []
    target: list[int] = []
    for day in range(days):
        table = people(seed=day, rows=rows, day=DAY + timedelta(days=day))
        write_log(root, table, model=model.digest, name=f"day-{day}")
        keys += [f"day-{day}-{number}" for number in range(rows)]
        target += outcomes(table, seed=day).tolist()
    return model, close(root, model, days=days), publish_labels(root, keys, target)


def test_what_a_result_has_no_room_for_is_told_by_the_next_looks(tmp_path: Path) -> None:
    days = 26
    model, log, found = many_days(tmp_path, days)
    known: dict[Any, PerformanceWindow] = {}
    looks = 0
    while looks < 6:
        looks += 1
        labels_now = given(found, min_rows=20, known=tuple(known.values()))
        result = look(tmp_path, log, model, labels_now, after=DAY + timedelta(days=days))
        assert len(result.encode().encode()) <= RESULT_BYTES
        assert not {one.end for one in result.performance} & set(known)
        known |= {one.end: one.model_copy(update={"message": ""}) for one in result.performance}
        if is_complete(result):
            break
    assert looks <= 4
    newest = [DAY + timedelta(days=day) for day in range(days - 23, days + 1)]
    assert sorted(known) == newest, "as many as a monitor lists"


def test_drift_of_many_windows_leaves_room_for_performance(tmp_path: Path) -> None:
    model, log, found = many_days(tmp_path, 24)
    result = look(tmp_path, log, model, given(found, min_rows=20))
    assert len(result.performance) >= 4
    assert not is_complete(result)
    assert result.window is not None


def test_with_labels_that_were_measured_before_only_windows_that_have_closed_are_read(tmp_path: Path) -> None:
    model, log, found = many_days(tmp_path, 5)
    measured = given(found, min_rows=20, is_measured=True)
    result = look(tmp_path, log, model, measured, after=DAY + timedelta(days=3))
    assert [one.end for one in result.performance] == [DAY + timedelta(days=day) for day in (5, 4)]
    again = do(a_drift_task(tmp_path, log, model, labels=measured, after=DAY + timedelta(days=5)), tmp_path)
    assert (again.performance, again.measurement) == ((), None)


def test_labels_that_were_taken_back_are_told_of(tmp_path: Path) -> None:
    model, log, found = many_days(tmp_path, 1)
    first = look(tmp_path, log, model, given(found, min_rows=20))
    second = look(tmp_path, log, model, given(publish_labels(tmp_path, ["nobody"], [1]), known=first.performance))
    assert (only(second).labelled, only(second).outcome) == (0, "Inconclusive")


def test_old_files_are_not_opened_once_enough_windows_have_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, log, found = many_days(tmp_path, 30, rows=24)
    opened: list[str] = []
    read = performance._Walk._read

    def watch(walk: Any, file: Any) -> None:
        opened.append(file.name[5:15])
        read(walk, file)

    monkeypatch.setattr(performance._Walk, "_read", watch)
    result = look(tmp_path, log, model, given(found, min_rows=10), after=DAY + timedelta(days=30))
    assert min(opened) == f"{DAY + timedelta(days=6):%Y-%m-%d}"
    assert said(result) == "144 of 720 labels are of older requests, or of unknown ones"


def test_more_labels_than_are_kept_are_stood_for_by_some(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "KEPT", 1_000)
    table, target, model, log = a_day(tmp_path, promised(0.7))
    window = only(look(tmp_path, log, model, given(publish_labels(tmp_path, KEYS, target))))
    assert window.labelled == pytest.approx(ROWS, rel=0.15)
    assert window.auc == pytest.approx(auc_of(table, target), abs=0.05)

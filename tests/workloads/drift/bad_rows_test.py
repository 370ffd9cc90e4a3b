"""Looks at bad input: what the user has to mend has a reason, and what is only one window's fault is its verdict."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from springtide.api.constants import Reason
from springtide.api.task import DriftRows
from springtide_workloads.drift import evidently_report, tally
from springtide_workloads.errors import WorkloadError

from tests.workloads.drift.builders import (
    DAY,
    NOW,
    a_baseline,
    a_drift_task,
    do,
    earlier,
    people,
    publish_model,
    publish_snapshot,
    write_log,
)

TOMORROW = DAY + timedelta(days=1)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidently_report.sys, "executable", "/nowhere/python")


def failure(task, root: Path) -> WorkloadError:
    with pytest.raises(WorkloadError) as caught:
        do(task, root)
    return caught.value


def replaced(table: pa.Table, name: str, values: object) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


def window_of(tmp_path: Path, table: pa.Table, **fields):
    model = publish_model(tmp_path, a_baseline())
    window = do(a_drift_task(tmp_path, publish_snapshot(tmp_path, [table]), model, **fields), tmp_path).window
    assert window is not None
    return window


def test_a_model_that_is_gone_is_no_baseline(tmp_path: Path):
    model = publish_model(tmp_path, a_baseline()).model_copy(update={"uri": (tmp_path / "gone").as_uri()})
    error = failure(a_drift_task(tmp_path, publish_snapshot(tmp_path, [people()]), model), tmp_path)
    assert error.reason == Reason.BASELINE_NOT_FOUND


def test_a_model_without_a_baseline_is_none(tmp_path: Path):
    error = failure(
        a_drift_task(tmp_path, publish_snapshot(tmp_path, [people()]), publish_model(tmp_path, None)), tmp_path
    )
    assert error.reason == Reason.BASELINE_NOT_FOUND
    assert "baseline.json" in error.message


@pytest.mark.parametrize("damage", ["manifest.json", "baseline.json"])
def test_a_baseline_that_is_not_what_its_digest_says_is_refused(tmp_path: Path, damage: str):
    model = publish_model(tmp_path, a_baseline())
    path = Path(model.uri.removeprefix("file://")) / damage
    path.write_text(path.read_text() + " ")
    error = failure(a_drift_task(tmp_path, publish_snapshot(tmp_path, [people()]), model), tmp_path)
    assert error.reason == Reason.DIGEST_MISMATCH


def test_a_torn_file_of_a_snapshot_ends_the_look(tmp_path: Path):
    model, rows = publish_model(tmp_path, a_baseline()), publish_snapshot(tmp_path, [people()])
    path = next(Path(rows.uri.removeprefix("file://")).glob("*.parquet"))
    path.write_bytes(path.read_bytes()[:1_000])
    assert failure(a_drift_task(tmp_path, rows, model), tmp_path).reason == Reason.DIGEST_MISMATCH


def test_a_file_that_vanished_from_a_snapshot_ends_the_look(tmp_path: Path):
    model, rows = publish_model(tmp_path, a_baseline()), publish_snapshot(tmp_path, [people()])
    next(Path(rows.uri.removeprefix("file://")).glob("*.parquet")).unlink()
    assert failure(a_drift_task(tmp_path, rows, model), tmp_path).reason == Reason.DIGEST_MISMATCH


@pytest.mark.parametrize("content", [b"", b"PAR1 torn", None])
@pytest.mark.parametrize("processes", [1, 2])
def test_a_torn_or_empty_file_of_a_log_is_a_fault_of_its_window_only(
    tmp_path: Path, content: bytes | None, processes: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tally, "processes_for", lambda _size: processes)
    model = publish_model(tmp_path, a_baseline())
    rows = write_log(tmp_path, people(), model=model.digest)
    for day in (1, 2):
        write_log(tmp_path, people(seed=day, day=DAY + timedelta(days=day)), model=model.digest, name=f"pod-{day}")
    place = tmp_path / "log" / "date=2026-03-01" / "hour=05"
    whole = next(place.glob("*.parquet")).read_bytes()
    (place / "torn-1.parquet").write_bytes(whole[: len(whole) // 2] if content is None else content)
    result = do(a_drift_task(tmp_path, rows, model), tmp_path)
    assert [one.verdict for one in result.windows] == ["DataBroken", "Stable"]
    assert result.windows[0].rows == 2_000, "the other files are counted"
    assert "torn-1.parquet" in result.message


def test_a_log_that_is_not_there_yet_has_no_windows(tmp_path: Path):
    model = publish_model(tmp_path, a_baseline())
    result = do(a_drift_task(tmp_path, DriftRows(uri=(tmp_path / "log").as_uri()), model), tmp_path)
    assert result.windows == ()
    assert "no rows with an event time yet" in result.message


def test_columns_that_are_gone_or_of_another_type_are_broken(tmp_path: Path):
    text = people().column("income").cast(pa.string())
    window = window_of(tmp_path, replaced(people(), "income", text).drop_columns(["age"]), slices=("region",))
    assert window.verdict == "DataBroken"
    assert {(one.column, one.reason) for one in window.drifted} == {("income", "TypeChanged"), ("age", "ColumnGone")}


def test_times_in_the_future_close_no_window(tmp_path: Path):
    model = publish_model(tmp_path, a_baseline())
    wrong = people(5, day=NOW + timedelta(days=400))
    rows = publish_snapshot(tmp_path, [people(), people(300, day=TOMORROW), wrong])
    result = do(a_drift_task(tmp_path, rows, model, event_time_column="time"), tmp_path)
    assert [one.rows for one in result.windows] == [2_000]
    assert "5 rows have an event time in the future" in result.message


@pytest.mark.parametrize("unset", ["0001-01-01", "-0044-03-15", -(2**63), None])
@pytest.mark.parametrize("days", [1, 7])
def test_times_before_the_calendar_are_none(tmp_path: Path, unset: str | int | None, days: int):
    model = publish_model(tmp_path, a_baseline())
    time = np.datetime64(unset, "us").astype(np.int64) if isinstance(unset, str) else unset
    wrong = replaced(people(5), "time", pa.array([time] * 5, pa.int64()).cast(pa.timestamp("us", "UTC")))
    rows = publish_snapshot(tmp_path, [people(), people(300, day=DAY + timedelta(days=days)), wrong])
    fields = {"event_time_column": "time", "window_seconds": days * 86_400}
    result = do(a_drift_task(tmp_path, rows, model, **fields), tmp_path)
    assert [one.rows for one in result.windows] == [2_000]
    assert "5 rows have no event time, or one before the year 2" in result.message


def test_an_event_time_that_is_text_or_missing_is_the_users_error(tmp_path: Path):
    model, rows = publish_model(tmp_path, a_baseline()), publish_snapshot(tmp_path, [people()])
    text = a_drift_task(tmp_path, rows, model, event_time_column="region")
    assert failure(text, tmp_path).reason == Reason.WRONG_TYPE
    gone = a_drift_task(tmp_path, rows, model, event_time_column="nowhere")
    assert failure(gone, tmp_path).reason == Reason.COLUMN_NOT_FOUND


def test_a_column_of_nothing_but_nan_is_broken_and_a_constant_one_says_nothing(tmp_path: Path):
    window = window_of(tmp_path, replaced(people(), "income", pa.array(np.full(2_000, np.nan))))
    assert [(one.column, one.reason) for one in window.drifted] == [("income", "NullSpike")]
    assert window.columns == 4, "the constant column is counted, and is no alarm"


def test_an_empty_window_is_broken_where_rows_are_usual_and_else_says_nothing(tmp_path: Path):
    assert window_of(tmp_path, people().slice(0, 0)).verdict == "Inconclusive"
    assert window_of(tmp_path, people().slice(0, 0), earlier=earlier(2_000)).verdict == "DataBroken"


def test_three_rows_say_nothing(tmp_path: Path):
    window = window_of(tmp_path, people(3), slices=("region",))
    assert window.verdict == "Inconclusive"
    assert "nothing can be said: 3 rows" in window.message


def test_a_slice_of_three_rows_raises_no_alarm(tmp_path: Path):
    table = people()
    north = table.filter(pc.equal(table.column("region"), "north"))
    east = table.filter(pc.equal(table.column("region"), "east")).slice(0, 3)
    extreme = replaced(east, "income", pa.array([1e9] * 3))
    window = window_of(tmp_path, pa.concat_tables([north, extreme]), slices=("region",), exclude=("region",))
    assert all(one.slice != "region=east" for one in window.drifted)


def test_one_wild_value_changes_the_psi_of_its_own_drifted_column_by_less_than_a_hundredth(tmp_path: Path):
    table = people(10_000)
    income = pc.multiply(table.column("income"), 1.5).to_numpy()
    plain = window_of(tmp_path, replaced(table, "income", pa.array(income))).drifted[0].psi
    income = income.copy()
    income[5_000] = 1e9
    wild = window_of(tmp_path, replaced(table, "income", pa.array(income))).drifted[0].psi
    assert abs(wild / plain - 1) < 0.01


def test_rows_that_a_log_has_twice_are_broken_data(tmp_path: Path):
    model = publish_model(tmp_path, a_baseline())
    rows = write_log(tmp_path, people(), model=model.digest)
    for path in sorted((tmp_path / "log").rglob("*.parquet")):
        pq.write_table(pq.ParquetFile(path).read(), path.with_name("again-1.parquet"))
    write_log(tmp_path, people(day=TOMORROW), model=model.digest, name="later")
    result = do(a_drift_task(tmp_path, rows, model), tmp_path)
    assert result.windows[0].verdict == "DataBroken"
    assert "2000 of 4000 rows were written more than once" in result.message


def test_excluding_every_column_is_the_users_error(tmp_path: Path):
    model, rows = publish_model(tmp_path, a_baseline()), publish_snapshot(tmp_path, [people()])
    task = a_drift_task(tmp_path, rows, model, exclude=("income", "age", "region", "constant"))
    assert failure(task, tmp_path).reason == Reason.COLUMN_NOT_FOUND

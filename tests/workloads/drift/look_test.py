"""Looks from end to end: what is judged, what is answered, and what is published."""

import json
import subprocess
import sys
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from springtide.api.task import RESULT_BYTES, DriftTask
from springtide_workloads.drift import evidently_report, tally
from springtide_workloads.drift.bins import Baseline, ColumnCounts, NumberBins

from tests.workloads.drift.builders import (
    DAY,
    a_baseline,
    a_drift_task,
    do,
    earlier,
    log_of,
    on_three_processors,
    people,
    publish_model,
    publish_snapshot,
    report_folder,
    write_log,
)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Evidently, which takes seconds: as on a machine where it cannot be started."""
    monkeypatch.setattr(evidently_report.sys, "executable", "/nowhere/python")


def shifted(table: pa.Table, *, by: float = 1.5) -> pa.Table:
    return replaced(table, "income", pc.multiply(table.column("income"), by))


def replaced(table: pa.Table, name: str, values: object) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


@pytest.mark.usefixtures("quick")
def test_a_snapshot_of_the_same_population_is_stable(tmp_path: Path):
    model = publish_model(tmp_path, a_baseline())
    result = do(a_drift_task(tmp_path, publish_snapshot(tmp_path, [people()]), model), tmp_path)
    assert (result.status, result.reason) == ("Succeeded", "Judged")
    assert result.window is not None
    assert (result.window.verdict, result.window.rows, result.window.columns) == ("Stable", 2_000, 4)
    assert result.window.start is None, "without an event time the whole snapshot is the window"
    assert result.window.baseline == model.digest
    assert result.windows[0].verdict == "Stable"


@pytest.mark.usefixtures("quick")
def test_a_column_that_shifted_is_named_with_its_slices(tmp_path: Path):
    model = publish_model(tmp_path, a_baseline())
    rows = publish_snapshot(tmp_path, [shifted(people())])
    result = do(a_drift_task(tmp_path, rows, model, slices=("region", "age")), tmp_path)
    assert result.window is not None
    assert (result.window.verdict, result.window.drifted_columns) == ("Drifted", 1)
    assert {(one.column, one.slice) for one in result.window.drifted} == {
        ("income", None),
        *(("income", f"region={value}") for value in ("north", "south", "east")),
    }
    assert "slices: age is not a category" in result.message


@pytest.mark.usefixtures("quick")
def test_closed_windows_of_a_log_are_judged_from_the_last_judged_one_on(tmp_path: Path):
    model = publish_model(tmp_path, a_baseline())
    for day in range(4):
        table = people(seed=day, day=DAY + timedelta(days=day))
        rows = write_log(tmp_path, shifted(table) if day == 1 else table, model=model.digest, name=f"pod-{day}")
    first = do(a_drift_task(tmp_path, rows, model), tmp_path)
    assert [one.verdict for one in first.windows] == ["Stable", "Drifted", "Stable"], "the last day is still open"
    assert first.window is not None
    assert first.window.columns == 5, "the score is a column, too"
    assert first.window.end == DAY + timedelta(days=3)
    again = do(a_drift_task(tmp_path, rows, model, after=first.window.end), tmp_path)
    assert (again.window, again.windows) == (None, ())
    assert again.message == "no window has closed since the last look"


@pytest.mark.usefixtures("quick")
def test_the_score_is_judged_on_answers_of_the_baselines_model_only(tmp_path: Path):
    model = publish_model(tmp_path, a_baseline())
    today, tomorrow = people(), people(day=DAY + timedelta(days=1))
    other = replaced(people(seed=3), "prediction", pa.array(np.full(2_000, 0.99, np.float32)))
    rows = write_log(tmp_path, today, model=model.digest, name="own")
    write_log(tmp_path, other, model="sha256:" + "0" * 64, name="other")
    write_log(tmp_path, tomorrow, model=model.digest, name="later")
    result = do(a_drift_task(tmp_path, rows, model), tmp_path)
    assert result.window is not None
    assert (result.window.verdict, result.window.rows) == ("Stable", 4_000)
    assert "2000 rows were answered by another model" in result.window.message


@pytest.mark.usefixtures("quick")
def test_a_score_that_moved_is_drift(tmp_path: Path):
    model = publish_model(tmp_path, a_baseline())
    table = people()
    moved = replaced(table, "prediction", pc.power(table.column("prediction"), 2.0).cast(pa.float32()))
    rows = write_log(tmp_path, moved, model=model.digest)
    write_log(tmp_path, people(day=DAY + timedelta(days=1)), model=model.digest, name="later")
    result = do(a_drift_task(tmp_path, rows, model), tmp_path)
    assert result.window is not None
    assert [one.column for one in result.window.drifted] == ["prediction"]


@pytest.mark.usefixtures("quick")
def test_an_unusual_number_of_rows_is_broken_data(tmp_path: Path):
    model = publish_model(tmp_path, a_baseline())
    rows = publish_snapshot(tmp_path, [people()])
    result = do(a_drift_task(tmp_path, rows, model, earlier=earlier(90_000, 100_000, 80_000)), tmp_path)
    assert result.window is not None
    assert result.window.verdict == "DataBroken"
    assert "2000 rows, where 90000 are usual" in result.window.message


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("dropped", "usual", "verdict"),
    [(5, (), "Drifted"), (30, (), "Inconclusive"), (2_000, (50_000,), "Inconclusive"), (2_000, (2_000,), "DataBroken")],
)
def test_rows_that_the_log_dropped_are_not_taken_for_rows_that_were_never_asked(
    tmp_path: Path, dropped: int, usual: tuple[int, ...], verdict: str
):
    model = publish_model(tmp_path, a_baseline())
    rows = write_log(tmp_path, shifted(people()), model=model.digest, dropped=dropped)
    write_log(tmp_path, people(day=DAY + timedelta(days=1)), model=model.digest, name="later")
    window = do(a_drift_task(tmp_path, rows, model, earlier=earlier(*usual)), tmp_path).window
    assert window is not None
    assert (window.verdict, window.rows, window.dropped_rows) == (verdict, 2_000, 24 * dropped)
    assert f"the inference log dropped {24 * dropped} of {2_000 + 24 * dropped} rows" in window.message
    assert ("more than 10% of the rows are missing" in window.message) == (dropped > 5)


@pytest.mark.usefixtures("quick")
def test_dropped_rows_are_those_of_their_own_window_and_broken_columns_are_told_in_spite_of_them(tmp_path: Path):
    model = publish_model(tmp_path, a_baseline())
    rows = write_log(tmp_path, people(), model=model.digest, name="today")
    nothing = pa.nulls(2_000, pa.float64())
    broken = replaced(people(day=DAY + timedelta(days=1)), "income", nothing)
    write_log(tmp_path, broken, model=model.digest, name="tomorrow", dropped=50)
    write_log(tmp_path, people(day=DAY + timedelta(days=2)), model=model.digest, name="later", dropped=50)
    result = do(a_drift_task(tmp_path, rows, model), tmp_path)
    assert [(one.verdict, one.dropped_rows) for one in result.windows] == [("Stable", None), ("DataBroken", 1_200)]


@pytest.mark.usefixtures("quick")
def test_the_page_draws_what_was_judged_before_beside_the_window_of_this_look(tmp_path: Path):
    model = publish_model(tmp_path, a_baseline())
    rows = write_log(tmp_path, people(), model=model.digest)
    write_log(tmp_path, people(day=DAY + timedelta(days=1)), model=model.digest, name="later")
    first = do(a_drift_task(tmp_path, rows, model), tmp_path)
    assert "Largest PSI by window" not in (report_folder(first) / "index.html").read_text(), "one window is no line"
    found = do(a_drift_task(tmp_path, rows, model, earlier=earlier(2_000, 1_900)), tmp_path)
    page = (report_folder(found) / "index.html").read_text()
    titles = [
        title.partition("</title>")[0] for title in page.partition("Largest PSI by window")[2].split("<title>")[1:4]
    ]
    assert [title[:10] for title in titles] == ["2026-02-27", "2026-02-28", "2026-03-01"]
    assert found.windows == first.windows, "what was judged before is not judged again"


@pytest.mark.usefixtures("quick")
def test_an_answer_with_many_drifted_columns_and_windows_fits_a_termination_message(tmp_path: Path):
    bins = NumberBins(edges=(0.0,), min=-4.0, max=4.0)
    names = [f"a column with a name that goes on and on, number {number}" for number in range(60)]
    column = ColumnCounts(name="x", bins=bins, counts=(0, 0, 0, 5_000, 5_000, 0))
    features = tuple(column.model_copy(update={"name": name}) for name in names)
    model = publish_model(tmp_path, Baseline(features=features, score=column))
    times = [DAY + timedelta(hours=hour, seconds=second) for hour in range(30) for second in range(120)]
    values = np.abs(np.random.default_rng(1).normal(size=len(times))).clip(0, 3)
    table = pa.table({"time": pa.array(times, pa.timestamp("us", "UTC")), **dict.fromkeys(names, pa.array(values))})
    task = a_drift_task(
        tmp_path, publish_snapshot(tmp_path, [table]), model, event_time_column="time", window_seconds=3_600
    )
    result = do(task, tmp_path)
    assert len(result.encode().encode()) <= RESULT_BYTES
    assert len(result.windows) == 24
    assert result.window is not None
    assert (result.window.drifted_columns, result.window.end) == (60, DAY + timedelta(hours=24))
    verdicts = pq.read_table(report_folder(result) / "verdicts.parquet")
    assert verdicts.num_rows == 24 * 60, "the report has all of it"


def test_a_report_is_whole_and_equal_looks_publish_the_same_bytes(tmp_path: Path):
    learned = publish_snapshot(tmp_path, [people(20_000, seed=99)])
    model = publish_model(tmp_path, a_baseline(), trained_on=learned)
    log = write_log(tmp_path, shifted(people()), model=model.digest)
    write_log(tmp_path, people(day=DAY + timedelta(days=1)), model=model.digest, name="later")
    task = a_drift_task(tmp_path, log, model, slices=("region",))
    result = do(task, tmp_path)
    folder = report_folder(result)
    assert {path.name for path in folder.iterdir()} == {
        "index.html", "verdicts.parquet", "counts.parquet", "evidently.html", "manifest.json",
    }  # fmt: skip
    assert result.window is not None
    assert folder.name == result.window.report_digest.replace(":", "-")
    inputs = {one["name"]: one["digest"] for one in json.loads((folder / "manifest.json").read_text())["inputs"]}
    assert inputs == {"baseline": model.digest, "reference": learned.snapshot}
    page = (folder / "index.html").read_text()
    assert "http" not in page, "nothing is loaded from elsewhere"
    assert all(f">{name} <span" in page for name in ("income", "age", "region"))
    assert f"on 2,000 rows of the window and 5,000 of the snapshot {learned.snapshot}" in page
    assert "those of prediction are drawn from the counts" in page
    assert "drift" in (folder / "evidently.html").read_text().lower()
    assert do(task, tmp_path).window.report_digest == result.window.report_digest


@pytest.mark.usefixtures("quick")
def test_a_look_succeeds_without_evidently_and_says_so(tmp_path: Path):
    model = publish_model(tmp_path, a_baseline())
    result = do(a_drift_task(tmp_path, publish_snapshot(tmp_path, [people()]), model), tmp_path)
    folder = report_folder(result)
    assert not (folder / "evidently.html").exists()
    assert "There is no report by Evidently: it could not be started" in (folder / "index.html").read_text()


def test_nothing_imports_evidently_before_it_is_used():
    code = "import sys; import springtide_workloads.drift.look; sys.exit('evidently' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.usefixtures("quick")
def test_names_in_the_data_cannot_write_into_the_page(tmp_path: Path):
    name = "<script>alert(1)</script>"
    column = ColumnCounts(name=name, bins=NumberBins(edges=(0.0,), min=-4.0, max=4.0), counts=(0, 0, 0, 500, 500, 0))
    model = publish_model(tmp_path, Baseline(features=(column,), score=column))
    result = do(a_drift_task(tmp_path, publish_snapshot(tmp_path, [pa.table({name: [1.0] * 500})]), model), tmp_path)
    page = (report_folder(result) / "index.html").read_text()
    assert name not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.usefixtures("quick")
def test_counts_by_hour_and_slice_add_up_to_all_rows(tmp_path: Path):
    model = publish_model(tmp_path, a_baseline())
    rows = publish_snapshot(tmp_path, [people(), people(day=DAY + timedelta(days=1))])
    result = do(a_drift_task(tmp_path, rows, model, event_time_column="time", slices=("region",)), tmp_path)
    table = pq.read_table(report_folder(result) / "counts.parquet").to_pylist()
    hours = [row for row in table if row["column"] == "income" and row["slice"] is None]
    assert len(hours) == 24
    assert sum(sum(row["counts"]) for row in hours) == 2_000
    assert sum(sum(row["counts"]) for row in table if row["column"] == "income" and row["slice"]) == 2_000


PARTS = st.lists(st.integers(0, 2_000), max_size=4)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=PARTS, row_group=st.integers(150, 2_500), order=st.randoms(use_true_random=False))
@pytest.mark.usefixtures("quick")
def test_the_report_is_the_same_bits_on_any_partitioning_of_the_rows(tmp_path: Path, cuts, row_group, order):
    model = publish_model(tmp_path, a_baseline())
    table = pa.concat_tables([shifted(people()), people(200, seed=4, day=DAY + timedelta(days=1))])
    bounds = [0, *sorted(cuts), table.num_rows]
    parts = [table.slice(low, high - low) for low, high in pairwise(bounds)]
    order.shuffle(parts)
    digests = set()
    for tables, size in (([table], 700), (parts, row_group)):
        task = a_drift_task(
            tmp_path,
            publish_snapshot(tmp_path, tables, row_group=size),
            model,
            event_time_column="time",
            slices=("region",),
        )
        folder = report_folder(do(task, tmp_path))
        page = (folder / "index.html").read_text().replace(task.data.snapshot or "", "")
        digests.add((page, *((folder / name).read_bytes() for name in ("verdicts.parquet", "counts.parquet"))))
    assert len(digests) == 1


@pytest.fixture(params=["snapshot", "log"])
def three_days(request: pytest.FixtureRequest, tmp_path: Path) -> DriftTask:
    """A look at three windows of rows."""
    model = publish_model(tmp_path, a_baseline())
    days = [people(seed=day, day=DAY + timedelta(days=day)) for day in range(3)]
    if request.param == "snapshot":
        rows, more = publish_snapshot(tmp_path, days), {"event_time_column": "time"}
    else:
        rows, more = log_of(tmp_path, days, model=model.digest), {}
    return a_drift_task(tmp_path, rows, model, slices=("region",), window_seconds=86_400, **more)


@pytest.mark.usefixtures("quick")
def test_the_report_is_the_same_bits_however_many_processes_count(three_days: DriftTask, tmp_path: Path, monkeypatch):
    alone = do(three_days, tmp_path)
    counted = on_three_processors(monkeypatch)
    shared = do(three_days, tmp_path)
    assert [processes for _, processes in counted] == [3]
    assert shared.window is not None
    assert shared.window.rows == 2_000
    assert (shared.window, shared.windows) == (alone.window, alone.windows)


@pytest.mark.usefixtures("quick")
def test_counts_too_large_to_be_shared_are_made_by_one_process(three_days: DriftTask, tmp_path: Path, monkeypatch):
    counted = on_three_processors(monkeypatch)
    shared = do(three_days, tmp_path)
    ((work, _),) = counted
    monkeypatch.setattr(tally, "ROOM_TO_SHARE", work.layout.cell_bytes * work.cells.size - 1)
    alone = do(three_days, tmp_path)
    assert [processes for _, processes in counted] == [3, 1]
    assert alone.window is not None
    assert (alone.window, alone.windows) == (shared.window, shared.windows)

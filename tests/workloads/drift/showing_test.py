"""What Evidently is shown: a bounded sample of real rows on both sides, or what is known in their place."""

import uuid
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from springtide.api.task import DriftBaseline, DriftRows, DriftTask
from springtide_workloads.drift import showing
from springtide_workloads.drift.look import find_windows, judge_windows, show_worst, understand
from springtide_workloads.drift.sampling import ROWS
from springtide_workloads.drift.side_by_side import COMMON, NAMED, OTHERS, Shown
from springtide_workloads.process.progress import Silence

from tests.workloads.drift.builders import (
    DAY,
    NOW,
    REGIONS,
    a_baseline,
    a_drift_task,
    people,
    publish_model,
    publish_snapshot,
    write_log,
)

FEATURES = ("income", "age", "region", "constant")
TOMORROW = DAY + timedelta(days=1)


def shown(task: DriftTask, root: Path) -> Shown:
    """What a look would hand over to Evidently."""
    scratch = root / "scratch" / uuid.uuid4().hex
    scratch.mkdir(parents=True)
    work = understand(task, scratch=scratch, progress=Silence())
    windows, _ = find_windows(work, now=NOW, progress=Silence())
    found = show_worst(work, judge_windows(work, windows, progress=Silence()), scratch=scratch, progress=Silence())
    assert found is not None
    assert not any(scratch.glob("reference-*")), "what was copied for the sample is gone"
    return found


def a_model(root: Path, learned: DriftRows | None = None) -> DriftBaseline:
    """Trained on a snapshot of 20,000 people in three files."""
    return publish_model(root, a_baseline(), trained_on=learned or publish_people(root))


def publish_people(root: Path, *, files: int = 3) -> DriftRows:
    table = people(20_000, seed=99)
    each = -(-table.num_rows // files)
    return publish_snapshot(root, [table.slice(number * each, each) for number in range(files)])


def files_of(rows: DriftRows) -> list[Path]:
    return sorted(Path(rows.uri.removeprefix("file://")).glob("*.parquet"))


def rows_of(table: pa.Table) -> set[tuple[object, ...]]:
    """Whole rows; null is left out, for it fills up what is shorter."""
    columns = [table.column(name).to_pylist() for name in FEATURES]
    return {row for row in zip(*columns, strict=True) if None not in row}


def replaced(table: pa.Table, name: str, values: object) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


def test_rows_of_the_window_stand_beside_rows_of_the_snapshot_that_the_model_was_trained_on(tmp_path: Path):
    learned, table = publish_people(tmp_path), people(12_000)
    found = shown(a_drift_task(tmp_path, publish_snapshot(tmp_path, [table]), a_model(tmp_path, learned)), tmp_path)
    assert (found.drawn, found.snapshot) == ((), learned.snapshot)
    assert found.window.num_rows == found.reference.num_rows == ROWS
    assert set(found.window.column_names) == set(FEATURES)
    assert found.window.schema == found.reference.schema
    assert found.window.schema.field("age").type == pa.float64()
    assert found.window.schema.field("region").type == pa.string()
    assert rows_of(found.window) < rows_of(table)
    assert rows_of(found.reference) < rows_of(people(20_000, seed=99))
    assert f"on 5,000 rows of the window and 5,000 of the snapshot {learned.snapshot}" in found.origin


def test_the_sample_is_of_all_rows_alike(tmp_path: Path):
    table = people(12_000)
    found = shown(a_drift_task(tmp_path, publish_snapshot(tmp_path, [table]), a_model(tmp_path)), tmp_path)
    for part, whole in ((found.window, table), (found.reference, people(20_000, seed=99))):
        income, everyone = (np.sort(one.column("income").to_numpy()) for one in (part, whole))
        quantiles = np.searchsorted(everyone, income) / everyone.size
        assert np.abs(quantiles - np.linspace(0, 1, ROWS)).max() < 0.03, "a KS distance of 1.95 / sqrt(5,000)"


@pytest.mark.parametrize("source", ["snapshot", "log"])
def test_looking_again_shows_the_same_rows_in_the_same_order(tmp_path: Path, source: str):
    model, table = a_model(tmp_path), people(12_000)
    rows = publish_snapshot(tmp_path, [table]) if source == "snapshot" else write_log(tmp_path, table, model="other")
    if source == "log":
        write_log(tmp_path, people(day=TOMORROW), model="other", name="later")
    task = a_drift_task(tmp_path, rows, model)
    first, second = shown(task, tmp_path), shown(task, tmp_path)
    assert first == second


def test_which_rows_of_a_log_are_shown_does_not_depend_on_how_it_was_written(tmp_path: Path):
    model, table = a_model(tmp_path), people(12_000)
    found = []
    for number, row_group in enumerate((700, 90)):
        root = tmp_path / str(number)
        rows = write_log(root, table, model=model.digest, row_group=row_group)
        write_log(root, people(day=TOMORROW), model=model.digest, name="later")
        found.append(shown(a_drift_task(tmp_path, rows, model), tmp_path).window)
    assert rows_of(found[0]) == rows_of(found[1])
    assert len(rows_of(found[0])) == ROWS


def test_of_a_log_the_newest_window_is_shown_and_all_of_it_where_it_is_small(tmp_path: Path):
    model, newest = a_model(tmp_path), people(300, seed=5, day=TOMORROW)
    rows = write_log(tmp_path, people(), model=model.digest)
    write_log(tmp_path, newest, model=model.digest, name="newest")
    write_log(tmp_path, people(day=TOMORROW + timedelta(days=1)), model=model.digest, name="open")
    found = shown(a_drift_task(tmp_path, rows, model), tmp_path)
    assert rows_of(found.window) == rows_of(newest)
    assert found.window.num_rows == 300
    assert found.reference.num_rows == ROWS


def test_the_score_is_drawn_from_the_counts_on_both_sides(tmp_path: Path):
    model = a_model(tmp_path)
    rows = write_log(tmp_path, people(), model=model.digest)
    write_log(tmp_path, people(day=TOMORROW), model=model.digest, name="later")
    found = shown(a_drift_task(tmp_path, rows, model), tmp_path)
    assert found.drawn == ("prediction",)
    assert "those of prediction are drawn from the counts" in found.origin
    assert found.window.schema.field("prediction").type == pa.string(), "the names of its bins"
    assert found.window.column("prediction").null_count == 0
    assert rows_of(found.window) == rows_of(people())


def test_a_column_that_is_missing_throughout_is_drawn_so_that_the_others_are_shown(tmp_path: Path):
    table = replaced(people(), "income", pa.nulls(2_000, pa.float64()))
    found = shown(a_drift_task(tmp_path, publish_snapshot(tmp_path, [table]), a_model(tmp_path)), tmp_path)
    assert found.drawn == ("income",)
    assert set(found.window.column("income").to_pylist()) == {"missing"}
    assert found.window.column("age").to_pylist() == [float(age) for age in table.column("age").to_pylist()]


@pytest.mark.parametrize("kind", ["gone", "text"])
def test_a_column_that_is_gone_or_of_another_type_is_not_shown(tmp_path: Path, kind: str):
    table = people().drop_columns(["income"])
    table = table if kind == "gone" else table.append_column("income", pa.array(["much"] * 2_000))
    found = shown(a_drift_task(tmp_path, publish_snapshot(tmp_path, [table]), a_model(tmp_path)), tmp_path)
    assert set(found.window.column_names) == set(FEATURES) - {"income"}


def test_infinite_values_are_left_out(tmp_path: Path):
    income = people().column("income").to_numpy().copy()
    income[::2] = np.inf
    table = replaced(people(), "income", pa.array(income))
    found = shown(a_drift_task(tmp_path, publish_snapshot(tmp_path, [table]), a_model(tmp_path)), tmp_path)
    assert found.window.column("income").null_count == 1_000
    assert np.isfinite(found.window.column("income").drop_null().to_numpy()).all()


def test_words_of_few_rows_are_not_told(tmp_path: Path):
    words = [f"person {number}" for number in range(1_000)] + [f"city {number % 100}" for number in range(1_000)]
    table = replaced(people(), "region", pa.array(words))
    found = shown(a_drift_task(tmp_path, publish_snapshot(tmp_path, [table]), a_model(tmp_path)), tmp_path)
    told = found.window.column("region").to_pylist()
    assert len(told) == 2_000
    assert not any(word.startswith("person") for word in told)
    assert len(set(told) | set(REGIONS)) == NAMED + 1
    assert all(told.count(word) >= COMMON for word in set(told) - {OTHERS})
    assert set(found.reference.column("region").to_pylist()) == set(REGIONS)


def no_dataset(learned: DriftRows) -> None:
    place = files_of(learned)[0].parents[2]
    place.rename(place.with_name("elsewhere"))


def of_another_namespace(learned: DriftRows) -> None:
    place = files_of(learned)[0].parents[1]
    place.rename(place.with_name("team2.people"))


def torn(learned: DriftRows) -> None:
    path = files_of(learned)[1]
    path.write_bytes(path.read_bytes()[:-500])


def file_gone(learned: DriftRows) -> None:
    files_of(learned)[1].unlink()


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (no_dataset, "or its snapshot was removed"),
        (of_another_namespace, "or its snapshot was removed"),
        (torn, "but the manifest says"),
        (file_gone, "there is nothing at"),
    ],
)
def test_without_the_snapshot_all_is_drawn_from_the_counts_and_it_is_said_why(tmp_path: Path, damage, why: str):
    learned = publish_people(tmp_path)
    model = a_model(tmp_path, learned)
    rows = write_log(tmp_path, people(), model=model.digest)
    write_log(tmp_path, people(day=TOMORROW), model=model.digest, name="later")
    damage(learned)
    found = shown(a_drift_task(tmp_path, rows, model), tmp_path)
    assert (set(found.drawn), found.snapshot) == ({*FEATURES, "prediction"}, None)
    assert found.origin.startswith("on rows that are drawn from the counts, 5,000 at most on each side: ")
    assert why in found.origin
    assert (found.window.num_rows, found.reference.num_rows) == (2_000, ROWS)
    shares = pc.value_counts(found.window.column("region")).to_pylist()
    counted = pc.value_counts(people().column("region")).to_pylist()
    assert {one["values"]: one["counts"] for one in shares} == {one["values"]: one["counts"] for one in counted}


def test_a_model_that_does_not_say_what_it_was_trained_on_is_compared_by_its_counts(tmp_path: Path):
    model = publish_model(tmp_path, a_baseline())
    found = shown(a_drift_task(tmp_path, publish_snapshot(tmp_path, [people()]), model), tmp_path)
    assert found.drawn == tuple(found.window.column_names)
    assert "does not say which data it was trained on" in found.origin


def test_a_torn_file_of_the_log_is_left_out(tmp_path: Path):
    model = a_model(tmp_path)
    rows = write_log(tmp_path, people(), model=model.digest, name="whole")
    write_log(tmp_path, people(seed=7), model=model.digest, name="torn")
    write_log(tmp_path, people(day=TOMORROW), model=model.digest, name="later")
    for path in (tmp_path / "log").rglob("torn-*.parquet"):
        path.write_bytes(path.read_bytes()[:-100])
    found = shown(a_drift_task(tmp_path, rows, model), tmp_path)
    assert rows_of(found.window) == rows_of(people())


def test_of_a_large_snapshot_some_files_are_read_and_those_are_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    learned = publish_people(tmp_path, files=4)
    task = a_drift_task(tmp_path, publish_snapshot(tmp_path, [people()]), a_model(tmp_path, learned))
    files = files_of(learned)
    monkeypatch.setattr(showing, "REFERENCE_BYTES", sum(path.stat().st_size for path in files) // 2 + 1_000)
    files[1].write_bytes(b"not read")
    found = shown(task, tmp_path)
    assert found.snapshot == learned.snapshot
    assert rows_of(found.reference) < rows_of(
        pa.concat_tables([people(20_000, seed=99).slice(number * 5_000, 5_000) for number in (0, 2)])
    )
    files[2].write_bytes(b"not what the manifest says")
    assert "but the manifest says" in shown(task, tmp_path).origin
    monkeypatch.setattr(showing, "REFERENCE_BYTES", 1)
    assert shown(task, tmp_path).reference.num_rows == ROWS, "one file is read in any case"

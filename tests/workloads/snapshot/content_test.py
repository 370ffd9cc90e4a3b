"""What a snapshot is: the rows of the source, once, under a digest that equal rows share."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from springtide.api.constants import Reason
from springtide.api.dataset import ColumnContract
from springtide_workloads.artifacts.store import ArtifactStore
from springtide_workloads.errors import WorkloadError

from tests.workloads.builders import a_table, write
from tests.workloads.snapshot.builders import (
    a_snapshot_task,
    contract,
    do,
    folder_of,
    profile_of,
    published,
    rows_of,
)


def test_a_snapshot_holds_the_rows_of_the_source_in_order(tmp_path):
    table = a_table()
    result = do(a_snapshot_task(tmp_path, write(table, tmp_path / "data")), tmp_path)
    assert (result.status, result.reason) == ("Succeeded", Reason.REFRESHED)
    assert result.message == "2000 rows in 9 columns from 2 files"
    assert rows_of(result).equals(table)
    assert result.snapshot.rows == 2_000
    assert (
        result.snapshot.bytes
        == sum(path.stat().st_size for path in folder_of(result).iterdir())
        - (folder_of(result) / "manifest.json").stat().st_size
    )
    assert published(tmp_path) == [result.snapshot.digest]


def test_equal_rows_have_one_digest_however_they_are_parted(tmp_path, monkeypatch):
    monkeypatch.setattr("springtide_workloads.snapshot.canonical.MAX_GROUP_ROWS", 1_024)
    table = a_table(5_000)
    digests = set()
    for files, row_group in ((1, 5_000), (1, 100), (3, 1_024), (7, 333)):
        data = write(table, tmp_path / f"{files}-{row_group}", files=files, row_group=row_group)
        digests.add(do(a_snapshot_task(tmp_path, data), tmp_path).snapshot.digest)
    assert len(digests) == 1
    other = write(table.slice(1), tmp_path / "other")
    assert do(a_snapshot_task(tmp_path, other), tmp_path).snapshot.digest not in digests


def test_equal_rows_have_one_digest_however_their_text_and_times_are_encoded(tmp_path):
    table = pa.table(
        {
            "grade": pa.array(["A", None, "B"]),
            "at": pa.array([1, 2, 3], pa.timestamp("us", "UTC")),
            "score": pa.array([0.5, None, 2], pa.float32()),
        }
    )
    spelled = pa.table(
        {
            "grade": table["grade"].combine_chunks().dictionary_encode(),
            "at": table["at"].cast(pa.timestamp("us", "Europe/Berlin")),
            "score": table["score"],
        }
    )
    digests = {
        do(a_snapshot_task(tmp_path, write(one, tmp_path / name, files=1)), tmp_path).snapshot.digest
        for name, one in (("plain", table), ("spelled", spelled))
    }
    assert len(digests) == 1


def test_csv_and_parquet_of_equal_rows_have_one_digest(tmp_path):
    table = pa.table(
        {
            "id": pa.array([1, 2, 3, None], pa.int64()),
            "income": pa.array([1.5, None, -2e300, 0.1]),
            "name": pa.array(["a, b", 'quo"te', None, "zwei\nZeilen"]),
            "good": pa.array([True, None, False, True]),
            "at": pa.array([1_000, None, 3, 4], pa.timestamp("us", "UTC")),
            "day": pa.array([1, 2, None, 4], pa.date32()),
            "extra": pa.array(["1", "2", "3", "4"]),
        }
    )
    types = {"id": "Integer", "income": "Float", "name": "String", "good": "Boolean", "at": "Timestamp", "day": "Date"}
    rules = contract(*(ColumnContract(name=name, type=kind) for name, kind in types.items()))
    first = do(a_snapshot_task(tmp_path, write(table, tmp_path / "parquet"), contract=rules), tmp_path)
    (tmp_path / "csv").mkdir()
    text = pa.BufferOutputStream()
    pyarrow.csv.write_csv(table, text)
    (tmp_path / "csv" / "all.csv").write_bytes(text.getvalue().to_pybytes())
    (tmp_path / "zipped").mkdir()
    (tmp_path / "zipped" / "all.csv.gz").write_bytes(gzip.compress(text.getvalue().to_pybytes()))
    for folder in ("csv", "zipped"):
        task = a_snapshot_task(tmp_path, (tmp_path / folder).as_uri(), format="Csv", contract=rules)
        assert do(task, tmp_path).snapshot.digest == first.snapshot.digest


def test_what_the_contract_does_not_name_is_text_in_csv(tmp_path):
    (tmp_path / "a.csv").write_text("zip,amount\n01234,NA\n,\n")
    rules = contract(ColumnContract(name="amount", type="Float"))
    task = a_snapshot_task(tmp_path, (tmp_path / "a.csv").as_uri(), format="Csv", contract=rules)
    assert rows_of(do(task, tmp_path)).to_pydict() == {"zip": ["01234", None], "amount": [None, None]}


def test_the_files_are_laid_out_to_be_read_fast(tmp_path, monkeypatch):
    monkeypatch.setattr("springtide_workloads.snapshot.canonical.MAX_GROUP_ROWS", 1_024)
    monkeypatch.setattr("springtide_workloads.snapshot.parts.GROUPS_PER_FILE", 2)
    result = do(a_snapshot_task(tmp_path, write(a_table(5_000), tmp_path / "data")), tmp_path)
    parts = sorted(folder_of(result).glob("part-*.parquet"))
    groups = [pq.read_metadata(path) for path in parts]
    assert [[one.row_group(place).num_rows for place in range(one.num_row_groups)] for one in groups] == [
        [1024, 1024],
        [1024, 1024],
        [904],
    ]
    income = groups[0].row_group(0).column(0)
    assert (income.path_in_schema, income.compression, set(income.encodings)) == (
        "income",
        "UNCOMPRESSED",
        {"PLAIN", "RLE"},
    )
    assert income.statistics.has_min_max


def test_the_profile_counts_all_rows_in_bins_that_drift_is_measured_in(tmp_path):
    table = a_table(4_000)
    columns = profile_of(do(a_snapshot_task(tmp_path, write(table, tmp_path / "data")), tmp_path))
    assert list(columns) == table.column_names
    income = columns["income"]
    assert sum(income["counts"]) == 4_000
    assert income["missing"] == income["counts"][0] == table["income"].null_count
    assert (income["min"], income["max"]) == (
        min(table["income"].drop_null().to_pylist()),
        max(table["income"].drop_null().to_pylist()),
    )
    assert max(income["counts"][3:-1]) - min(income["counts"][3:-1]) <= 2
    assert columns["grade"]["bins"]["categories"] == ["A", "B", "C", "D"]
    assert columns["grade"]["distinct"] == 4
    assert columns["owner"]["counts"][3:5] == [
        table["owner"].to_pylist().count(False),
        table["owner"].to_pylist().count(True),
    ]
    assert columns["applied_at"]["min"] == "2023-11-14T22:13:20+00:00"
    assert "bins" not in columns["applied_at"]


def test_the_profile_of_a_large_table_comes_from_a_sample_that_does_not_depend_on_its_files(tmp_path, monkeypatch):
    monkeypatch.setattr("springtide_workloads.snapshot.refresh.sample_rows", lambda _: 500)
    table = a_table(6_000)
    found = {
        (
            folder_of(do(a_snapshot_task(tmp_path, write(table, tmp_path / str(files), files=files)), tmp_path))
            / "profile.json"
        ).read_text()
        for files in (1, 4, 9)
    }
    assert len(found) == 1
    assert '"sampledRows":500' in found.pop()


def test_names_of_people_do_not_get_into_the_profile(tmp_path):
    table = pa.table({"name": [f"Person {number}" for number in range(900)], "nothing": pa.nulls(900, pa.string())})
    result = do(a_snapshot_task(tmp_path, write(table, tmp_path / "data")), tmp_path)
    assert "Person" not in (folder_of(result) / "profile.json").read_text()
    assert profile_of(result)["nothing"]["bins"]["categories"] == []


@pytest.mark.parametrize(
    "column",
    [
        np.full(200, np.nan),
        np.full(200, np.inf),
        np.full(200, 7.0),
        pa.nulls(200, pa.float64()),
        pa.nulls(200),
        pa.array([[1, 2]] * 200),
        pa.array([{"a": 1}] * 200),
        pa.array([b"\x00"] * 200),
        pa.array([1] * 200, pa.decimal128(5, 2)),
        pa.array([2**63] * 200, pa.uint64()),
        pa.array([1] * 200, pa.time32("s")),
        pa.array([1] * 200, pa.float16()),
    ],
    ids=str,
)
def test_any_column_can_be_profiled(column, tmp_path):
    table = pa.table({"x": column, "y": range(200)})
    assert profile_of(do(a_snapshot_task(tmp_path, write(table, tmp_path / "data")), tmp_path))["y"]["max"] == 199


def test_event_times_are_told_and_future_ones_counted(tmp_path):
    times = [datetime(2020, 1, 1), datetime(2030, 1, 1), None, datetime(2026, 11, 23)]  # noqa: DTZ001  # a wall clock's
    data = write(pa.table({"at": pa.array(times, pa.timestamp("ns"))}), tmp_path / "data")
    result = do(a_snapshot_task(tmp_path, data, event_time_column="at"), tmp_path)
    assert result.snapshot.event_time_min == datetime(2020, 1, 1, tzinfo=UTC)
    assert result.snapshot.event_time_max == datetime(2030, 1, 1, tzinfo=UTC)
    assert result.message.endswith("; 1 of them have an event time in the future")


def test_times_beyond_the_calendar_are_its_last(tmp_path):
    data = write(pa.table({"at": pa.array([2**62, 0], pa.timestamp("us"))}), tmp_path / "data")
    result = do(a_snapshot_task(tmp_path, data, event_time_column="at"), tmp_path)
    assert result.snapshot.event_time_max.year == 9999


@pytest.mark.usefixtures("s3")
def test_source_and_store_may_lie_in_s3(tmp_path):
    import s3fs

    local = write(a_table(), tmp_path / "data")
    s3fs.S3FileSystem().put(local.removeprefix("file://") + "/", f"lake/{tmp_path.name}/", recursive=True)
    uri, store = f"s3://lake/{tmp_path.name}/*.parquet", f"s3://lake/{tmp_path.name}-store"
    first = do(a_snapshot_task(tmp_path, uri, store=store), tmp_path)
    assert first.snapshot.digest == do(a_snapshot_task(tmp_path, local), tmp_path).snapshot.digest
    section = ArtifactStore(store, section="datasets/team.loans")
    assert section.verify(first.snapshot.digest).table_schema[0].name == "income"
    known = {"known": first.snapshot.digest, "source_state": first.source_state}
    again = do(a_snapshot_task(tmp_path, uri, store=store, **known), tmp_path)
    assert (again.reason, again.snapshot) == (Reason.UNCHANGED, None)
    s3fs.S3FileSystem().rm_file(f"lake/{tmp_path.name}/part-1.parquet")
    half = do(a_snapshot_task(tmp_path, uri, store=store, remove=[first.snapshot.digest], **known), tmp_path)
    assert half.snapshot.rows == 1_000
    assert section.read_file(first.snapshot.digest, "manifest.json") is None
    assert not s3fs.S3FileSystem().find(first.snapshot.uri)
    assert not list(Path(tmp_path / "scratch").rglob("source/*")), "a copy is gone once it is read"


@pytest.mark.usefixtures("s3")
def test_csv_in_a_bucket_is_the_content_that_it_is_on_a_volume(tmp_path):
    import s3fs

    here = tmp_path / "loans.csv"
    here.write_text("id,amount\n1,2.5\n2,3.5\n")
    there = f"s3://lake/{tmp_path.name}"
    s3fs.S3FileSystem().put(str(here), f"{there}/loans.csv")
    expected = do(a_snapshot_task(tmp_path, here.as_uri(), format="Csv"), tmp_path).snapshot.digest
    found = do(a_snapshot_task(tmp_path, f"{there}/*.csv", format="Csv", store=f"{there}-store"), tmp_path)
    assert (found.snapshot.rows, found.snapshot.digest) == (2, expected)
    s3fs.S3FileSystem().rm_file(f"{there}/loans.csv")
    with pytest.raises(WorkloadError, match=there) as gone:
        do(a_snapshot_task(tmp_path, f"{there}/*.csv", format="Csv", store=f"{there}-store"), tmp_path)
    assert gone.value.reason == Reason.DATA_NOT_FOUND

"""Whatever is wrong with a source has a reason of its own and names file, line and column, but no values."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from springtide.api.constants import Reason
from springtide.api.dataset import ColumnContract
from springtide_workloads.data.listing import list_files
from springtide_workloads.errors import WorkloadError
from springtide_workloads.snapshot import refresh

from tests.workloads.builders import a_table, write
from tests.workloads.snapshot.builders import a_snapshot_task, contract, do, published


def failure(tmp_path: Path, uri: str, **fields) -> WorkloadError:
    with pytest.raises(WorkloadError) as caught:
        do(a_snapshot_task(tmp_path, uri, **fields), tmp_path)
    assert published(tmp_path) == []
    return caught.value


def torn_footer(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-50])


def torn_page(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 3 : len(data) // 2] = bytes(len(data) // 2 - len(data) // 3)
    file.write_bytes(bytes(data))


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def text(file: Path) -> None:
    file.write_text("a,b\n1,2\n")


@pytest.mark.parametrize("damage", [torn_footer, torn_page, emptied, text])
def test_a_parquet_file_that_cannot_be_read_is_named(damage, tmp_path):
    data = write(a_table(), tmp_path / "data", row_group=2_000)
    damage(tmp_path / "data" / "part-1.parquet")
    found = failure(tmp_path, data)
    assert found.reason == Reason.DATA_CORRUPT
    assert found.message.startswith("part-1.parquet")


def test_a_source_that_is_not_there_is_told_with_what_was_looked_for(tmp_path):
    assert failure(tmp_path, (tmp_path / "none").as_uri()).reason == Reason.DATA_NOT_FOUND
    (tmp_path / "empty").mkdir()
    assert "there is no Parquet file" in failure(tmp_path, (tmp_path / "empty").as_uri()).message
    found = failure(tmp_path, f"{tmp_path.as_uri()}/*.csv", format="Csv")
    assert "there is no CSV file" in found.message


def test_a_file_that_vanishes_before_it_is_read_is_named(tmp_path, monkeypatch):
    data = write(a_table(), tmp_path / "data")

    def listed(task):
        listing = list_files(task.uri, suffixes=(".parquet",), what="Parquet file")
        (tmp_path / "data" / "part-1.parquet").unlink()
        return listing

    monkeypatch.setattr(refresh, "list_source", listed)
    found = failure(tmp_path, data)
    assert found.reason == Reason.DATA_NOT_FOUND
    assert found.message.startswith("part-1.parquet vanished")


def test_a_file_that_is_changed_while_it_is_read_is_not_believed(tmp_path, monkeypatch):
    data = write(a_table(), tmp_path / "data")

    def listed(task):
        listing = list_files(task.uri, suffixes=(".parquet",), what="Parquet file")
        write(a_table(seed=2), tmp_path / "data")
        return listing

    monkeypatch.setattr(refresh, "list_source", listed)
    found = failure(tmp_path, data)
    assert found.reason == Reason.DATA_CHANGED
    assert found.message.startswith("part-0.parquet was changed while it was read")


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (
            lambda table: table.set_column(1, "term", table["term"].cast(pa.float64())),
            "column term is double in part-9",
        ),
        (lambda table: table.drop_columns(["term"]), "part-9.parquet has no column term, but part-0.parquet has it"),
        (lambda table: table.append_column("new", table["term"]), "part-0.parquet has no column new, but part-9"),
    ],
)
def test_files_of_different_columns_are_a_schema_conflict(other, words, tmp_path):
    data = write(a_table(), tmp_path / "data")
    pq.write_table(other(a_table(10)), tmp_path / "data" / "part-9.parquet")
    found = failure(tmp_path, data)
    assert found.reason == Reason.SCHEMA_CONFLICT
    assert words in found.message


def test_the_order_of_columns_may_differ_between_files(tmp_path):
    table = a_table(20)
    data = write(table, tmp_path / "data")
    pq.write_table(table.select(table.column_names[::-1]), tmp_path / "data" / "part-9.parquet")
    assert do(a_snapshot_task(tmp_path, data), tmp_path).snapshot.rows == 40


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"id,amount\n1,2.5\n2\n", "loans.csv, line 3: 1 values where 2 columns are named"),
        (b"id,amount\n1,2.5\nSecret,3\n", "loans.csv, line 3: column id: a value that is no int64"),
        (
            b"id,amount\n" + b"1,2.5\n" * 5_000 + b"2,Secret\n",
            "loans.csv, line 5002: column amount: a value that is no double",
        ),
        (b"id,name\n1,\xff\xfe\n", "loans.csv, line 2: column name: not UTF-8"),
        (b"\xff\xfei\x00d\x00\n", "loans.csv: not UTF-8"),
        (b"", "loans.csv: there is nothing in it, not even a line of column names"),
        (
            b"id,at\n1,2020-01-01 00:00:00Z\n2,yesterday\n",
            "loans.csv, line 3: column at: a value that is no timestamp[us, tz=UTC]",
        ),
    ],
)
def test_a_line_of_csv_that_cannot_be_read_is_named_by_file_line_and_column(content, message, tmp_path):
    (tmp_path / "loans.csv").write_bytes(content)
    rules = contract(
        ColumnContract(name="id", type="Integer"),
        ColumnContract(name="amount", type="Float"),
        ColumnContract(name="at", type="Timestamp"),
    )
    found = failure(tmp_path, (tmp_path / "loans.csv").as_uri(), format="Csv", contract=rules)
    assert (found.reason, found.message) == (Reason.DATA_CORRUPT, message)


def test_a_quote_that_is_never_closed_is_no_endless_line(tmp_path, monkeypatch):
    monkeypatch.setattr("springtide_workloads.snapshot.csv_file.BLOCK", 1 << 20)
    (tmp_path / "loans.csv").write_bytes(b'id,name\n1,"open\n' + b"2,x\n" * 1_000_000)
    found = failure(tmp_path, (tmp_path / "loans.csv").as_uri(), format="Csv")
    assert found.reason == Reason.DATA_CORRUPT
    assert "a quote that is never closed?" in found.message


def test_two_columns_of_one_name_are_a_schema_conflict(tmp_path):
    (tmp_path / "loans.csv").write_text("id,id\n1,2\n")
    found = failure(tmp_path, (tmp_path / "loans.csv").as_uri(), format="Csv")
    assert (found.reason, found.message) == (Reason.SCHEMA_CONFLICT, "loans.csv has two columns named id")


def test_a_damaged_gzip_is_corrupt(tmp_path):
    (tmp_path / "loans.csv.gz").write_bytes(b"\x1f\x8b" + b"x" * 100)
    found = failure(tmp_path, (tmp_path / "loans.csv.gz").as_uri(), format="Csv")
    assert found.reason == Reason.DATA_CORRUPT


def test_a_file_without_permission_is_access_denied(tmp_path):
    found = failure(tmp_path, "file:///proc/1/environ/x.parquet")
    assert found.reason in {Reason.ACCESS_DENIED, Reason.DATA_NOT_FOUND}

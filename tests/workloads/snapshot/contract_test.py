"""The contract: every violation is told by column, rule, count and place, and nothing is published."""

import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from springtide.api.constants import Reason
from springtide.api.dataset import ColumnContract, Contract, Violation
from springtide.api.task import RESULT_BYTES

from tests.workloads.builders import a_table, write
from tests.workloads.snapshot.builders import a_snapshot_task, contract, do, published


def violations(table: pa.Table, rules: Contract, tmp_path, **fields) -> list[Violation]:
    """What a table of two files breaks; none means that it was published."""
    result = do(a_snapshot_task(tmp_path, write(table, tmp_path / "data"), contract=rules, **fields), tmp_path)
    assert bool(result.violations) == (result.reason == Reason.CONTRACT_VIOLATED) == (not published(tmp_path))
    assert result.source_state, "what was refused need not be read again until it changes"
    return list(result.violations)


def one(table: pa.Table, column: ColumnContract, tmp_path) -> tuple[str, int | None, str]:
    (found,) = violations(table, contract(column), tmp_path)
    assert found.column == column.name
    return found.rule, found.count, found.message


def test_a_table_that_satisfies_its_contract_is_published(tmp_path):
    rules = contract(
        ColumnContract(name="income", type="Float", min=0),
        ColumnContract(name="term", type="Integer", nullable=False, min=36, max=60, allowed=["36", "60"]),
        ColumnContract(name="weight", type="Float", nullable=False, max=2),
        ColumnContract(name="grade", type="String", allowed=["A", "B", "C", "D"]),
        ColumnContract(name="owner", type="Boolean", nullable=False),
        ColumnContract(name="applied_at", type="Timestamp"),
        ColumnContract(name="branch", type="Float"),
        min_rows=2_000,
    )
    assert violations(a_table(), rules, tmp_path, keys=["branch"], event_time_column="applied_at") == []


@pytest.mark.parametrize("missing", [None, math.nan])
def test_missing_values_are_counted_and_the_first_is_placed(missing, tmp_path):
    table = pa.table({"x": [1.0, 2.0, 3.0, 4.0, missing, missing]})
    assert one(table, ColumnContract(name="x", type="Float", nullable=False), tmp_path) == (
        "nullable",
        2,
        "2 rows without a value; the first is row 2 of part-1.parquet",
    )


def test_values_out_of_bounds_are_counted_with_the_worst_of_them(tmp_path):
    table = pa.table({"x": [1.0, -3.0, None, -7.0, math.nan, 9.0]})
    assert one(table, ColumnContract(name="x", type="Float", min=0), tmp_path) == (
        "min",
        2,
        "2 rows below 0, the least is -7; the first is row 2 of part-0.parquet",
    )
    assert one(table, ColumnContract(name="x", type="Float", max=8.5), tmp_path) == (
        "max",
        1,
        "1 row above 8.5, the greatest is 9; the first is row 3 of part-1.parquet",
    )


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint8(), pa.int64(), pa.float32(), pa.decimal128(4, 1)])
def test_bounds_hold_for_numbers_of_any_type(kind, tmp_path):
    table = pa.table({"x": pa.array([1, 2, 3, 4], kind)})
    name = "Integer" if pa.types.is_integer(kind) else "Float"
    assert one(table, ColumnContract(name="x", type=name, min=2.5, max=1e300), tmp_path)[:2] == ("min", 2)
    assert one(table, ColumnContract(name="x", type=name, min=-1e300, max=-0.5), tmp_path)[:2] == ("max", 4)


def test_values_that_are_not_allowed_are_counted_and_not_repeated(tmp_path):
    table = pa.table({"state": ["CA", "Secret", None, "NY"], "code": pa.array([1, 2, 300, None], pa.int16())})
    rule, count, message = one(table, ColumnContract(name="state", type="String", allowed=["CA", "NY"]), tmp_path)
    assert (rule, count) == ("allowed", 1)
    assert "Secret" not in message
    codes = ColumnContract(name="code", type="Integer", allowed=["1", "2", "99999999999", "many"])
    assert one(table, codes, tmp_path)[:2] == ("allowed", 1)


def test_missing_new_and_mistyped_columns_are_named(tmp_path):
    table = pa.table({"a": [1], "b": ["x"], "c": [0.5]})
    rules = contract(
        ColumnContract(name="a", type="String"),
        ColumnContract(name="b", type="String"),
        ColumnContract(name="d", type="Float"),
        new_columns="Reject",
    )
    found = [(one.column, one.rule, one.message) for one in violations(table, rules, tmp_path)]
    assert found == [
        ("a", "type", "it is int64, not String"),
        ("d", "columns", "there is no such column"),
        ("c", "newColumns", "the contract does not name it"),
    ]


def test_too_few_rows_are_told_beside_what_else_is_wrong(tmp_path):
    table = pa.table({"x": pa.array([None], pa.int64())})
    rules = contract(ColumnContract(name="x", type="Integer", nullable=False), min_rows=10)
    assert [(one.column, one.rule, one.count) for one in violations(table, rules, tmp_path)] == [
        (None, "minRows", 1),
        ("x", "nullable", 1),
    ]


def test_a_table_without_rows_is_too_small_and_not_corrupt(tmp_path):
    (found,) = violations(a_table().slice(0, 0), Contract(), tmp_path)
    assert (found.rule, found.message) == ("minRows", "0 rows, at least 1 are needed")


def test_keys_and_times_must_be_there_and_keys_have_values(tmp_path):
    table = pa.table({"id": [1, None, 3], "at": ["2020", "2021", "2022"]})
    fields = {"keys": ["id", "branch"], "event_time_column": "at", "available_time_column": "loaded_at"}
    found = {(one.column, one.rule): one.message for one in violations(table, Contract(), tmp_path, **fields)}
    assert found == {
        ("branch", "keys"): "there is no such column",
        ("at", "eventTimeColumn"): "it is string, not a timestamp or a date",
        ("loaded_at", "availableTimeColumn"): "there is no such column",
        ("id", "keys"): "1 row without a value; the first is row 2 of part-0.parquet",
    }


def test_as_many_violations_are_told_as_a_termination_message_holds(tmp_path):
    names = [f"{'a_rather_long_name_of_a_column_' * 3}{number}" for number in range(200)]
    table = pa.table({name: [-1.0, 2.0] for name in names})
    rules = contract(*(ColumnContract(name=name, type="Float", min=0) for name in names))
    task = a_snapshot_task(tmp_path, write(table, tmp_path / "data", files=1), contract=rules)
    result = do(task, tmp_path)
    assert 5 < len(result.violations) <= 20
    assert len(result.encode().encode()) <= RESULT_BYTES
    assert result.message.endswith("(and 199 more)")
    assert result.message.startswith("nothing is published: column a_rather_long")


def test_a_violation_in_the_last_rows_of_many_files_is_found(tmp_path):
    for number in range(9):
        (tmp_path / "data").mkdir(exist_ok=True)
        values = [1.0] * 100 if number < 8 else [1.0] * 99 + [None]
        pq.write_table(pa.table({"x": values}), tmp_path / "data" / f"{number}.parquet")
    rules = contract(ColumnContract(name="x", type="Float", nullable=False))
    result = do(a_snapshot_task(tmp_path, (tmp_path / "data").as_uri(), contract=rules), tmp_path)
    assert result.violations[0].message == "1 row without a value; the first is row 100 of 8.parquet"

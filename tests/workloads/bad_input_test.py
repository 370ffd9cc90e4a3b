"""Whatever a user gets wrong has a reason of its own, and a sentence that names the place."""

import datetime
import decimal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from springtide.api.constants import Reason
from springtide.api.training_run import Features, Split
from springtide_workloads.errors import WorkloadError

from tests.workloads.builders import a_table, a_task, do, write


def with_column(name: str, values: Any) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        column = values(table) if callable(values) else values
        place = table.schema.get_field_index(name)
        array = column if isinstance(column, pa.Array | pa.ChunkedArray) else pa.array(column)
        return table.append_column(name, array) if place < 0 else table.set_column(place, name, array)

    return change


def rows(count: int) -> Callable[[pa.Table], pa.Table]:
    return lambda table: table.slice(0, count)


def target(values: Callable[[int], Any]) -> Callable[[pa.Table], pa.Table]:
    return with_column("defaulted", lambda table: values(table.num_rows))


def unchanged(table: pa.Table) -> pa.Table:
    return table


@dataclass(frozen=True)
class Bad:
    """One mistake and how it is answered."""

    reason: Reason
    words: tuple[str, ...]
    change: Callable[[pa.Table], pa.Table] = unchanged
    asked: dict[str, Any] = field(default_factory=dict)


TIME = Split(type="Time", column="year", test_fraction=0.25)

MISTAKES = {
    "a misspelt target": Bad(
        Reason.COLUMN_NOT_FOUND, ("target.column", "defalted", "did you mean defaulted?"), asked={"target": "defalted"}
    ),
    "a target in other case": Bad(Reason.COLUMN_NOT_FOUND, ("did you mean defaulted?",), asked={"target": "DEFAULTED"}),
    "a target that is far off": Bad(
        Reason.COLUMN_NOT_FOUND, ("its columns are income, term",), asked={"target": "xyzzy"}
    ),
    "a weight that is not there": Bad(
        Reason.COLUMN_NOT_FOUND, ("target.weightColumn", "did you mean weight?"), asked={"weight": "weigth"}
    ),
    "a weight of text": Bad(
        Reason.WRONG_TYPE, ("target.weightColumn", "grade", "numbers are needed"), asked={"weight": "grade"}
    ),
    "a negative weight": Bad(
        Reason.WRONG_TYPE,
        ("weight", "negative"),
        with_column("weight", lambda t: [-1.0] * t.num_rows),
        {"weight": "weight"},
    ),
    "a time column that is not there": Bad(
        Reason.COLUMN_NOT_FOUND,
        ("data.split.column", "did you mean year?"),
        asked={"split": Split(type="Time", column="yaer")},
    ),
    "a time column of text": Bad(
        Reason.WRONG_TYPE, ("data.split.column", "grade"), asked={"split": Split(type="Time", column="grade")}
    ),
    "a slice that is not there": Bad(
        Reason.COLUMN_NOT_FOUND, ("evaluation.slices", "grad"), asked={"slices": ("grad",)}
    ),
    "an excluded column that is not there": Bad(
        Reason.COLUMN_NOT_FOUND, ("features.exclude", "incme"), asked={"features": Features(exclude=("incme",))}
    ),
    "a category that is a time": Bad(
        Reason.WRONG_TYPE,
        ("features.categorical", "applied_at"),
        asked={"features": Features(categorical=("applied_at",))},
    ),
    "a nested column": Bad(
        Reason.WRONG_TYPE,
        ("column tags", "list", "features.exclude"),
        with_column("tags", lambda t: [[1, 2]] * t.num_rows),
    ),
    "a binary column": Bad(
        Reason.WRONG_TYPE, ("column raw", "binary"), with_column("raw", lambda t: [b"x"] * t.num_rows)
    ),
    "no features": Bad(
        Reason.COLUMN_NOT_FOUND,
        ("no column is left", "features.exclude"),
        lambda table: table.select(["income", "defaulted"]),
        {"features": Features(exclude=("income",))},
    ),
    "an all-null target": Bad(Reason.TARGET_ALL_NULL, ("2000", "defaulted"), target(lambda n: pa.nulls(n, pa.int8()))),
    "an all-NaN target": Bad(Reason.TARGET_ALL_NULL, ("defaulted",), target(lambda n: np.full(n, np.nan))),
    "a target of one class": Bad(Reason.ONE_CLASS, ("defaulted is 0 in all 2000 rows",), target(lambda n: [0] * n)),
    "a target of one word": Bad(Reason.ONE_CLASS, ("defaulted is good in all",), target(lambda n: ["good"] * n)),
    "a target of three values": Bad(Reason.TARGET_NOT_BINARY, ("0, 1, 2",), target(lambda n: np.arange(n) % 3)),
    "a target of ones and twos": Bad(Reason.TARGET_NOT_BINARY, ("1, 2",), target(lambda n: np.arange(n) % 2 + 1)),
    "a target of three words": Bad(
        Reason.TARGET_NOT_BINARY, ("bad, good, unknown",), target(lambda n: (["bad", "good", "unknown"] * n)[:n])
    ),
    "a target of times": Bad(
        Reason.WRONG_TYPE, ("target.column", "date32"), target(lambda n: [datetime.date(2020, 1, 1)] * n)
    ),
    "too few rows": Bad(Reason.TOO_FEW_ROWS, ("training rows", "at least 50"), rows(40)),
    "too few held-out rows": Bad(
        Reason.TOO_FEW_ROWS, ("held-out rows", "testFraction"), rows(300), {"split": Split(test_fraction=0.01)}
    ),
    "a split by time within one moment": Bad(
        Reason.TOO_FEW_ROWS, ("same time",), with_column("year", lambda t: [2015] * t.num_rows), {"split": TIME}
    ),
    "one class among the newest": Bad(
        Reason.ONE_CLASS,
        ("defaulted is 1", "held-out"),
        target(lambda n: np.where(np.arange(n) * 4 // n == 3, 1, np.arange(n) % 2)),
        {"split": TIME},
    ),
    "no rows": Bad(Reason.DATA_EMPTY, ("no rows",), rows(0)),
    "other data than pinned": Bad(
        Reason.DATA_CHANGED, ("data.digest", "sha256:00"), asked={"digest": "sha256:" + "0" * 64}
    ),
    "an unknown recipe": Bad(Reason.UNKNOWN_RECIPE, ("gbtd", "gbdt, mlp"), asked={"recipe": "gbtd"}),
    "an unknown parameter": Bad(
        Reason.INVALID_PARAMETER, ("recipe.parameters.rounds", "numRounds"), asked={"parameters": {"rounds": 3}}
    ),
    "a parameter out of bounds": Bad(
        Reason.INVALID_PARAMETER, ("recipe.parameters.learningRate", "-1"), asked={"parameters": {"learningRate": -1}}
    ),
    "a parameter of another type": Bad(
        Reason.INVALID_PARAMETER,
        ("recipe.parameters.hidden", "wide"),
        asked={"recipe": "mlp", "parameters": {"hidden": "wide"}},
    ),
    "a constraint on nothing": Bad(
        Reason.INVALID_PARAMETER,
        ("recipe.parameters.monotone.grade",),
        asked={"parameters": {"monotone": {"grade": 1}}},
    ),
    "a loss that is not finite": Bad(
        Reason.LOSS_NOT_FINITE,
        ("loss is", "learningRate"),
        asked={
            "recipe": "mlp",
            "parameters": {
                "learningRate": 10,
                "weightDecay": 10,
                "hidden": [64, 64],
                "epochs": 200,
                "batchSize": 2,
                "patience": 0,
            },
        },
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_answered_by_its_reason_and_its_place(mistake, place, tmp_path):
    data = write(mistake.change(a_table()), tmp_path / "data")
    with pytest.raises(WorkloadError) as answer:
        do(a_task(place, data, **mistake.asked), tmp_path)
    assert answer.value.reason == mistake.reason, answer.value
    for word in mistake.words:
        assert word in answer.value.message
    assert not answer.value.retryable
    assert not (tmp_path / "artifacts" / "models").exists(), "nothing is published"


@pytest.mark.parametrize("uri", ["nowhere", "data/*.parquet", "data/empty"])
def test_data_that_is_not_there_is_named(uri, place, tmp_path):
    (tmp_path / "data" / "empty").mkdir(parents=True)
    with pytest.raises(WorkloadError, match="parquet") as answer:
        do(a_task(place, (tmp_path / uri).as_uri().replace("%2A", "*")), tmp_path)
    assert answer.value.reason == Reason.DATA_NOT_FOUND


def damage_footer(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-20])


def damage_page(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[1000:3000] = bytes(2000)
    file.write_bytes(content)


def replace_by_text(file: Path) -> None:
    file.write_text("income,defaulted\n1,0\n")


def empty(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.parametrize("damage", [damage_footer, damage_page, replace_by_text, empty])
def test_a_corrupt_file_is_named(damage, place, tmp_path):
    data = write(a_table(), tmp_path / "data", row_group=2_000)
    damage(tmp_path / "data" / "part-1.parquet")
    with pytest.raises(WorkloadError, match=r"part-1\.parquet") as answer:
        do(a_task(place, data), tmp_path)
    assert answer.value.reason == Reason.DATA_CORRUPT


def test_files_of_different_types_are_refused_by_file_and_column(place, tmp_path):
    data = write(a_table(), tmp_path / "data")
    table = a_table(100)
    pq.write_table(table.set_column(1, "term", table["term"].cast(pa.float64())), tmp_path / "data" / "part-9.parquet")
    with pytest.raises(WorkloadError, match=r"column term is double in part-9\.parquet, but int16 in part-0\.parquet"):
        do(a_task(place, data), tmp_path)


@pytest.mark.parametrize(
    ("spelled", "positive"),
    [
        (lambda bits: bits.astype(bool), "true"),
        (lambda bits: bits.astype(np.float64), "1"),
        (lambda bits: [decimal.Decimal(int(bit)) for bit in bits], "1"),
        (lambda bits: np.where(bits == 1, "yes", "no"), "yes"),
        (lambda bits: pa.array(np.where(bits == 1, "yes", "no")).dictionary_encode(), "yes"),
    ],
    ids=["booleans", "floats", "decimals", "words", "a dictionary"],
)
def test_two_classes_may_be_spelled_in_any_of_these_ways(spelled, positive, place, tmp_path):
    table = a_table()
    bits = table["defaulted"].to_numpy()
    data = write(with_column("defaulted", pa.array(spelled(bits)))(table), tmp_path / "data")
    result = do(a_task(place, data), tmp_path)
    plain = do(a_task(place, write(table, tmp_path / "plain")), tmp_path)
    assert result.metrics == plain.metrics
    assert f'"positive": "{positive}"' in _signature(result)


def test_rows_without_a_target_are_left_out_and_counted(place, tmp_path):
    table = a_table()
    known = np.arange(table.num_rows) % 10 != 0
    bits = pa.array(table["defaulted"].to_numpy(), mask=~known)
    result = do(a_task(place, write(with_column("defaulted", bits)(table), tmp_path / "data")), tmp_path)
    assert result.metrics["droppedRows"] == 200
    assert result.metrics["trainingRows"] + result.metrics["testRows"] == 1800


def _signature(result: Any) -> str:
    return (Path(result.model.uri.removeprefix("file://")) / "signature.json").read_text()

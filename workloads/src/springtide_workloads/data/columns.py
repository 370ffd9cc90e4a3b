"""Which columns the model sees, and as what."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa
from springtide.api.constants import Reason
from springtide.api.task import TrainTask
from springtide.api.training_run import Split, Target

from springtide_workloads.data.chunks import ParquetTable
from springtide_workloads.errors import WorkloadError

Kind = Literal["Number", "Category"]


@dataclass(frozen=True)
class Feature:
    """A column that the model sees."""

    name: str
    kind: Kind
    type: str
    """Its Arrow type in the data."""


@dataclass(frozen=True)
class Columns:
    """Every column that is read, by what it is for."""

    target: str
    weight: str | None
    time: str | None
    features: tuple[Feature, ...]
    slices: tuple[str, ...]
    notes: tuple[str, ...]
    """What a person should know about columns that were left out."""


def choose_columns(task: TrainTask, target: Target, *, table: ParquetTable) -> Columns:
    """Raises ColumnNotFound or WrongType, naming the column and what to do."""
    split = task.data.split
    time = split.column if split.type == "Time" else None
    roles: list[tuple[str | None, str]] = [
        (target.column, "target.column"),
        (target.weight_column, "target.weightColumn"),
    ]
    roles += [(time, "data.split.column")]
    roles += [(name, "features.exclude") for name in task.features.exclude]
    roles += [(name, "features.categorical") for name in task.features.categorical]
    roles += [(name, "evaluation.slices") for name in task.evaluation.slices]
    for name, path in roles:
        if name is not None:
            _require(table.schema, name, path=path)
    _check_weight(table.schema, target.weight_column)
    _check_time(table.schema, time)

    hidden = {target.column, target.weight_column, split.column, *task.features.exclude}
    features: list[Feature] = []
    notes: list[str] = []
    for field in table.schema:
        if field.name in hidden:
            continue
        kind = _kind(field, categorical=field.name in task.features.categorical)
        if kind is None:
            notes.append(
                f"column {field.name} ({field.type}) is not used: only numbers, booleans and text are features"
            )
        else:
            features.append(Feature(name=field.name, kind=kind, type=str(field.type)))
    if not features:
        raise WorkloadError(Reason.COLUMN_NOT_FOUND, "no column is left to be a feature: see features.exclude")
    return Columns(
        target=target.column,
        weight=target.weight_column,
        time=time,
        features=tuple(features),
        slices=task.evaluation.slices,
        notes=tuple(notes),
    )


def choose_judging_columns(target: Target, split: Split, *, slices: Mapping[str, str], table: ParquetTable) -> Columns:
    """What is needed to judge models on held-out rows, beside the features that each model knows itself.

    slices: columns, and the field of the task that names each. Raises ColumnNotFound or WrongType.
    """
    time = split.column if split.type == "Time" else None
    named = [
        (target.column, "target.column"),
        (target.weight_column, "target.weightColumn"),
        (time, "data.split.column"),
    ]
    for name, path in (*named, *slices.items()):
        if name is not None:
            _require(table.schema, name, path=path)
    _check_weight(table.schema, target.weight_column)
    _check_time(table.schema, time)
    return Columns(target.column, target.weight_column, time, features=(), slices=tuple(slices), notes=())


def _require(schema: pa.Schema, name: str, *, path: str) -> None:
    if schema.get_field_index(name) >= 0:
        return
    raise WorkloadError(
        Reason.COLUMN_NOT_FOUND, f"{path}: the data has no column {name!r}; {_near(name, schema.names)}"
    )


def _near(name: str, names: Sequence[str]) -> str:
    folded = {candidate.casefold(): candidate for candidate in names}
    close = [folded[match] for match in difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.6)]
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"its columns are {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}"


def _kind(field: "pa.Field[Any]", *, categorical: bool) -> Kind | None:
    """Number, Category, or None for what is left out; raises WrongType for what a model cannot mean to see."""
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        raise WorkloadError(
            Reason.WRONG_TYPE,
            f"column {field.name} is {field.type}, which no recipe can use: flatten it, or name it in features.exclude",
        )
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "Category"
    if _is_number(kind) or pa.types.is_boolean(kind):
        return "Category" if categorical or pa.types.is_dictionary(field.type) else "Number"
    if categorical:
        raise WorkloadError(
            Reason.WRONG_TYPE,
            f"features.categorical: column {field.name} is {field.type}; text, numbers or booleans are needed",
        )
    return None  # times, dates, durations, all-null columns


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _check_weight(schema: pa.Schema, name: str | None) -> None:
    if name is not None and not _is_number(schema.field(name).type):
        raise WorkloadError(
            Reason.WRONG_TYPE, f"target.weightColumn: column {name} is {schema.field(name).type}; numbers are needed"
        )


def _check_time(schema: pa.Schema, name: str | None) -> None:
    if name is None:
        return
    kind = schema.field(name).type
    if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind) or _is_number(kind)):
        raise WorkloadError(
            Reason.WRONG_TYPE, f"data.split.column: column {name} is {kind}; a timestamp, a date or a number is needed"
        )

"""Holding a table against its contract, column by column and batch by batch.

Every violation is collected, not only the first, and each is told by column, rule, count and place. Values are never
told but the extreme that broke a bound: they may be people's.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from springtide.api.dataset import ColumnContract, Contract, Violation
from springtide.api.task import SnapshotTask

from springtide_workloads.data.chunks import ArrowArray
from springtide_workloads.data.encoding import as_numbers
from springtide_workloads.snapshot.source import Batch

Mask = npt.NDArray[np.bool_]

IS_TYPE: dict[str, Callable[[pa.DataType], bool]] = {
    "Integer": pa.types.is_integer,
    "Float": lambda kind: pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_integer(kind),
    "Boolean": pa.types.is_boolean,
    "String": pa.types.is_string,
    "Timestamp": pa.types.is_timestamp,
    "Date": pa.types.is_date,
}


@dataclass
class _Offence:
    """Rows that break one rule of one column. place: file and row of the first of them."""

    place: str
    count: int = 0
    extreme: float | None = None


class ContractCheck:
    """Checks every batch of a table, and at the end the whole."""

    def __init__(self, task: SnapshotTask, schema: pa.Schema) -> None:
        self._contract = task.contract
        self._rows = 0
        self._offences: dict[tuple[str, str], _Offence] = {}
        self._whole = list(_schema_violations(task, schema))
        self._columns = [
            column
            for column in task.contract.columns
            if column.name in schema.names and IS_TYPE[column.type](schema.field(column.name).type)
        ]
        self._keys = [key for key in task.keys if key in schema.names]

    @property
    def is_met(self) -> bool:
        """Whether nothing was found so far. The number of rows is not looked at before the end."""
        return not self._whole and not self._offences

    def add(self, batch: Batch) -> None:
        """Checks a batch."""
        self._rows += batch.rows.num_rows
        for key in self._keys:
            self._note(batch, key, "keys", _missing(batch.rows.column(key)))
        for column in self._columns:
            self._check(batch, column)

    def violations(self) -> tuple[Violation, ...]:
        """What does not hold, the table as a whole first."""
        few = [_too_few(self._contract, self._rows)] if self._rows < self._contract.min_rows else []
        found = [
            _violation(column, rule, offence, contract=self._contract)
            for (column, rule), offence in self._offences.items()
        ]
        return (*few, *self._whole, *found)

    def _check(self, batch: Batch, column: ColumnContract) -> None:
        values = batch.rows.column(column.name)
        if not column.nullable:
            self._note(batch, column.name, "nullable", _missing(values))
        if column.allowed is not None:
            allowed = _value_set(column.allowed, kind=values.type)
            self._note(batch, column.name, "allowed", _not_among(values, allowed))
        if column.min is not None or column.max is not None:
            self._check_bounds(batch, column, values)

    def _check_bounds(self, batch: Batch, column: ColumnContract, values: ArrowArray) -> None:
        numbers = as_numbers(values, column=column.name)
        if not numbers.size:
            return
        for rule, bound, extreme, breaks in (
            ("min", column.min, np.fmin.reduce(numbers), np.less),
            ("max", column.max, np.fmax.reduce(numbers), np.greater),
        ):
            with np.errstate(over="ignore"):  # a bound beyond a narrow type is infinite there
                if bound is None or not breaks(extreme, bound):
                    continue
                self._note(batch, column.name, rule, breaks(numbers, bound))
            offence = self._offences[column.name, rule]
            worst = float(extreme)
            offence.extreme = worst if offence.extreme is None or breaks(worst, offence.extreme) else offence.extreme

    def _note(self, batch: Batch, column: str, rule: str, mask: Mask | None) -> None:
        if mask is None or not mask.any():
            return
        row = batch.first + int(mask.argmax()) + 1
        offence = self._offences.setdefault((column, rule), _Offence(place=f"row {row} of {batch.file}"))
        offence.count += int(np.count_nonzero(mask))


def _schema_violations(task: SnapshotTask, schema: pa.Schema) -> list[Violation]:
    found = []
    for column in task.contract.columns:
        if column.name not in schema.names:
            found.append(Violation(column=column.name, rule="columns", message="there is no such column"))
        elif not IS_TYPE[column.type](kind := schema.field(column.name).type):
            found.append(Violation(column=column.name, rule="type", message=f"it is {kind}, not {column.type}"))
    named = {column.name for column in task.contract.columns}
    if task.contract.new_columns == "Reject":
        found += [
            Violation(column=name[:128], rule="newColumns", message="the contract does not name it")
            for name in schema.names
            if name not in named
        ]
    found += [
        Violation(column=name, rule="keys", message="there is no such column")
        for name in task.keys
        if name not in schema.names and name not in named
    ]
    for name, rule in (
        (task.event_time_column, "eventTimeColumn"),
        (task.available_time_column, "availableTimeColumn"),
    ):
        if name is None:
            continue
        if name not in schema.names:
            found.append(Violation(column=name, rule=rule, message="there is no such column"))
        elif not is_time(kind := schema.field(name).type):
            found.append(Violation(column=name, rule=rule, message=f"it is {kind}, not a timestamp or a date"))
    return found


def is_time(kind: pa.DataType) -> bool:
    """Whether a column tells times."""
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def _missing(values: ArrowArray) -> Mask | None:
    """Null, or NaN; None where that can be told without a look at the values."""
    floating = pa.types.is_floating(values.type)
    if not values.null_count and not floating:
        return None
    return _as_mask(pc.is_null(values, nan_is_null=floating))


def _not_among(values: ArrowArray, allowed: ArrowArray) -> Mask:
    return _as_mask(pc.and_(pc.invert(pc.is_in(values, value_set=allowed)), values.is_valid()))


def _value_set(allowed: tuple[str, ...], *, kind: pa.DataType) -> ArrowArray:
    """The allowed values in a column's type, but for those that it cannot hold: no value can be one of them."""
    if not pa.types.is_integer(kind):
        return pa.array(allowed, kind)
    values = []
    for text in allowed:
        try:
            values.append(pa.scalar(int(text), kind).as_py())
        except (ValueError, OverflowError):  # pa.ArrowInvalid is a ValueError
            continue
    return pa.array(values, kind)


def _as_mask(values: ArrowArray) -> Mask:
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.bool_)


def _too_few(contract: Contract, rows: int) -> Violation:
    return Violation(rule="minRows", message=f"{rows} rows, at least {contract.min_rows} are needed", count=rows)


def _violation(column: str, rule: str, offence: _Offence, *, contract: Contract) -> Violation:
    bounds = next((one for one in contract.columns if one.name == column), None)
    rows = "1 row" if offence.count == 1 else f"{offence.count} rows"
    what = {"nullable": "without a value", "keys": "without a value", "allowed": "with a value that is not allowed"}
    if bounds is not None and rule in {"min", "max"}:
        bound, side, most = (bounds.min, "below", "least") if rule == "min" else (bounds.max, "above", "greatest")
        found = f"{rows} {side} {bound:g}, the {most} is {_short(offence.extreme)}"
    else:
        found = f"{rows} {what[rule]}"
    return Violation(
        column=column, rule=rule, message=f"{found}; the first is {offence.place}"[:256], count=offence.count
    )


def _short(value: float | None) -> str:
    return "unknown" if value is None or math.isnan(value) else f"{value:g}"

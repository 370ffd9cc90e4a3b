"""A CSV file as batches: comma-separated UTF-8 with a line of column names, compressed or not.

Types come from the contract, never from a look at the values: the same file always reads the same. What the contract
does not name is text. Empty means missing, in every column; in columns that are not text so do NA, NaN, null and their
kin. A timestamp with a zone offset is an instant, one without is a wall clock's: the first one of a file decides for
its column.
"""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from springtide.api.constants import Reason
from springtide.api.task import SnapshotTask

from springtide_workloads.errors import WorkloadError
from springtide_workloads.process.progress import Phase
from springtide_workloads.snapshot.vanishing import vanished

BLOCK = 8 << 20
"""Bytes that are parsed at once; no line may be longer."""
TYPES: dict[str, pa.DataType] = {
    "Integer": pa.int64(),
    "Float": pa.float64(),
    "Boolean": pa.bool_(),
    "String": pa.string(),
    "Timestamp": pa.timestamp("us"),
    "Date": pa.date32(),
}
PLACE = re.compile(r"Row #(\d+)")
COLUMN = re.compile(r"CSV column #(\d+)")
TARGET = re.compile(r"conversion error to ([^:]+):")
WIDTH = re.compile(r"Expected (\d+) columns, got (\d+)")
EMPTY = pa.scalar("")
OFFSET = r"(Z|[+-]\d\d(:?\d\d)?)$"


@dataclass(frozen=True)
class CsvTypes:
    """The types that are known of columns before a file is read."""

    known: Mapping[str, pa.DataType]

    @staticmethod
    def of(task: SnapshotTask) -> "CsvTypes":
        """From the contract; the time columns are timestamps where it does not name them."""
        times = {name: TYPES["Timestamp"] for name in (task.event_time_column, task.available_time_column) if name}
        return CsvTypes({**times, **{column.name: TYPES[column.type] for column in task.contract.columns}})


def read_csv(path: Path, *, name: str, types: CsvTypes, phase: Phase) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Its schema, and its rows. Raises DataCorrupt, naming file and line, and DataNotFound."""
    names = _open(path, name=name, types={}).schema.names
    wanted = {column: types.known.get(column, pa.string()) for column in names}
    for column in (column for column, kind in wanted.items() if pa.types.is_timestamp(kind)):
        if _has_offsets(path, name=name, column=column):
            wanted[column] = pa.timestamp("us", tz="UTC")
    reader = _open(path, name=name, phase=phase, types=wanted, columns=names)

    def batches() -> Iterator[pa.RecordBatch]:
        while True:
            try:
                batch = reader.read_next_batch()
            except StopIteration:
                return
            except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
                raise _corrupt(name, error, columns=names) from error
            yield _with_missing_text(batch)

    return pa.schema([pa.field(column, wanted[column]) for column in names]), batches()


def _open(
    path: Path,
    *,
    name: str,
    types: Mapping[str, pa.DataType],
    columns: Sequence[str] = (),
    only: str | None = None,
    phase: Phase | None = None,
) -> "pyarrow.csv.CSVStreamingReader":
    try:
        raw = path.open("rb")
    except FileNotFoundError:
        raise vanished(name) from None
    stream: Any = pa.PythonFile(_Watched(raw, phase) if phase is not None else raw, mode="r")
    if name.endswith(".gz"):
        stream = pa.CompressedInputStream(stream, "gzip")
    try:
        reader = pyarrow.csv.open_csv(
            stream,
            # One thread: only then does an error know its line.
            read_options=pyarrow.csv.ReadOptions(block_size=BLOCK, use_threads=False),
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict(types), include_columns=None if only is None else [only]
            ),
        )
        _ = reader.schema.names  # they are decoded when they are looked at
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _corrupt(name, error, columns=columns) from error
    return reader


def _has_offsets(path: Path, *, name: str, column: str) -> bool:
    """Whether the first value of a column of times tells its zone."""
    reader = _open(path, name=name, types={column: pa.string()}, only=column)
    try:
        values = reader.read_next_batch().column(0)
    except (StopIteration, pa.ArrowException, OSError):
        return False  # whatever it is, reading the file tells it better
    given = values.filter(pc.not_equal(values, EMPTY))
    return bool(len(given) and pc.match_substring_regex(given[:1], OFFSET)[0].as_py())


def _with_missing_text(batch: pa.RecordBatch) -> pa.RecordBatch:
    columns = [
        pc.if_else(pc.equal(column, EMPTY), pa.scalar(None, pa.string()), column)
        if pa.types.is_string(column.type)
        else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _corrupt(name: str, error: Exception, *, columns: Sequence[str]) -> WorkloadError:
    """What is wrong and where, without the values themselves: they may be people's."""
    text = str(error)
    row = PLACE.search(text)
    where = f"{name}, line {row[1]}" if row else name
    column, target, width = COLUMN.search(text), TARGET.search(text), WIDTH.search(text)
    if width is not None:
        problem = f"{width[2]} values where {width[1]} columns are named"
    elif "UTF8" in text or isinstance(error, UnicodeDecodeError):
        problem = "not UTF-8"
    elif target is not None:
        problem = f"a value that is no {target[1]}"
    elif "straddling" in text:
        problem = f"a line of more than {BLOCK >> 20} MiB (a quote that is never closed?)"
    elif "Empty CSV" in text:
        problem = "there is nothing in it, not even a line of column names"
    else:
        problem = f"it cannot be read as CSV ({type(error).__name__})"
    if column is not None and int(column[1]) < len(columns):
        problem = f"column {columns[int(column[1])]}: {problem}"
    return WorkloadError(Reason.DATA_CORRUPT, f"{where}: {problem}")


class _Watched(io.RawIOBase):
    """Tells a phase how many bytes were read."""

    def __init__(self, raw: io.BufferedReader, phase: Phase) -> None:
        self._raw = raw
        self._phase = phase

    def read(self, size: int = -1) -> bytes:
        data = self._raw.read(size)
        self._phase.advance(len(data))
        return data

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._raw.close()
        super().close()

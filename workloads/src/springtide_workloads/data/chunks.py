"""Parquet files as a sequence of chunks of bounded size, each of which can be read alone.

A chunk is at most `CHUNK_ROWS` rows of one row group. Chunks are numbered through all files; reading them in order
decodes every page once, whatever the size of the row groups.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from springtide.api.constants import Reason

from springtide_workloads.artifacts.manifest import Column
from springtide_workloads.data.source import DataFile
from springtide_workloads.errors import WorkloadError

ArrowArray = Any
"""A `pyarrow.Array`: what can be done with it depends on its type, which the stubs cannot follow."""

CHUNK_ROWS = 65_536
BUFFER = 1 << 20


@dataclass(frozen=True)
class Chunk:
    """Rows `start` to `start + rows` of all rows, in one row group."""

    number: int
    file: int
    row_group: int
    offset: int
    """First row within the row group."""
    start: int
    rows: int


@dataclass(frozen=True)
class ParquetTable:
    """Files of one schema, one after another. Raises DataCorrupt, naming the file, for what cannot be decoded."""

    files: tuple[DataFile, ...]
    schema: pa.Schema
    chunks: tuple[Chunk, ...]

    @property
    def rows(self) -> int:
        """Rows in all files."""
        return self.chunks[-1].start + self.chunks[-1].rows if self.chunks else 0

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """Names and types, as manifests have them."""
        return tuple(Column(name=field.name, type=str(field.type)) for field in self.schema)

    def scan(
        self, columns: Sequence[str], *, order: Sequence[int] | None = None
    ) -> Iterator[tuple[Chunk, pa.RecordBatch]]:
        """The chunks in the given order of their numbers, or all in order. Strings come as dictionaries.

        Fastest where consecutive chunks of a row group are asked for one after another.
        """
        reader = ChunkReader(self, columns)
        for number in range(len(self.chunks)) if order is None else order:
            yield self.chunks[number], reader.read(self.chunks[number])

    def is_string(self, name: str) -> bool:
        """Whether a column holds text, plainly or as a dictionary."""
        kind = self.schema.field(name).type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


class ChunkReader:
    """Reads chunks of a table. Goes on where it stopped if it can, so that reading in order decodes nothing twice."""

    def __init__(self, table: ParquetTable, columns: Sequence[str]) -> None:
        self._table = table
        self._columns = list(dict.fromkeys(columns))
        self._strings = [name for name in self._columns if table.is_string(name)]
        self._batches: Iterator[pa.RecordBatch] = iter(())
        self._next: tuple[int, int, int] | None = None

    def read(self, chunk: Chunk) -> pa.RecordBatch:
        """All rows of a chunk, columns in the order asked for."""
        name = self._table.files[chunk.file].name
        try:
            return self._read(chunk)
        except (pa.ArrowException, OSError) as error:
            raise corrupt(name, error, where=f" in row group {chunk.row_group}") from error

    def _read(self, chunk: Chunk) -> pa.RecordBatch:
        place = (chunk.file, chunk.row_group, chunk.offset)
        if self._next != place:
            self._open(chunk)
            for _ in range(chunk.offset // CHUNK_ROWS):
                self._take(CHUNK_ROWS)
        batch = self._take(chunk.rows)
        self._next = (chunk.file, chunk.row_group, chunk.offset + chunk.rows)
        return batch

    def _open(self, chunk: Chunk) -> None:
        data = self._table.files[chunk.file]
        file = open_parquet(data.path, name=data.name, dictionaries=self._strings)
        self._batches = file.iter_batches(
            batch_size=CHUNK_ROWS, row_groups=[chunk.row_group], columns=self._columns, use_threads=True
        )

    def _take(self, rows: int) -> pa.RecordBatch:
        parts: list[pa.RecordBatch] = []
        have = 0
        while have < rows:
            part = next(self._batches, None)
            if part is None:
                raise pa.ArrowInvalid(f"the file ends {rows - have} rows early")
            parts.append(part)
            have += part.num_rows
        batch = parts[0] if len(parts) == 1 else _joined(parts)
        if batch.num_rows != rows:
            raise pa.ArrowInvalid(f"a batch has {batch.num_rows} rows, {rows} were expected")
        return batch.select(self._columns)


def open_table(files: tuple[DataFile, ...]) -> ParquetTable:
    """Reads the footers. Raises DataCorrupt, DataEmpty, ColumnNotFound or WrongType where files do not fit together."""
    chunks: list[Chunk] = []
    schema: pa.Schema | None = None
    for index, file in enumerate(files):
        parquet = open_parquet(file.path, name=file.name)
        found = parquet.schema_arrow.remove_metadata()
        if schema is None:
            schema = found
        else:
            _check_same(schema, found, first=files[0].name, name=file.name)
        for row_group in range(parquet.metadata.num_row_groups):
            _append(chunks, file=index, row_group=row_group, rows=parquet.metadata.row_group(row_group).num_rows)
    if schema is None or not chunks:
        names = ", ".join(file.name for file in files[:3])
        raise WorkloadError(
            Reason.DATA_EMPTY, f"the data has no rows: {names} {'...' if len(files) > 3 else ''}".strip()
        )
    return ParquetTable(files=files, schema=schema, chunks=tuple(chunks))


def open_parquet(path: Path, *, name: str, dictionaries: Sequence[str] = ()) -> pq.ParquetFile:
    """Opens a file to be read piece by piece rather than by whole column chunks. Raises DataCorrupt."""
    try:
        return pq.ParquetFile(
            path,
            read_dictionary=list(dictionaries) or None,
            buffer_size=BUFFER,
            pre_buffer=False,
            page_checksum_verification=True,
        )
    except (pa.ArrowException, OSError) as error:
        raise corrupt(name, error) from error


def corrupt(name: str, error: Exception, *, where: str = "") -> WorkloadError:
    """The failure of a file that cannot be decoded."""
    text = " ".join(str(error).split())[:300]
    return WorkloadError(
        Reason.DATA_CORRUPT, f"{name}{where} cannot be read as Parquet: {text}; write the file again at its source"
    )


def _append(chunks: list[Chunk], *, file: int, row_group: int, rows: int) -> None:
    start = chunks[-1].start + chunks[-1].rows if chunks else 0
    bounds = [*range(0, rows, CHUNK_ROWS), rows]
    for offset, end in pairwise(bounds):
        chunks.append(Chunk(len(chunks), file, row_group, offset, start + offset, end - offset))


def _check_same(schema: pa.Schema, found: pa.Schema, *, first: str, name: str) -> None:
    for field in schema:
        index = found.get_field_index(field.name)
        if index < 0:
            raise WorkloadError(Reason.COLUMN_NOT_FOUND, f"{name} has no column {field.name}, but {first} has it")
        if found.field(index).type != field.type:
            raise WorkloadError(
                Reason.WRONG_TYPE,
                f"column {field.name} is {found.field(index).type} in {name}, but {field.type} in {first}",
            )


def _joined(parts: list[pa.RecordBatch]) -> pa.RecordBatch:
    table = pa.Table.from_batches(parts).unify_dictionaries().combine_chunks()
    return table.to_batches()[0]

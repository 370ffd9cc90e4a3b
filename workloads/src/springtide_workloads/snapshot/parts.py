"""Writing a snapshot's Parquet files: equal rows make equal bytes, however they arrive.

Row groups and files have fixed numbers of rows, which the schema alone decides. Floats are written plainly, without
dictionary and compression: they are read eight times as fast, and noise does not compress (design/workloads.md).
"""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from springtide_workloads.snapshot.canonical import MAX_GROUP_ROWS, group_rows

GROUPS_PER_FILE = 16
PART = "part-{number:05d}.parquet"


class PartWriter:
    """Writes batches of one schema to `part-00000.parquet` and so on, below a folder. At most a row group in memory."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self._folder = folder
        self._schema = schema
        self._group_rows = group_rows(schema)
        self._waiting: list[pa.RecordBatch] = []
        self._rows_waiting = 0
        self._groups = 0
        self._writer: pq.ParquetWriter | None = None

    def write(self, batch: pa.RecordBatch) -> None:
        """Takes rows; writes them once a row group is full."""
        start = 0
        while batch.num_rows - start >= self._group_rows - self._rows_waiting:
            rows = self._group_rows - self._rows_waiting
            self._waiting.append(batch.slice(start, rows))
            start += rows
            self._flush()
        if start < batch.num_rows:
            self._waiting.append(batch.slice(start))
            self._rows_waiting += batch.num_rows - start

    def close(self) -> None:
        """Writes what is left. A table without rows is one file without rows."""
        if self._waiting or not self._groups:
            self._flush()
        self._close_file()

    def _flush(self) -> None:
        # One chunk a column: where chunks end, pages would end, and the bytes would tell how the rows arrived.
        table = pa.Table.from_batches(self._waiting, schema=self._schema).combine_chunks()
        self._waiting, self._rows_waiting = [], 0
        if self._groups % GROUPS_PER_FILE == 0:
            self._close_file()
            self._writer = self._open(self._groups // GROUPS_PER_FILE)
        assert self._writer is not None
        self._writer.write_table(table, row_group_size=self._group_rows)
        self._groups += 1

    def _open(self, number: int) -> pq.ParquetWriter:
        names = self._schema.names
        return pq.ParquetWriter(
            self._folder / PART.format(number=number),
            self._schema,
            use_dictionary=[  # type: ignore[arg-type]  # the stubs know the switch only
                name for name in names if pa.types.is_string(self._schema.field(name).type)
            ],
            compression={name: _compression(self._schema.field(name).type) for name in names},
            write_statistics=True,
            max_rows_per_page=MAX_GROUP_ROWS,  # one page a column: `drift/plain.py` reads it without decoding
            store_schema=False,
        )

    def _close_file(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def __enter__(self) -> "PartWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._close_file()


def parts_of(folder: Path) -> Iterator[Path]:
    """The files that a writer left, in order."""
    yield from sorted(folder.glob(PART.format(number=0).replace("00000", "*")))


def _compression(kind: pa.DataType) -> Literal["none", "zstd"]:
    return "none" if pa.types.is_floating(kind) else "zstd"

"""Parquet files cut into pieces that are read and counted at once.

A few columns of one row group are read, counted and forgotten before the next ones: what is counted still lies in the
processor's cache, and memory does not grow with rows or columns.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from springtide_workloads.data.chunks import ArrowArray, corrupt

PIECE = 1 << 19
"""Bytes of a row group that are read at once, about; a column is never parted. More would not stay in the cache."""

File = TypeVar("File")


@dataclass(frozen=True)
class Share(Generic[File]):
    """Every `step`th row group of a file, from number `first` on: what is worked on in one go."""

    file: File
    first: int = 0
    step: int = 1

    def row_groups(self, parquet: pq.ParquetFile) -> range:
        """Their numbers."""
        return range(self.first, parquet.num_row_groups, self.step)


def in_shares(files: Iterable[File], *, each: int) -> tuple[Share[File], ...]:
    """All files, each in so many shares."""
    return tuple(Share(file, first, each) for file in files for first in range(each))


def read_pieces(
    parquet: pq.ParquetFile, row_group: int, pieces: Sequence[Sequence[str]], *, name: str
) -> Iterator[tuple[str, ArrowArray]]:
    """The columns of a row group, one after another, each in one array.

    pieces: columns that are read at once. name: of the file, as people know it. Raises DataCorrupt, naming it.
    """
    for columns in pieces:
        try:
            table = parquet.read_row_group(row_group, columns=list(columns), use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise corrupt(name, error, where=f" in row group {row_group}") from error
        for column in columns:
            values = table.column(column)
            yield column, values.chunk(0) if values.num_chunks == 1 else values.combine_chunks()


def columns_at_once(metadata: pq.FileMetaData, columns: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Columns that a file has, in order, as many at once as are a piece of its largest row group."""
    if not metadata.num_row_groups:
        return ()
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    largest = max(groups, key=lambda group: group.total_byte_size)
    places = {metadata.schema.column(place).path: place for place in range(metadata.num_columns)}
    found: list[list[str]] = []
    size = PIECE
    for column in columns:
        if size >= PIECE:
            found.append([])
            size = 0
        found[-1].append(column)
        size += largest.column(places[column]).total_uncompressed_size
    return tuple(tuple(one) for one in found)

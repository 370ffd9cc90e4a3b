"""Parquet files cut into pieces that are read and counted at once.

A few columns of one row group are read, counted and forgotten before the next ones: what is counted still lies in the
processor's cache, and memory does not grow with rows or columns. What lies there plainly is read column by column.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Self, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from springtide_workloads.data.chunks import ArrowArray, corrupt
from springtide_workloads.drift.plain import read_plain

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


class PieceFile:
    """A Parquet file that is read in pieces; a context manager. Raises what pyarrow and the system raise.

    name: of the file, as people know it.
    """

    def __init__(self, path: Path, *, name: str) -> None:
        self._name = name
        self.parquet = pq.ParquetFile(path, pre_buffer=False)
        self._raw = path.open("rb", buffering=0)
        schema = self.parquet.schema  # made anew each time that it is asked for
        leaves = [schema.column(place) for place in range(len(schema))]
        self._places = {leaf.path: place for place, leaf in enumerate(leaves)}
        self._nullable = [leaf.max_definition_level > 0 for leaf in leaves]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._raw.close()
        self.parquet.close()

    def cut(self, columns: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        """Columns that the file has, in order, as many at once as are a piece of its largest row group."""
        metadata = self.parquet.metadata
        if not metadata.num_row_groups:
            return ()
        groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
        largest = max(groups, key=lambda group: group.total_byte_size)
        found: list[list[str]] = []
        size = PIECE
        for column in columns:
            if size >= PIECE:
                found.append([])
                size = 0
            found[-1].append(column)
            size += largest.column(self._places[column]).total_uncompressed_size
        return tuple(tuple(one) for one in found)

    def read(self, row_group: int, pieces: Iterable[Sequence[str]]) -> Iterator[tuple[str, ArrowArray]]:
        """The columns of a row group, one after another, each in one array. Raises DataCorrupt, naming the file."""
        try:
            for columns in pieces:
                yield from self._read(row_group, columns)
        except (pa.ArrowException, OSError) as error:
            raise corrupt(self._name, error, where=f" in row group {row_group}") from error

    def _read(self, row_group: int, columns: Sequence[str]) -> Iterator[tuple[str, ArrowArray]]:
        chunks = self.parquet.metadata.row_group(row_group)
        others = []
        for column in columns:
            place = self._places[column]
            values = read_plain(self._raw.fileno(), chunks.column(place), nullable=self._nullable[place])
            if values is None:
                others.append(column)
            else:
                yield column, values
        if not others:
            return
        table = self.parquet.read_row_group(row_group, columns=others, use_threads=False)
        for column in others:
            chunked = table.column(column)
            yield column, chunked.chunk(0) if chunked.num_chunks == 1 else chunked.combine_chunks()

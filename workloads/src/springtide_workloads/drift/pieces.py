"""Parquet files cut into pieces that are read and counted at once by several threads.

A few columns of one row group are read, counted and forgotten before the next ones: what is counted still lies in the
processor's cache, and memory does not grow with rows or columns.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from springtide_workloads.data.chunks import ArrowArray, corrupt
from springtide_workloads.process.cpus import available_cpus

PIECE = 1 << 20
"""Bytes of a row group that are read at once, about; a column is never parted."""
AHEAD = 4
"""Pieces for each thread that may wait to be read."""

Cut = TypeVar("Cut")
Found = TypeVar("Found")


@dataclass(frozen=True)
class Piece(Generic[Cut]):
    """Some columns of one row group. name: of the file, as people know it. cut: how its rows are parted."""

    path: Path
    name: str
    metadata: pq.FileMetaData
    row_group: int
    columns: tuple[str, ...]
    cut: Cut


class PieceReader:
    """Reads pieces; each thread has the file that it reads open for itself."""

    def __init__(self) -> None:
        self._open = threading.local()

    def read(self, piece: Piece[Cut]) -> Iterator[tuple[str, ArrowArray]]:
        """The columns, each in one array. Raises DataCorrupt, naming the file."""
        try:
            table = self._file(piece).read_row_group(piece.row_group, columns=list(piece.columns), use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise corrupt(piece.name, error, where=f" in row group {piece.row_group}") from error
        for name in piece.columns:
            column = table.column(name)
            yield name, column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()

    def _file(self, piece: Piece[Cut]) -> pq.ParquetFile:
        if getattr(self._open, "metadata", None) is not piece.metadata:
            self._open.metadata = piece.metadata
            self._open.file = pq.ParquetFile(piece.path, metadata=piece.metadata, pre_buffer=False)
        file: pq.ParquetFile = self._open.file
        return file


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


def in_threads(work: Callable[[Piece[Cut]], Found], pieces: Iterable[Piece[Cut]]) -> Iterator[tuple[Piece[Cut], Found]]:
    """Works on the pieces with a thread for each processor. Only a few are taken before they can be worked on."""
    threads = available_cpus()
    waiting: deque[tuple[Piece[Cut], Future[Found]]] = deque()
    with ThreadPoolExecutor(max_workers=threads) as pool:
        for piece in pieces:
            waiting.append((piece, pool.submit(work, piece)))
            if len(waiting) > threads * AHEAD:
                done, future = waiting.popleft()
                yield done, future.result()
        while waiting:
            done, future = waiting.popleft()
            yield done, future.result()

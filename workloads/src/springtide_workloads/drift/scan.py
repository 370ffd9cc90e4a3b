"""Counting every column of Parquet files in one pass, as fast as they can be read.

A few columns of one row group are read, counted and forgotten before the next ones: what is counted still lies in the
processor's cache, and memory does not grow with rows or columns. Counts add up, so neither the order of the pieces nor
the number of threads, files or row groups can change a bit of the outcome.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from springtide.api.constants import Reason

from springtide_workloads.data.chunks import corrupt
from springtide_workloads.drift.bins import CategoryBins, Counts, NumberBins
from springtide_workloads.drift.counting import count_column
from springtide_workloads.errors import WorkloadError
from springtide_workloads.process.cpus import available_cpus
from springtide_workloads.process.progress import Progress

PIECE = 4 << 20
"""Bytes of a row group that are read at once; a column is never parted."""


@dataclass(frozen=True)
class _Piece:
    path: Path
    metadata: pq.FileMetaData
    row_group: int
    columns: tuple[str, ...]


def count_files(
    paths: Sequence[Path], *, bins: Mapping[str, NumberBins | CategoryBins], progress: Progress
) -> dict[str, Counts]:
    """The counts of all rows of local Parquet files, for each column that has bins.

    Raises ColumnNotFound, WrongType, DataCorrupt, naming column and file.
    """
    counts = {name: np.zeros(len(one.slots), dtype=np.int64) for name, one in bins.items()}
    pieces = [piece for path in paths for piece in _pieces(path, columns=tuple(bins))]
    reader = _Reader(bins)
    total = sum(len(piece.columns) for piece in pieces)
    with (
        progress.phase("counting", total=total, unit="column chunks") as phase,
        ThreadPoolExecutor(max_workers=available_cpus()) as pool,
    ):
        for piece, found in zip(pieces, pool.map(reader.count, pieces), strict=True):
            for name, vector in found.items():
                counts[name] += vector
            phase.advance(len(piece.columns))
    return counts


class _Reader:
    """Counts pieces; each thread has the file that it reads open for itself."""

    def __init__(self, bins: Mapping[str, NumberBins | CategoryBins]) -> None:
        self._bins = bins
        self._open = threading.local()

    def count(self, piece: _Piece) -> dict[str, Counts]:
        try:
            table = self._file(piece).read_row_group(piece.row_group, columns=list(piece.columns), use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise corrupt(piece.path.name, error, where=f" in row group {piece.row_group}") from error
        return {name: self._count(name, table.column(name)) for name in piece.columns}

    def _count(self, name: str, column: "pa.ChunkedArray[Any]") -> Counts:
        bins = self._bins[name]
        parts = [count_column(chunk, bins=bins, column=name) for chunk in column.chunks]
        return np.sum(parts, axis=0, dtype=np.int64) if parts else np.zeros(len(bins.slots), dtype=np.int64)

    def _file(self, piece: _Piece) -> pq.ParquetFile:
        if getattr(self._open, "path", None) != piece.path:
            self._open.path = piece.path
            self._open.file = pq.ParquetFile(piece.path, metadata=piece.metadata, pre_buffer=False)
        file: pq.ParquetFile = self._open.file
        return file


def _pieces(path: Path, *, columns: tuple[str, ...]) -> Iterator[_Piece]:
    try:
        metadata = pq.read_metadata(path)
    except (pa.ArrowException, OSError) as error:
        raise corrupt(path.name, error) from error
    places = {metadata.schema.column(place).path: place for place in range(metadata.num_columns)}
    for name in columns:
        if name not in places:
            raise WorkloadError(Reason.COLUMN_NOT_FOUND, f"{path.name} has no column {name}, which has bins")
    for row_group in range(metadata.num_row_groups):
        group = metadata.row_group(row_group)
        block: list[str] = []
        size = 0
        for name in columns:
            block.append(name)
            size += group.column(places[name]).total_uncompressed_size
            if size >= PIECE:
                yield _Piece(path, metadata, row_group, tuple(block))
                block, size = [], 0
        if block:
            yield _Piece(path, metadata, row_group, tuple(block))

"""Counting every column of Parquet files in one pass, as fast as they can be read.

Counts add up, so neither the order of the pieces nor the number of threads, files or row groups can change a bit of the
outcome.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from springtide.api.constants import Reason

from springtide_workloads.data.chunks import corrupt
from springtide_workloads.drift.bins import CategoryBins, Counts, NumberBins
from springtide_workloads.drift.counting import count_column
from springtide_workloads.drift.pieces import Piece, PieceReader, columns_at_once, in_threads
from springtide_workloads.errors import WorkloadError
from springtide_workloads.process.progress import Progress


def count_files(
    paths: Sequence[Path], *, bins: Mapping[str, NumberBins | CategoryBins], progress: Progress
) -> dict[str, Counts]:
    """The counts of all rows of local Parquet files, for each column that has bins.

    Raises ColumnNotFound, WrongType, DataCorrupt, naming column and file.
    """
    counts = {name: np.zeros(len(one.slots), dtype=np.int64) for name, one in bins.items()}
    reader = PieceReader()

    def count(piece: Piece[None]) -> dict[str, Counts]:
        return {name: count_column(values, bins=bins[name], column=name) for name, values in reader.read(piece)}

    footers = {path: _footer(path, columns=tuple(bins)) for path in paths}
    total = sum(footer.num_row_groups for footer in footers.values()) * len(bins)
    pieces = (piece for path, footer in footers.items() for piece in _pieces(path, footer, columns=tuple(bins)))
    with progress.phase("counting", total=total, unit="column chunks") as phase:
        for piece, found in in_threads(count, pieces):
            for name, vector in found.items():
                counts[name] += vector
            phase.advance(len(piece.columns))
    return counts


def _footer(path: Path, *, columns: tuple[str, ...]) -> pq.FileMetaData:
    try:
        metadata = pq.read_metadata(path)
    except (pa.ArrowException, OSError) as error:
        raise corrupt(path.name, error) from error
    names = set(metadata.schema.names)
    for name in columns:
        if name not in names:
            raise WorkloadError(Reason.COLUMN_NOT_FOUND, f"{path.name} has no column {name}, which has bins")
    return metadata


def _pieces(path: Path, metadata: pq.FileMetaData, *, columns: tuple[str, ...]) -> Iterator[Piece[None]]:
    at_once = columns_at_once(metadata, columns)
    for row_group in range(metadata.num_row_groups):
        for some in at_once:
            yield Piece(path, path.name, metadata, row_group, some, cut=None)

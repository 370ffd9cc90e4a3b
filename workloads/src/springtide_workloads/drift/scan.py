"""Counting every column of Parquet files in one pass, as fast as they can be read.

Counts add up, so neither the order of the pieces nor the number of processes, files or row groups can change a bit of
the outcome.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from springtide.api.constants import Reason

from springtide_workloads.data.chunks import corrupt
from springtide_workloads.drift.bins import CategoryBins, Counts, NumberBins
from springtide_workloads.drift.counting import count_column
from springtide_workloads.drift.pieces import PieceFile, Share, in_shares
from springtide_workloads.errors import WorkloadError
from springtide_workloads.process.crew import in_processes, processes_for
from springtide_workloads.process.progress import Progress


def count_files(
    paths: Sequence[Path], *, bins: Mapping[str, NumberBins | CategoryBins], progress: Progress
) -> dict[str, Counts]:
    """The counts of all rows of local Parquet files, for each column that has bins.

    Raises ColumnNotFound, WrongType, DataCorrupt, naming column and file.
    """
    counts = {name: np.zeros(len(one.slots), dtype=np.int64) for name, one in bins.items()}
    processes = processes_for(sum(path.stat().st_size for path in paths))
    shares = in_shares(paths, each=processes)
    with progress.phase("counting", total=len(shares), unit="parts") as phase:
        for found in in_processes(_Count(dict(bins)), shares, processes=processes):
            for name, vector in found.items():
                counts[name] += vector
            phase.advance(1)
    return counts


@dataclass(frozen=True)
class _Count:
    """Counts a share of a file."""

    bins: dict[str, NumberBins | CategoryBins]

    def __call__(self, share: Share[Path]) -> dict[str, Counts]:
        counts = {name: np.zeros(len(one.slots), dtype=np.int64) for name, one in self.bins.items()}
        with _opened(share.file, columns=tuple(self.bins)) as file:
            pieces = file.cut(tuple(self.bins))
            for row_group in share.row_groups(file.parquet):
                for column, values in file.read(row_group, pieces):
                    counts[column] += count_column(values, bins=self.bins[column], column=column)
        return counts


@contextmanager
def _opened(path: Path, *, columns: tuple[str, ...]) -> Iterator[PieceFile]:
    try:
        file = PieceFile(path, name=path.name)
    except (pa.ArrowException, OSError) as error:
        raise corrupt(path.name, error) from error
    with file:
        names = set(file.parquet.schema_arrow.names)
        for name in columns:
            if name not in names:
                raise WorkloadError(Reason.COLUMN_NOT_FOUND, f"{path.name} has no column {name}, which has bins")
        yield file

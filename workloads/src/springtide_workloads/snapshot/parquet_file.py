"""A Parquet file as batches."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from springtide_workloads.data.chunks import CHUNK_ROWS, corrupt, open_parquet
from springtide_workloads.errors import WorkloadError
from springtide_workloads.process.progress import Phase
from springtide_workloads.snapshot.vanishing import vanished


def read_parquet(path: Path, *, name: str, phase: Phase) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Its schema, and its rows. Raises DataCorrupt, DataNotFound."""
    try:
        file = open_parquet(path, name=name)
    except WorkloadError as error:
        raise vanished(name) if isinstance(error.__cause__, FileNotFoundError) else error from error.__cause__
    size, rows = path.stat().st_size, max(file.metadata.num_rows, 1)

    def batches() -> Iterator[pa.RecordBatch]:
        read = file.iter_batches(batch_size=CHUNK_ROWS, use_threads=True)
        while True:
            try:
                batch = next(read, None)
            except (pa.ArrowException, OSError) as error:
                raise corrupt(name, error) from error
            if batch is None:
                return
            yield batch
            phase.advance(size * batch.num_rows // rows)

    return file.schema_arrow.remove_metadata(), batches()

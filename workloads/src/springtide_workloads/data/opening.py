"""The data of a task: its files, as a table, and the manifest that pins them."""

from pathlib import Path

from springtide.api.task import TaskData

from springtide_workloads.artifacts.manifest import Manifest
from springtide_workloads.data.chunks import ParquetTable, open_table
from springtide_workloads.data.pinned import collect_snapshot
from springtide_workloads.data.source import collect, describe
from springtide_workloads.process.progress import Progress


def open_data(data: TaskData, *, scratch: Path, progress: Progress) -> tuple[ParquetTable, Manifest]:
    """The table, and the snapshot's own manifest, or one of the files as they lie there.

    Raises DigestMismatch, DataNotFound, DataEmpty, DataCorrupt, AccessDenied, StoreUnavailable, DiskFull.
    """
    if data.snapshot is not None:
        files, manifest = collect_snapshot(data.uri, digest=data.snapshot, scratch=scratch, progress=progress)
        return open_table(files), manifest
    table = open_table(collect(data.uri, scratch=scratch, progress=progress))
    return table, describe(table.files, schema=table.columns)

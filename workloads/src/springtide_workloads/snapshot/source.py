"""The files of a source, one after another, as batches of bounded size.

A file in an object store is copied to the scratch folder and forgotten when it is read; on a volume it is read where it
lies. Every file must have the columns of the first, of the same types. Each failure names the file.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from springtide.api.constants import Reason
from springtide.api.task import SnapshotTask

from springtide_workloads.data.listing import CSV, PARQUET, Found, Listing, list_files
from springtide_workloads.data.source import copy
from springtide_workloads.errors import WorkloadError, storage_errors
from springtide_workloads.process.progress import Phase, Progress
from springtide_workloads.snapshot.canonical import canonical_schema
from springtide_workloads.snapshot.csv_file import CsvTypes, read_csv
from springtide_workloads.snapshot.parquet_file import read_parquet
from springtide_workloads.snapshot.vanishing import vanished


@dataclass(frozen=True)
class Batch:
    """Rows of one file in their canonical types. first: number of the first of them within the file, from 0."""

    file: str
    first: int
    rows: pa.RecordBatch


def list_source(task: SnapshotTask) -> Listing:
    """The files that the task names. Raises DataNotFound, AccessDenied, StoreUnavailable."""
    if task.format == "Csv":
        return list_files(task.uri, suffixes=CSV, what="CSV file")
    return list_files(task.uri, suffixes=PARQUET, what="Parquet file")


class Source:
    """Reads a listing once."""

    def __init__(self, listing: Listing, *, task: SnapshotTask, scratch: Path) -> None:
        self._listing = listing
        self._scratch = scratch
        self._csv_types = CsvTypes.of(task) if task.format == "Csv" else None
        self._first: tuple[str, pa.Schema] | None = None

    def batches(self, progress: Progress) -> Iterator[Batch]:
        """All rows. Raises DataNotFound, DataCorrupt, DataChanged, SchemaConflict, WrongType."""
        with progress.phase("reading", total=self._listing.size, unit="bytes") as phase:
            for file in self._listing.files:
                with self._on_this_machine(file) as path:
                    yield from self._read(file, path, phase=phase)

    @property
    def schema(self) -> pa.Schema:
        """The canonical schema, once the first batch is there."""
        assert self._first is not None
        return self._first[1]

    def _read(self, file: Found, path: Path, *, phase: Phase) -> Iterator[Batch]:
        if self._csv_types is not None:
            schema, batches = read_csv(path, name=file.name, types=self._csv_types, phase=phase)
        else:
            schema, batches = read_parquet(path, name=file.name, phase=phase)
        schema = canonical_schema(schema)
        self._check_same(schema, name=file.name)
        row = 0
        for batch in batches:
            yield Batch(file=file.name, first=row, rows=_cast(batch, schema=self.schema, name=file.name))
            row += batch.num_rows
        if not row:
            yield Batch(file=file.name, first=0, rows=pa.RecordBatch.from_pylist([], schema=self.schema))

    @contextmanager
    def _on_this_machine(self, file: Found) -> Iterator[Path]:
        if self._listing.is_local:
            yield Path(file.path)
            self._check_unchanged(file)
            return
        place = f"{self._listing.uri} ({file.name})"
        with storage_errors(place, missing=Reason.DATA_NOT_FOUND):
            path = copy(self._listing, file, folder=self._scratch / "source").path
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def _check_unchanged(self, file: Found) -> None:
        """A file that is written in place while it is read is neither the old nor the new one."""
        try:
            status = Path(file.path).stat()
        except FileNotFoundError:
            raise vanished(file.name) from None
        if (status.st_size, f"{status.st_mtime_ns} {status.st_ino}") != (file.size, file.version):
            raise WorkloadError(
                Reason.DATA_CHANGED, f"{file.name} was changed while it was read: write files under another name first"
            )

    def _check_same(self, schema: pa.Schema, *, name: str) -> None:
        _check_names(schema, name=name)
        if self._first is None:
            self._first = (name, schema)
            return
        first, known = self._first
        for one, other, here, there in ((known, schema, name, first), (schema, known, first, name)):
            missing = [column for column in one.names if column not in other.names]
            if missing:
                raise WorkloadError(Reason.SCHEMA_CONFLICT, f"{here} has no column {missing[0]}, but {there} has it")
        for field in known:
            kind = schema.field(field.name).type
            if kind != field.type:
                raise WorkloadError(
                    Reason.SCHEMA_CONFLICT, f"column {field.name} is {kind} in {name}, but {field.type} in {first}"
                )


def _check_names(schema: pa.Schema, *, name: str) -> None:
    twice = next((column for column in schema.names if schema.names.count(column) > 1), None)
    if twice is not None:
        raise WorkloadError(Reason.SCHEMA_CONFLICT, f"{name} has two columns named {twice}")


def _cast(batch: pa.RecordBatch, *, schema: pa.Schema, name: str) -> pa.RecordBatch:
    try:
        return batch.select(schema.names).cast(schema)
    except pa.ArrowInvalid as error:
        raise WorkloadError(
            Reason.DATA_CORRUPT, f"{name} has values that do not fit their canonical types: {type(error).__name__}"
        ) from error

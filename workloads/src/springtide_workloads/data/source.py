"""From a URI to local Parquet files whose every byte is pinned.

Files in an object store are copied to the scratch folder while they are hashed: what was hashed is what is read, and
an epoch costs no second download. Files on a volume are read where they lie.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from springtide.api.constants import Reason
from springtide.api.training_run import Inputs

from springtide_workloads.artifacts.digests import digest_of_file, digest_of_stream
from springtide_workloads.artifacts.manifest import Column, File, Manifest
from springtide_workloads.data.listing import PARQUET, Found, Listing, list_files
from springtide_workloads.errors import WorkloadError, storage_errors
from springtide_workloads.process.cpus import available_cpus
from springtide_workloads.process.progress import Progress

PART = 16 << 20


@dataclass(frozen=True)
class DataFile:
    """One file: its name below the URI, and where its bytes are on this machine."""

    name: str
    path: Path
    size: int
    sha256: str


def collect(uri: str, *, scratch: Path, progress: Progress) -> tuple[DataFile, ...]:
    """All Parquet files at a file, folder or glob URI, sorted by name, each hashed.

    Raises DataNotFound, AccessDenied, StoreUnavailable, DiskFull.
    """
    listing = list_files(uri, suffixes=PARQUET, what="Parquet file")

    def pin(file: Found) -> DataFile:
        with storage_errors(f"{uri} ({file.name})", missing=Reason.DATA_NOT_FOUND):
            return _pin_local(file) if listing.is_local else copy(listing, file, folder=scratch / "data")

    with progress.phase("checking data", total=listing.size, unit="bytes") as phase:
        return tuple(_in_threads(pin, listing.files, done=lambda file: phase.advance(file.size)))


def describe(files: tuple[DataFile, ...], *, schema: tuple[Column, ...]) -> Manifest:
    """The manifest of what is read: equal data has an equal digest, wherever it lies."""
    listed = tuple(File(name=file.name, size=file.size, sha256=file.sha256) for file in files)
    return Manifest(kind="Data", files=listed, table_schema=schema)


def check_pinned(inputs: Inputs, *, expected: str | None, uri: str) -> None:
    """Raises DataChanged where the task asks for other data than what is there."""
    if expected is not None and inputs.digest != expected:
        raise WorkloadError(
            Reason.DATA_CHANGED,
            f"{uri} has digest {inputs.digest}, but data.digest asks for {expected}: the files were changed since",
        )


def _pin_local(file: Found) -> DataFile:
    sha256, size = digest_of_file(Path(file.path))
    return DataFile(name=file.name, path=Path(file.path), size=size, sha256=sha256)


def copy(listing: Listing, file: Found, *, folder: Path) -> DataFile:
    """Copies a file of an object store to this machine and hashes it on the way."""
    target = folder / file.name
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        listing.filesystem.open(file.path, "rb", block_size=PART, cache_type="readahead") as stream,
        target.open("wb") as local,
    ):
        sha256, size = digest_of_stream(stream, sink=local.write)
    return DataFile(name=file.name, path=target, size=size, sha256=sha256)


def _in_threads(
    work: Callable[[Found], DataFile], items: Sequence[Found], *, done: Callable[[Found], object]
) -> list[DataFile]:
    results = []
    with ThreadPoolExecutor(max_workers=max(2, available_cpus())) as pool:
        for item, result in zip(items, pool.map(work, items), strict=True):
            results.append(result)
            done(item)
    return results

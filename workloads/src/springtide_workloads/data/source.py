"""From a URI to local Parquet files whose every byte is pinned.

Files in an object store are copied to the scratch folder while they are hashed: what was hashed is what is read, and
an epoch costs no second download. Files on a volume are read where they lie.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from springtide.api.constants import Reason
from springtide.api.training_run import Inputs

from springtide_workloads.artifacts.digests import digest_of_file, digest_of_stream
from springtide_workloads.artifacts.filesystems import open_filesystem
from springtide_workloads.artifacts.manifest import Column, File, Manifest
from springtide_workloads.errors import WorkloadError, storage_errors
from springtide_workloads.process.cpus import available_cpus
from springtide_workloads.process.progress import Progress

SUFFIXES = (".parquet", ".pq")
MAGIC = "*?["
PART = 16 << 20


@dataclass(frozen=True)
class DataFile:
    """One file: its name below the URI, and where its bytes are on this machine."""

    name: str
    path: Path
    size: int
    sha256: str


@dataclass(frozen=True)
class _Found:
    name: str
    path: str
    size: int


def collect(uri: str, *, scratch: Path, progress: Progress) -> tuple[DataFile, ...]:
    """All Parquet files at a file, folder or glob URI, sorted by name, each hashed.

    Raises DataNotFound, AccessDenied, StoreUnavailable, DiskFull.
    """
    with storage_errors(uri, missing=Reason.DATA_NOT_FOUND):
        filesystem, root = open_filesystem(uri)
        found = _find(filesystem, root)
    if not found:
        raise WorkloadError(Reason.DATA_NOT_FOUND, f"{uri}: there is no Parquet file (*.parquet, *.pq) there")
    local = uri.startswith("file://")

    def pin(file: _Found) -> DataFile:
        with storage_errors(f"{uri} ({file.name})", missing=Reason.DATA_NOT_FOUND):
            return _pin_local(file) if local else _copy(filesystem, file, folder=scratch / "data")

    with progress.phase("checking data", total=sum(file.size for file in found), unit="bytes") as phase:
        return tuple(_in_threads(pin, found, done=lambda file: phase.advance(file.size)))


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


def _find(filesystem: Any, root: str) -> list[_Found]:
    if any(character in root for character in MAGIC):
        base = _folder_before_magic(root)
        paths = [path for path in filesystem.glob(root) if filesystem.isfile(path)]
    elif filesystem.isfile(root):
        base, paths = root.rpartition("/")[0], [root]
    else:
        base = root.rstrip("/")
        paths = [path for path in filesystem.find(base) if path.endswith(SUFFIXES)]
    found = [
        _Found(name=path.removeprefix(base).lstrip("/"), path=path, size=int(filesystem.size(path))) for path in paths
    ]
    return sorted((file for file in found if not _is_hidden(file.name)), key=lambda file: file.name)


def _folder_before_magic(root: str) -> str:
    parts = root.split("/")
    first = next(index for index, part in enumerate(parts) if any(character in part for character in MAGIC))
    return "/".join(parts[:first])


def _is_hidden(name: str) -> bool:
    """Spark and others leave `_temporary` folders and `.crc` files beside the data."""
    return any(part.startswith(("_", ".")) for part in name.split("/"))


def _pin_local(file: _Found) -> DataFile:
    sha256, size = digest_of_file(Path(file.path))
    return DataFile(name=file.name, path=Path(file.path), size=size, sha256=sha256)


def _copy(filesystem: Any, file: _Found, *, folder: Path) -> DataFile:
    target = folder / file.name
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        filesystem.open(file.path, "rb", block_size=PART, cache_type="readahead") as stream,
        target.open("wb") as copy,
    ):
        sha256, size = digest_of_stream(stream, sink=copy.write)
    return DataFile(name=file.name, path=target, size=size, sha256=sha256)


def _in_threads(
    work: Callable[[_Found], DataFile], items: list[_Found], *, done: Callable[[_Found], object]
) -> list[DataFile]:
    results = []
    with ThreadPoolExecutor(max_workers=max(2, available_cpus())) as pool:
        for item, result in zip(items, pool.map(work, items), strict=True):
            results.append(result)
            done(item)
    return results

"""The files at a URI: names, sizes, and what tells one version of a file from the next."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from springtide.api.constants import Reason

from springtide_workloads.artifacts.digests import canonical, digest_of
from springtide_workloads.artifacts.filesystems import open_filesystem
from springtide_workloads.errors import WorkloadError, storage_errors

PARQUET = (".parquet", ".pq")
CSV = (".csv", ".csv.gz")
MAGIC = "*?["


@dataclass(frozen=True)
class Found:
    """One file where it lies: its name below the URI, and its path in the file system.

    version: changes whenever its content does, as far as a listing can tell (modification time or ETag).
    """

    name: str
    path: str
    size: int
    version: str


@dataclass(frozen=True)
class Listing:
    """Files at a URI, sorted by name."""

    uri: str
    filesystem: Any
    files: tuple[Found, ...]

    @property
    def is_local(self) -> bool:
        """Whether they can be read where they lie."""
        return self.uri.startswith("file://")

    @property
    def size(self) -> int:
        """Bytes in all files."""
        return sum(file.size for file in self.files)

    @property
    def state(self) -> str:
        """Digest of names, sizes and versions: while it stays the same there is nothing new to read."""
        return digest_of(canonical([[file.name, file.size, file.version] for file in self.files]))


def list_files(uri: str, *, suffixes: Sequence[str], what: str) -> Listing:
    """All files at a file, folder or glob URI; in a folder those with a suffix. Hidden ones are left out.

    what: how people call such files, such as `Parquet file`. Raises DataNotFound, AccessDenied, StoreUnavailable.
    """
    with storage_errors(uri, missing=Reason.DATA_NOT_FOUND):
        filesystem, root = open_filesystem(uri)
        files = _find(filesystem, root, suffixes=tuple(suffixes))
    if not files:
        endings = ", ".join(f"*{suffix}" for suffix in suffixes)
        raise WorkloadError(Reason.DATA_NOT_FOUND, f"{uri}: there is no {what} ({endings}) there")
    return Listing(uri=uri, filesystem=filesystem, files=tuple(files))


def _find(filesystem: Any, root: str, *, suffixes: tuple[str, ...]) -> list[Found]:
    if any(character in root for character in MAGIC):
        base = _folder_before_magic(root)
        found = filesystem.glob(root, detail=True)
    elif filesystem.isfile(root):
        base, found = root.rpartition("/")[0], {root: filesystem.info(root)}
    else:
        base = root.rstrip("/")
        listed = filesystem.find(base, detail=True)
        found = {path: facts for path, facts in listed.items() if path.endswith(suffixes)}
    files = [
        Found(
            name=path.removeprefix(base).lstrip("/"), path=path, size=int(facts["size"]), version=_version(path, facts)
        )
        for path, facts in found.items()
        if facts["type"] == "file"
    ]
    return sorted((file for file in files if not _is_hidden(file.name)), key=lambda file: file.name)


def _version(path: str, facts: dict[str, Any]) -> str:
    if "ETag" in facts:
        return str(facts["ETag"])
    status = Path(path).stat()
    return f"{status.st_mtime_ns} {status.st_ino}"


def _folder_before_magic(root: str) -> str:
    parts = root.split("/")
    first = next(index for index, part in enumerate(parts) if any(character in part for character in MAGIC))
    return "/".join(parts[:first])


def _is_hidden(name: str) -> bool:
    """Spark and others leave `_temporary` folders and `.crc` files beside the data."""
    return any(part.startswith(("_", ".")) for part in name.split("/"))

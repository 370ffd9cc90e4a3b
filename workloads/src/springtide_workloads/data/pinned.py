"""A Dataset's snapshot as rows: every byte is what the snapshot's digest says, or nothing is read."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from springtide.api.constants import Reason

from springtide_workloads.artifacts.digests import digest_of_file
from springtide_workloads.artifacts.filesystems import open_filesystem
from springtide_workloads.artifacts.manifest import MANIFEST, File, Manifest
from springtide_workloads.artifacts.store import decode_manifest, open_folder, read_document
from springtide_workloads.data.listing import PARQUET
from springtide_workloads.data.source import DataFile
from springtide_workloads.errors import WorkloadError, storage_errors
from springtide_workloads.process.cpus import available_cpus
from springtide_workloads.process.progress import Progress

DATASETS = "datasets"
"""The section of the store where snapshots lie, each in a folder of its Dataset: `<namespace>.<name>`."""


def collect_snapshot(
    uri: str, *, digest: str, scratch: Path, progress: Progress, most: int | None = None
) -> tuple[tuple[DataFile, ...], Manifest]:
    """The Parquet files of the snapshot in the folder at `uri`, and its manifest.

    Files in an object store are copied to the scratch folder on the way. most: bytes of files that are enough, evenly
    from the whole snapshot, but one file at least; None: all. Raises DigestMismatch where the manifest or a file is
    missing or is not what the digest says, AccessDenied, StoreUnavailable.

    Each processor checks a file: a digest takes longer than all that is counted in the file.
    """
    text = read_document(f"{uri}/{MANIFEST}")
    if text is None:
        raise WorkloadError(Reason.DIGEST_MISMATCH, f"there is no snapshot at {uri}: it was removed")
    manifest = decode_manifest(text, digest=digest, place=uri)
    parts = _enough([file for file in manifest.files if file.name.endswith(PARQUET)], most=most)
    files = []
    with (
        progress.phase("checking data", total=sum(file.size for file in parts), unit="bytes") as phase,
        ThreadPoolExecutor(max_workers=available_cpus()) as pool,
    ):
        for file in pool.map(lambda part: _verified(uri, part, scratch=scratch), parts):
            files.append(file)
            phase.advance(file.size)
    return tuple(files), manifest


def find_snapshot(store_uri: str, *, namespace: str, digest: str) -> str | None:
    """The folder of a snapshot of any Dataset of a namespace; None where there is none with this digest.

    Which Dataset it is makes no difference: equal digests are equal rows. Raises AccessDenied, StoreUnavailable.
    """
    place = f"{store_uri.rstrip('/')}/{DATASETS}"
    with storage_errors(place, missing=Reason.DATA_NOT_FOUND):
        filesystem, root = open_filesystem(place)
        try:
            listed = filesystem.ls(root, detail=False)
        except FileNotFoundError:
            return None
    names = sorted(path.rstrip("/").rpartition("/")[2] for path in listed)
    folders = (f"{place}/{name}/{digest.replace(':', '-')}" for name in names if name.startswith(f"{namespace}."))
    return next((folder for folder in folders if read_document(f"{folder}/{MANIFEST}") is not None), None)


def _enough(files: Sequence[File], *, most: int | None) -> Sequence[File]:
    """Every n-th file, where n is the least with which they are not too large."""
    if most is None:
        return files
    chosen = (files[::step] for step in range(1, len(files)))
    return next((some for some in chosen if sum(file.size for file in some) <= most), files[:1])


def _verified(uri: str, part: File, *, scratch: Path) -> DataFile:
    with storage_errors(f"{uri}/{part.name}", missing=Reason.DIGEST_MISMATCH):
        return _compared(uri, part, scratch=scratch)


def _compared(uri: str, part: File, *, scratch: Path) -> DataFile:
    if uri.startswith("file://"):
        path = Path(uri.removeprefix("file://")) / part.name
        found = digest_of_file(path)
    else:
        path = scratch / "data" / part.name
        found = open_folder(uri).fetch(part.name, target=path)
    if found != (part.sha256, part.size):
        raise WorkloadError(
            Reason.DIGEST_MISMATCH,
            f"{uri}/{part.name} has {found[1]} bytes with {found[0]}, but the manifest says {part.size} bytes with"
            f" {part.sha256}",
        )
    return DataFile(name=part.name, path=path, size=part.size, sha256=part.sha256)

"""A Dataset's snapshot as training data: every byte is what the snapshot's digest says, or nothing is read."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from springtide.api.constants import Reason

from springtide_workloads.artifacts.digests import digest_of_file
from springtide_workloads.artifacts.manifest import MANIFEST, File, Manifest
from springtide_workloads.artifacts.store import decode_manifest, open_folder, read_document
from springtide_workloads.data.listing import PARQUET
from springtide_workloads.data.source import DataFile
from springtide_workloads.errors import WorkloadError, storage_errors
from springtide_workloads.process.cpus import available_cpus
from springtide_workloads.process.progress import Progress


def collect_snapshot(
    uri: str, *, digest: str, scratch: Path, progress: Progress
) -> tuple[tuple[DataFile, ...], Manifest]:
    """The Parquet files of the snapshot in the folder at `uri`, and its manifest.

    Files in an object store are copied to the scratch folder on the way. Raises DigestMismatch where the manifest or a
    file is missing or is not what the digest says, AccessDenied, StoreUnavailable.

    Each processor checks a file: a digest takes longer than all that is counted in the file.
    """
    text = read_document(f"{uri}/{MANIFEST}")
    if text is None:
        raise WorkloadError(Reason.DIGEST_MISMATCH, f"there is no snapshot at {uri}: it was removed")
    manifest = decode_manifest(text, digest=digest, place=uri)
    parts = [file for file in manifest.files if file.name.endswith(PARQUET)]
    files = []
    with (
        progress.phase("checking data", total=sum(file.size for file in parts), unit="bytes") as phase,
        ThreadPoolExecutor(max_workers=available_cpus()) as pool,
    ):
        for file in pool.map(lambda part: _verified(uri, part, scratch=scratch), parts):
            files.append(file)
            phase.advance(file.size)
    return tuple(files), manifest


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

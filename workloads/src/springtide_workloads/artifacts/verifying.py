"""Is an artifact's folder what its manifest says, every byte of it? Asked without a network."""

from pathlib import Path

from pydantic import ValidationError
from springtide.api.constants import Reason

from springtide_workloads.artifacts.digests import digest_of, digest_of_file
from springtide_workloads.artifacts.manifest import MANIFEST, Manifest
from springtide_workloads.artifacts.store import check_file
from springtide_workloads.errors import WorkloadError, storage_errors


def verify_folder(folder: Path, *, digest: str | None = None) -> Manifest:
    """The manifest of a folder all of whose files are what it says, and no others.

    digest: what the manifest must have; None: what the folder's name says, if it is a digest. Raises DataNotFound
    where there is no manifest, DigestMismatch that names the file, AccessDenied.
    """
    with storage_errors(str(folder), missing=Reason.DATA_NOT_FOUND):
        text = (folder / MANIFEST).read_bytes()
        _check_manifest(folder, text, digest=digest)
        try:
            manifest = Manifest.model_validate_json(text)
        except ValidationError as error:
            raise WorkloadError(
                Reason.DIGEST_MISMATCH, f"{folder / MANIFEST} is no manifest that this program can read"
            ) from error
    for file in manifest.files:
        with storage_errors(str(folder / file.name), missing=Reason.DIGEST_MISMATCH):
            check_file(file, digest_of_file(folder / file.name), place=str(folder / file.name))
    listed = {MANIFEST, *(file.name for file in manifest.files)}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.relative_to(folder).as_posix() not in listed:
            raise WorkloadError(Reason.DIGEST_MISMATCH, f"{path} is not in the manifest: somebody added it")
    return manifest


def _check_manifest(folder: Path, text: bytes, *, digest: str | None) -> None:
    algorithm, _, number = folder.resolve().name.partition("-")
    named = f"{algorithm}:{number}" if algorithm == "sha256" else None
    for expected, who in ((digest, "you say"), (named, "its folder's name says")):
        if expected is not None and digest_of(text) != expected:
            raise WorkloadError(
                Reason.DIGEST_MISMATCH, f"{folder / MANIFEST} has {digest_of(text)}, but {who} {expected}"
            )

"""The artifact store: small documents that are replaced whole, and folders that are published once under their digest.

store/
  models/sha256-<hex>/...  + manifest.json                        never changed once its manifest is there
  datasets/<namespace>.<name>/sha256-<hex>/...  + manifest.json   the same, for the snapshots of a Dataset
  memo/<hex>.json                                                 who did this very work before
"""

from pathlib import Path
from typing import Protocol

from springtide.api.constants import Reason

from springtide_workloads.artifacts.manifest import MANIFEST, File, Manifest
from springtide_workloads.errors import WorkloadError, storage_errors

MODELS = "models"
WRITABLE = ".writable"
"""Written by every task before its work, to learn early that it may."""


class Folder(Protocol):
    """A place in the store, whichever kind of storage is behind it."""

    def read(self, name: str) -> bytes:
        """A whole document."""

    def write(self, name: str, data: bytes) -> None:
        """Replaces a document at once: a reader sees the old or the new one, never a part."""

    def publish(self, name: str, *, source: Path, manifest: Manifest) -> None:
        """Copies the manifest's files from `source` to folder `name`, which can be read as a whole or not at all."""

    def discard(self, name: str) -> None:
        """Takes a damaged folder out of the way of `publish`."""

    def remove(self, name: str) -> bool:
        """Removes a published folder for good, so that no reader finds it in part; whether there was one."""

    def stat_and_digest(self, name: str) -> tuple[str, int]:
        """Digest and size of a file as it lies there."""

    def fetch(self, name: str, *, target: Path) -> tuple[str, int]:
        """Copies a file to the local disk; digest and size of what was copied."""


def open_folder(uri: str) -> Folder:
    """The folder behind a `file://` or `s3://` URI. Nothing is read or written yet."""
    from springtide_workloads.artifacts.file_folder import FileFolder
    from springtide_workloads.artifacts.filesystems import open_filesystem
    from springtide_workloads.artifacts.object_folder import ObjectFolder

    if uri.startswith("file://"):
        return FileFolder(Path(uri.removeprefix("file://")))
    filesystem, path = open_filesystem(uri)
    return ObjectFolder(filesystem, path)


class ArtifactStore:
    """Content-addressed folders and the documents that point to them.

    section: where the folders lie, below the root.
    """

    def __init__(self, uri: str, *, section: str = MODELS) -> None:
        self.uri = uri.rstrip("/")
        self._section = section
        self._place = f"the artifact store {self.uri}"
        with storage_errors(self._place, missing=Reason.ACCESS_DENIED):
            self._root = open_folder(self.uri)

    def check_writable(self) -> None:
        """Writes a mark; AccessDenied, DiskFull or StoreUnavailable where that fails."""
        self.write_document(WRITABLE, b"")

    def uri_of(self, digest: str) -> str:
        """Where the folder with this digest lies."""
        return f"{self.uri}/{self._folder_of(digest)}"

    def publish(self, source: Path, *, manifest: Manifest) -> str:
        """Publishes a local folder and returns its URI. What is there already and undamaged is not written again."""
        name = self._folder_of(manifest.digest)
        with storage_errors(self._place, missing=Reason.ACCESS_DENIED):
            if self._manifest_is_there(name):
                try:
                    self.verify(manifest.digest)
                except WorkloadError as error:
                    if error.reason != Reason.DIGEST_MISMATCH:
                        raise
                    self._root.discard(name)
                else:
                    return self.uri_of(manifest.digest)
            self._root.publish(name, source=source, manifest=manifest)
        return self.uri_of(manifest.digest)

    def verify(self, digest: str) -> Manifest:
        """Reads every byte of a published folder; `DigestMismatch` where it is not what its digest says."""
        return self._read(digest, target=None)

    def fetch(self, digest: str, *, target: Path) -> Manifest:
        """Copies a published folder to the local disk, verifying it on the way."""
        return self._read(digest, target=target)

    def _read(self, digest: str, *, target: Path | None) -> Manifest:
        name = self._folder_of(digest)
        with storage_errors(self.uri_of(digest), missing=Reason.DIGEST_MISMATCH):
            text = self._root.read(f"{name}/{MANIFEST}")
            manifest = decode_manifest(text, digest=digest, place=self.uri_of(digest))
            for file in manifest.files:
                path = f"{name}/{file.name}"
                found = (
                    self._root.stat_and_digest(path)
                    if target is None
                    else self._root.fetch(path, target=target / file.name)
                )
                check_file(file, found, place=f"{self.uri}/{path}")
            if target is not None:
                (target / MANIFEST).write_bytes(text)
        return manifest

    def read_document(self, name: str) -> bytes | None:
        """A document, or None where there is none."""
        with storage_errors(self._place, missing=Reason.ACCESS_DENIED):
            try:
                return self._root.read(name)
            except FileNotFoundError:
                return None

    def write_document(self, name: str, data: bytes) -> None:
        """Replaces a document."""
        with storage_errors(self._place, missing=Reason.ACCESS_DENIED):
            self._root.write(name, data)

    def read_file(self, digest: str, name: str) -> bytes | None:
        """A small file of a published folder, as it lies there; None where it or the folder is missing."""
        return self.read_document(f"{self._folder_of(digest)}/{name}")

    def remove(self, digest: str) -> bool:
        """Removes a published folder, its manifest first; whether there was one."""
        with storage_errors(self._place, missing=Reason.ACCESS_DENIED):
            return self._root.remove(self._folder_of(digest))

    def _folder_of(self, digest: str) -> str:
        return f"{self._section}/{digest.replace(':', '-')}"

    def _manifest_is_there(self, name: str) -> bool:
        try:
            self._root.read(f"{name}/{MANIFEST}")
        except FileNotFoundError:
            return False
        return True


def open_section(store_uri: str, place: str, *, field: str) -> ArtifactStore:
    """The store, with its folders at `place`. Raises InvalidSpec where that is not in it.

    field: what the task calls the place.
    """
    root, below = store_uri.rstrip("/"), place.rstrip("/")
    if not below.startswith(f"{root}/"):
        raise WorkloadError(Reason.INVALID_SPEC, f"{field} {place} is not below storeUri {store_uri}")
    return ArtifactStore(root, section=below.removeprefix(f"{root}/"))


def decode_manifest(text: bytes, *, digest: str, place: str) -> Manifest:
    """The manifest in `text`, whose digest must be `digest`."""
    from springtide_workloads.artifacts.digests import digest_of

    if digest_of(text) != digest:
        raise WorkloadError(
            Reason.DIGEST_MISMATCH, f"{place}/{MANIFEST} has {digest_of(text)}, but its name says {digest}"
        )
    return Manifest.model_validate_json(text)


def check_file(file: File, found: tuple[str, int], *, place: str) -> None:
    """Raises DigestMismatch where what was found, digest and size, is not what the manifest says."""
    if found != (file.sha256, file.size):
        raise WorkloadError(
            Reason.DIGEST_MISMATCH,
            f"{place} has {found[1]} bytes with {found[0]}, but the manifest says {file.size} bytes with {file.sha256}",
        )


def fetch_files(uri: str, manifest: Manifest, *, target: Path) -> None:
    """Copies the files of the folder at a URI to the local disk. Raises DigestMismatch."""
    with storage_errors(uri, missing=Reason.DIGEST_MISMATCH):
        folder = open_folder(uri)
        for file in manifest.files:
            found = folder.fetch(file.name, target=target / file.name)
            check_file(file, found, place=f"{uri}/{file.name}")


def write_document(uri: str, data: bytes) -> None:
    """Replaces the document at a URI at once."""
    parent, _, name = uri.rpartition("/")
    with storage_errors(uri, missing=Reason.ACCESS_DENIED):
        open_folder(parent).write(name, data)


def read_document(uri: str) -> bytes | None:
    """The document at a URI, or None where there is none."""
    parent, _, name = uri.rpartition("/")
    with storage_errors(uri, missing=Reason.RESULT_LOST):
        try:
            return open_folder(parent).read(name)
        except FileNotFoundError:
            return None

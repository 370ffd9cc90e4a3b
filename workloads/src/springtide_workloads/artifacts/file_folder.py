"""A folder on a disk or a mounted volume. Publishing is one rename; everything is on the disk before it."""

import contextlib
import errno
import os
import shutil
import time
import uuid
from pathlib import Path

from springtide_workloads.artifacts.digests import digest_of_file, digest_of_stream
from springtide_workloads.artifacts.manifest import MANIFEST, Manifest

SCRATCH = ".scratch"
LEFTOVER_SECONDS = 86_400
"""What lies in the scratch folder for longer was left by a process that was killed."""


class FileFolder:
    """See `store.Folder`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, name: str) -> bytes:
        return (self._root / name).read_bytes()

    def write(self, name: str, data: bytes) -> None:
        path = self._root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        try:
            _write_durably(scratch, data)
            scratch.replace(path)
        except OSError:
            scratch.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)

    def publish(self, name: str, *, source: Path, manifest: Manifest) -> None:
        self._remove_leftovers()
        scratch = self._root / SCRATCH / uuid.uuid4().hex
        try:
            self._fill(scratch, source=source, manifest=manifest)
            target = self._root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            self._rename(scratch, target)
            _sync_folder(target.parent)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def discard(self, name: str) -> None:
        grave = self._root / SCRATCH / uuid.uuid4().hex
        grave.parent.mkdir(parents=True, exist_ok=True)
        (self._root / name).rename(grave)  # at once: no reader sees it half removed
        shutil.rmtree(grave, ignore_errors=True)

    def remove(self, name: str) -> bool:
        if not (self._root / name).is_dir():
            return False
        self.discard(name)
        return True

    def stat_and_digest(self, name: str) -> tuple[str, int]:
        return digest_of_file(self._root / name)

    def fetch(self, name: str, *, target: Path) -> tuple[str, int]:
        target.parent.mkdir(parents=True, exist_ok=True)
        with (self._root / name).open("rb") as stream, target.open("wb") as copy:
            return digest_of_stream(stream, sink=copy.write)

    def _fill(self, scratch: Path, *, source: Path, manifest: Manifest) -> None:
        folders = {scratch}
        for file in manifest.files:
            path = scratch / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            folders.add(path.parent)
            with (source / file.name).open("rb") as original, path.open("wb") as copy:
                shutil.copyfileobj(original, copy, 1 << 20)
                copy.flush()
                os.fsync(copy.fileno())
        _write_durably(scratch / MANIFEST, manifest.encode())
        for folder in folders:
            _sync_folder(folder)

    def _rename(self, scratch: Path, target: Path) -> None:
        try:
            scratch.rename(target)
        except OSError as error:
            # Another process published the same content in the meantime: it has the same name because it is the same.
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                raise
            if not (target / MANIFEST).exists():  # not one of ours: publishing never leaves a folder without it
                self.discard(str(target.relative_to(self._root)))
                scratch.rename(target)

    def _remove_leftovers(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            for path in (self._root / SCRATCH).iterdir():
                with contextlib.suppress(OSError):
                    if time.time() - path.stat().st_mtime > LEFTOVER_SECONDS:
                        shutil.rmtree(path, ignore_errors=True)


def _write_durably(path: Path, data: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""A prefix in an object store. There is no rename: the manifest comes last, and only if nobody else wrote it."""

import contextlib
from pathlib import Path
from typing import Any, cast

from springtide_workloads.artifacts.digests import digest_of_stream
from springtide_workloads.artifacts.manifest import MANIFEST, Manifest

PART = 16 << 20


class ObjectFolder:
    """See `store.Folder`. A folder without its manifest is not there: readers look for the manifest first."""

    def __init__(self, filesystem: Any, root: str) -> None:
        self._filesystem = filesystem
        self._root = root.rstrip("/")

    def read(self, name: str) -> bytes:
        return cast("bytes", self._filesystem.cat_file(self._path(name)))

    def write(self, name: str, data: bytes) -> None:
        self._filesystem.pipe_file(self._path(name), data)

    def publish(self, name: str, *, source: Path, manifest: Manifest) -> None:
        for file in manifest.files:
            self._filesystem.put_file(str(source / file.name), self._path(f"{name}/{file.name}"), chunksize=PART)
        with contextlib.suppress(FileExistsError):  # by another process, with the same content: the name says so
            self._filesystem.pipe_file(self._path(f"{name}/{MANIFEST}"), manifest.encode(), mode="create")

    def discard(self, name: str) -> None:
        self._filesystem.rm_file(self._path(f"{name}/{MANIFEST}"))  # the files are overwritten by `publish`

    def remove(self, name: str) -> bool:
        paths = self._filesystem.find(self._path(name))
        manifest = self._path(f"{name}/{MANIFEST}")
        for path in sorted(paths, key=lambda path: str(path) != manifest):
            with contextlib.suppress(FileNotFoundError):  # somebody else removes it, too
                self._filesystem.rm_file(path)
        return bool(paths)

    def stat_and_digest(self, name: str) -> tuple[str, int]:
        with self._filesystem.open(self._path(name), "rb", block_size=PART, cache_type="readahead") as stream:
            return digest_of_stream(stream)

    def fetch(self, name: str, *, target: Path) -> tuple[str, int]:
        target.parent.mkdir(parents=True, exist_ok=True)
        with (
            self._filesystem.open(self._path(name), "rb", block_size=PART, cache_type="readahead") as stream,
            target.open("wb") as copy,
        ):
            return digest_of_stream(stream, sink=copy.write)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

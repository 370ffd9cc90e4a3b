"""A program that publishes a folder and kills itself at its n-th call of the operating system that changes anything.

    publish_steps.py STORE SOURCE N        N = 0: never; the number of such calls is printed

Killed by SIGKILL before the call. A partial write is another such moment: writes are cut in two.
"""

import io
import os
import signal
import sys
from pathlib import Path
from typing import Any

from springtide_workloads.artifacts.manifest import Input, describe_folder
from springtide_workloads.artifacts.store import ArtifactStore

steps: list[None] = []


def step(last: int) -> None:
    """One more call; the last one of this life does not happen."""
    steps.append(None)
    if len(steps) == last:
        os.kill(os.getpid(), signal.SIGKILL)


def watch(last: int) -> None:
    """Counts what changes the disk: opening for writing, writing, syncing, making, renaming and removing."""

    def counting(original: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            step(last)
            return original(*arguments, **named)

        return call

    for name in ("mkdir", "rename", "replace", "unlink", "rmdir", "fsync"):
        setattr(os, name, counting(getattr(os, name)))
    plain_open = io.open

    def watched_open(path: Any, mode: str = "r", *arguments: Any, **named: Any) -> Any:
        if "w" not in mode:
            return plain_open(path, mode, *arguments, **named)
        step(last)
        stream = plain_open(path, mode, buffering=0)
        return _CutInTwo(stream, last)

    io.open = watched_open  # type: ignore[assignment]


class _CutInTwo:
    """A file whose writes can be interrupted in the middle."""

    def __init__(self, stream: Any, last: int) -> None:
        self._stream, self._last = stream, last

    def write(self, data: bytes) -> int:
        half = len(data) // 2
        for part in (data[:half], data[half:]):
            step(self._last)
            self._stream.write(part)
        return len(data)

    def __enter__(self) -> "_CutInTwo":
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


if __name__ == "__main__":
    store_uri, source, last = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    manifest = describe_folder(
        source, kind="Model", schema=(), inputs=(Input(name="data", digest=f"sha256:{'0' * 64}"),)
    )
    watch(last)
    store = ArtifactStore(store_uri)
    store.publish(source, manifest=manifest)
    store.write_document("memo/pointer.json", manifest.digest.encode())
    print(len(steps))

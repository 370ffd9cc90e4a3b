"""Which files of an inference log are too old to be kept, by when they were written: event times may be of any year."""

import contextlib
from datetime import datetime
from typing import Any

from springtide.api.constants import Reason

from springtide_workloads.artifacts.filesystems import open_filesystem
from springtide_workloads.errors import storage_errors


def remove_old_files(uri: str, *, before: float) -> int:
    """Removes what was written before a time, in seconds since the epoch; returns how many files.

    Unfinished files that a server left behind go in the same way. Raises AccessDenied, StoreUnavailable.
    """
    with storage_errors(uri, missing=Reason.STORE_UNAVAILABLE):
        filesystem, root = open_filesystem(uri)
        found: dict[str, dict[str, Any]] = filesystem.find(root, detail=True)
        old = [path for path, about in found.items() if _written(about) < before]
        for path in old:
            with contextlib.suppress(FileNotFoundError):  # another server of the model was quicker
                filesystem.rm_file(path)
    return len(old)


def _written(about: dict[str, Any]) -> float:
    when = about.get("mtime", about.get("LastModified"))
    return when.timestamp() if isinstance(when, datetime) else float(when or "inf")

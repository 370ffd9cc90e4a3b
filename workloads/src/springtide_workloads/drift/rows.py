"""Where a monitor's rows lie: the files of a Dataset's snapshot, or the inference log of a ModelService."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from springtide.api.constants import Reason

from springtide_workloads.artifacts.filesystems import open_filesystem
from springtide_workloads.data.listing import PARQUET
from springtide_workloads.data.source import DataFile
from springtide_workloads.drift.windows import HOUR, as_microseconds
from springtide_workloads.errors import storage_errors

LOG_TIME = "time"
LOG_REQUEST, LOG_ROW = "request_id", "row"
LOG_MODEL = "model_digest"
LOG_SCORE = "prediction"
PART = 16 << 20


@dataclass(frozen=True)
class RowFile:
    """One Parquet file. size: in bytes. start: no row has an earlier event time; None: nothing is known of that."""

    name: str
    path: str
    size: int
    start: int | None = None


class Rows(Protocol):
    """Files of rows."""

    @property
    def is_log(self) -> bool:
        """Whether they were written by model servers: the columns of the inference log are there."""

    def files(self, *, after: int | None) -> tuple[RowFile, ...]:
        """Those that may have event times from `after` on, the oldest first as far as that is known."""

    def open(self, file: RowFile) -> AbstractContextManager[Path]:
        """The file on this machine. Raises DataNotFound where it is gone, AccessDenied, StoreUnavailable."""


def files_between(rows: Rows, *, start: int | None, end: int) -> tuple[RowFile, ...]:
    """Those that may have event times in [start, end), as far as that is known; start None: all until `end`."""
    return tuple(file for file in rows.files(after=start) if file.start is None or file.start < end)


class SnapshotRows:
    """The verified files of a snapshot. See `Rows`."""

    is_log = False

    def __init__(self, files: tuple[DataFile, ...]) -> None:
        self._files = {file.name: file for file in files}

    def files(self, *, after: int | None) -> tuple[RowFile, ...]:  # noqa: ARG002  # only reading tells the times
        return tuple(RowFile(name, str(file.path), file.size) for name, file in self._files.items())

    def open(self, file: RowFile) -> AbstractContextManager[Path]:
        return nullcontext(self._files[file.name].path)


class LogRows:
    """An inference log: `date=YYYY-MM-DD/hour=HH/*.parquet`, by event time in UTC. See `Rows`.

    What has another name is no part of it: a server writes a file under a hidden name and then renames it. A log that
    is not there yet has no files.
    """

    is_log = True

    def __init__(self, uri: str, *, scratch: Path) -> None:
        self._uri = uri.rstrip("/")
        self._scratch = scratch
        with storage_errors(self._uri, missing=Reason.DATA_NOT_FOUND):
            self._filesystem, self._root = open_filesystem(self._uri)

    def files(self, *, after: int | None) -> tuple[RowFile, ...]:
        with storage_errors(self._uri, missing=Reason.DATA_NOT_FOUND):
            return tuple(self._list(after=after))

    @contextmanager
    def open(self, file: RowFile) -> Iterator[Path]:
        if self._uri.startswith("file://"):
            yield Path(file.path)
            return
        target = self._scratch / file.name.replace("/", "-")
        with storage_errors(f"{self._uri}/{file.name}", missing=Reason.DATA_NOT_FOUND):
            self._filesystem.get_file(file.path, str(target), chunksize=PART)
        try:
            yield target
        finally:
            target.unlink(missing_ok=True)

    def _list(self, *, after: int | None) -> Iterator[RowFile]:
        """Folder by folder: those that are too old are not even listed."""
        for day, day_name in self._folders(self._root, read=_date):
            if after is not None and day + 24 * HOUR <= after:
                continue
            for hour, hour_name in self._folders(f"{self._root}/{day_name}", read=_hour):
                start = day + hour
                if after is not None and start + HOUR <= after:
                    continue
                for name, size in self._entries(f"{self._root}/{day_name}/{hour_name}", kind="file"):
                    if name.endswith(PARQUET) and not name.startswith((".", "_")):
                        path = f"{day_name}/{hour_name}/{name}"
                        yield RowFile(path, f"{self._root}/{path}", size, start)

    def _folders(self, folder: str, *, read: Callable[[str], int | None]) -> list[tuple[int, str]]:
        found = [(read(name), name) for name, _ in self._entries(folder, kind="directory")]
        return sorted((value, name) for value, name in found if value is not None)

    def _entries(self, folder: str, *, kind: str) -> list[tuple[str, int]]:
        """Names and sizes."""
        try:
            found: list[dict[str, Any]] = self._filesystem.ls(folder, detail=True)
        except FileNotFoundError:
            return []
        return sorted(
            (entry["name"].rstrip("/").rpartition("/")[2], entry["size"] or 0)
            for entry in found
            if entry["type"] == kind
        )


def _date(name: str) -> int | None:
    try:
        return as_microseconds(datetime.strptime(name, "date=%Y-%m-%d").replace(tzinfo=UTC))
    except ValueError:
        return None


def _hour(name: str) -> int | None:
    try:
        return datetime.strptime(name, "hour=%H").replace(tzinfo=UTC).hour * HOUR
    except ValueError:
        return None

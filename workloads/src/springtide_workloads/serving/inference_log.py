"""What was asked and answered, written down as Parquet for those who watch the model: never at a request's expense.

Requests hand their arrays over and go on. One thread makes files of them, for a thirtieth of the time at most; what is
more than that, or than the queue holds, is dropped and counted, and the files of its hour tell of it. A store that is
away costs nothing as long as the queue has room: its rows are written when it is back.
"""

import hashlib
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from springtide.api.constants import Reason
from springtide.api.serving import InferenceLogging

from springtide_workloads.artifacts.store import open_folder
from springtide_workloads.errors import WorkloadError, storage_errors
from springtide_workloads.process.logs import log
from springtide_workloads.serving.log_file import HOUR, Model, encode_file
from springtide_workloads.serving.log_losses import MINUTE
from springtide_workloads.serving.log_retention import remove_old_files
from springtide_workloads.serving.tensors import Rows

QUEUE_BYTES = 64 << 20
FILE_BYTES = 16 << 20
"""A file is begun before its time when so much waits: smaller ones cost more for each row."""
MINUTES_TOLD = 1440
"""With losses that no file has told of yet. Event times are the clients' to choose, and may be of any year."""
SHARE = 1 / 30
"""Of the time, that the thread is at work at most."""
LEFTOVERS_SECONDS = 3600.0
"""How often files are looked for that are old enough to go."""

Outcome = Literal["written", "dropped"]


@dataclass(frozen=True)
class Answered:
    """A request that was answered. time: its event time, microseconds since the epoch. scores: (rows,)."""

    request: str
    time: int
    rows: Rows
    scores: npt.NDArray[np.float64]

    @property
    def size(self) -> int:
        """About so many bytes."""
        return self.rows.nbytes + self.scores.nbytes


class InferenceLog:
    """The log of one server. count: told how many rows were written or dropped."""

    def __init__(self, logging: InferenceLogging, *, model: Model, count: Callable[[int, Outcome], None]) -> None:
        self._logging = logging
        self._model = model
        self._count = count
        self._names = f"{uuid.uuid4().hex[:12]}-{{:06}}.parquet"
        self._files = 0
        self._queue: deque[Answered] = deque()
        self._bytes = 0
        self._dropped: Counter[int] = Counter()
        self._changed = threading.Condition()
        self._closed = False
        self._is_failing = False
        self._spent = 0.0
        self._thread = threading.Thread(target=self._run, name="inference-log", daemon=True)
        self._thread.start()

    def wants(self, request: str) -> bool:
        """Whether a request is in the sample. All servers decide alike."""
        place = int.from_bytes(hashlib.blake2b(request.encode("utf-8", "replace"), digest_size=4).digest())
        return place < self._logging.sample_fraction * (1 << 32)

    def offer(self, answered: Answered) -> None:
        """Takes a request, or drops it. Returns at once."""
        with self._changed:
            if self._bytes + answered.size > QUEUE_BYTES:
                self._drop([answered])
                return
            self._queue.append(answered)
            self._bytes += answered.size
            if self._bytes >= FILE_BYTES:
                self._changed.notify()

    def close(self, *, seconds: float) -> None:
        """Writes what waits, for at most so long."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(seconds)

    def _run(self) -> None:
        looked = -LEFTOVERS_SECONDS
        while True:
            taken, closed = self._take()
            self._spent = 0.0
            self._write(taken, is_last=closed)
            if closed:
                return
            if time.monotonic() - looked > LEFTOVERS_SECONDS:
                looked = time.monotonic()
                self._remove_old()
            self._rest(self._spent * (1 / SHARE - 1))

    def _take(self) -> tuple[list[Answered], bool]:
        """All that waits, when it is time, and whether nothing more will come."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or (self._bytes >= FILE_BYTES and not self._is_failing),
                self._logging.flush_seconds,
            )
            taken, self._queue = list(self._queue), deque()
            return taken, self._closed

    def _rest(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed, seconds)

    def _write(self, taken: list[Answered], *, is_last: bool) -> None:
        for hour, answered in _by_hour(taken, hours=self._hours_with_losses()).items():
            rows = sum(one.scores.size for one in answered)
            try:
                self._write_file(hour, answered)
            except WorkloadError as error:
                self._fail(error.message)
                if not is_last:
                    self._put_back(answered)
                    continue
                self._drop(answered)
            except Exception:  # noqa: BLE001  # the server and its log go on
                log.exception("rows could not be written down; this is a defect of the server", rows=rows)
                self._drop(answered)
            else:
                self._is_failing = False
                self._count(rows, "written")
            self._let_go(answered)

    def _write_file(self, hour: int, answered: list[Answered]) -> None:
        folder = time.strftime("date=%Y-%m-%d/hour=%H", time.gmtime(hour * HOUR // 1_000_000))
        dropped = self._dropped_in(hour)
        began = time.monotonic()
        data = encode_file(
            [one.request for one in answered],
            np.array([one.time for one in answered], dtype=np.int64),
            [one.rows for one in answered],
            [one.scores for one in answered],
            model=self._model,
            dropped=dropped,
        )
        # With the wait for a processor: where that is scarce, the thread would otherwise take much of what there is.
        self._spent += time.monotonic() - began
        began = time.thread_time()  # without the wait for the store
        with storage_errors(self._logging.uri, missing=Reason.STORE_UNAVAILABLE):
            open_folder(self._logging.uri).write(f"{folder}/{self._names.format(self._files)}", data)
        self._spent += time.thread_time() - began
        self._files += 1
        with self._changed:
            self._dropped -= Counter(dropped)

    def _drop(self, answered: Iterable[Answered]) -> None:
        with self._changed:
            for one in answered:
                self._count(one.scores.size, "dropped")
                minute = one.time // MINUTE
                if minute in self._dropped or len(self._dropped) < MINUTES_TOLD:
                    self._dropped[minute] += one.scores.size

    def _hours_with_losses(self) -> list[int]:
        """Of which no file has told yet."""
        with self._changed:
            return sorted({minute * MINUTE // HOUR for minute in self._dropped})

    def _dropped_in(self, hour: int) -> dict[int, int]:
        """Rows by minute, of which no file has told yet."""
        with self._changed:
            return {minute: rows for minute, rows in self._dropped.items() if minute * MINUTE // HOUR == hour}

    def _put_back(self, answered: Iterable[Answered]) -> None:
        with self._changed:
            self._queue.extendleft(reversed(list(answered)))

    def _let_go(self, answered: Iterable[Answered]) -> None:
        with self._changed:
            self._bytes -= sum(one.size for one in answered)

    def _fail(self, message: str) -> None:
        """Told once, not each time that it is tried again."""
        if not self._is_failing:
            log.warning("the inference log cannot be written; it is tried again", reason=message)
        self._is_failing = True

    def _remove_old(self) -> None:
        try:
            remove_old_files(self._logging.uri, before=time.time() - self._logging.retention_seconds)
        except WorkloadError as error:
            log.warning("old files of the inference log could not be removed", reason=error.message)


def _by_hour(answered: Iterable[Answered], *, hours: Iterable[int]) -> dict[int, list[Answered]]:
    """Requests by the hour of their event time. hours: are there even where they have none."""
    found: dict[int, list[Answered]] = {hour: [] for hour in hours}
    for one in answered:
        found.setdefault(one.time // HOUR, []).append(one)
    return found

"""What was asked and answered, written down as Parquet for those who watch the model: never at a request's expense.

Requests hand their rows over and go on. One thread makes files of them, for about a hundredth of the time; what is
more than that, or than the blocks hold, is dropped and counted, and the files of its hour tell of it. A store that is
away costs nothing as long as there is room: its rows are written when it is back.
"""

import hashlib
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Literal

from springtide.api.constants import Reason
from springtide.api.serving import InferenceLogging

from springtide_workloads.artifacts.store import open_folder
from springtide_workloads.errors import WorkloadError, storage_errors
from springtide_workloads.process.logs import log
from springtide_workloads.serving.log_block import Answered, Block, LoggedRows
from springtide_workloads.serving.log_file import Model, encode_file
from springtide_workloads.serving.log_losses import HOUR, MINUTE
from springtide_workloads.serving.log_retention import remove_old_files

BLOCKS, BLOCK_BYTES = 4, 16 << 20
"""A file is begun before its time when a block is full: smaller ones cost more for each row."""
MINUTES_TOLD = 1440
"""With losses that no file has told of yet. Event times are the clients' to choose, and may be of any year."""
SHARE = 1 / 100
"""Of the time, that the thread is at work at most ..."""
LONGEST_REST = 10.0
"""... unless it would be idle for longer than so many seconds: rows must not come after their window was judged."""
LEFTOVERS_SECONDS = 3600.0
"""How often files are looked for that are old enough to go."""

Outcome = Literal["written", "dropped"]


class InferenceLog:
    """The log of one server. count: told how many rows were written or dropped."""

    def __init__(self, logging: InferenceLogging, *, model: Model, count: Callable[[int, Outcome], None]) -> None:
        self._logging = logging
        self._model = model
        self._count = count
        self._names = f"{uuid.uuid4().hex[:12]}-{{:06}}.parquet"
        self._files = 0
        self._full: deque[Block] = deque()
        self._free: list[Block] = []
        self._blocks = 0
        self._open = self._empty_block()
        self._dropped: Counter[int] = Counter()
        self._changed = threading.Condition()
        self._closed = False
        self._is_failing = False
        self._spent = 0.0
        self._thread = threading.Thread(target=self._run, name="inference-log", daemon=True)
        self._thread.start()

    def wants(self, request: str) -> bool:
        """Whether a request is in the sample. All servers decide alike."""
        if self._logging.sample_fraction >= 1:
            return True
        place = int.from_bytes(hashlib.blake2b(request.encode("utf-8", "replace"), digest_size=4).digest())
        return place < self._logging.sample_fraction * (1 << 32)

    def offer(self, answered: Answered) -> None:
        """Takes a request, or drops it. Returns at once."""
        with self._changed:
            if answered.scores.size <= self._open.room:
                self._open.add(answered, first=0)
            elif answered.scores.size <= self._room():
                self._spread(answered)
            else:
                self._drop({answered.time // MINUTE: answered.scores.size})

    def close(self, *, seconds: float) -> None:
        """Writes what waits, for at most so long."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(seconds)

    def _spread(self, answered: Answered) -> None:
        """Over several blocks."""
        added = 0
        while added < answered.scores.size:
            if not self._open.room:
                self._full.append(self._open)
                self._open = self._empty_block()
                self._changed.notify()
            added += self._open.add(answered, first=added)

    def _empty_block(self) -> Block:
        if self._free:
            return self._free.pop()
        self._blocks += 1
        return Block.of_bytes(self._model.signature, BLOCK_BYTES)

    def _room(self) -> int:
        """For so many rows."""
        empty = len(self._free) + BLOCKS - self._blocks
        return self._open.room + empty * self._open.size

    def _run(self) -> None:
        looked = -LEFTOVERS_SECONDS
        while True:
            block, closed = self._take()
            self._spent = 0.0
            self._write(block, is_last=closed)
            if closed and block is None:
                return
            if time.monotonic() - looked > LEFTOVERS_SECONDS:
                looked = time.monotonic()
                self._remove_old()
            self._rest(min(self._spent * (1 / SHARE - 1), LONGEST_REST))

    def _take(self) -> tuple[Block | None, bool]:
        """The oldest block that has rows, when it is time, and whether nothing more will come."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or (self._full and not self._is_failing), self._logging.flush_seconds
            )
            if self._full:
                return self._full.popleft(), self._closed
            if not self._open.rows:
                return None, self._closed
            taken, self._open = self._open, self._empty_block()
            return taken, self._closed

    def _rest(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed, seconds)

    def _write(self, block: Block | None, *, is_last: bool) -> None:
        """A file for each hour of the block, and for each that lost rows."""
        found, failed = block.by_hour() if block else {}, set()
        for hour in sorted(found.keys() | self._hours_with_losses()):
            rows = found.get(hour) or Block(self._model.signature, rows=0).all()
            try:
                self._write_file(hour, rows)
            except WorkloadError as error:
                self._fail(error.message)
                if is_last:
                    self._drop(rows.by_minute())
                else:
                    failed.add(hour)
            except Exception:  # noqa: BLE001  # the server and its log go on
                log.exception("rows could not be written down; this is a defect of the server", rows=rows.times.size)
                self._drop(rows.by_minute())
            else:
                self._is_failing = False
                self._count(rows.times.size, "written")
        if block:
            block.keep(failed)
            self._put_back(block)

    def _write_file(self, hour: int, rows: LoggedRows) -> None:
        folder = time.strftime("date=%Y-%m-%d/hour=%H", time.gmtime(hour * HOUR // 1_000_000))
        dropped = self._dropped_in(hour)
        began = time.monotonic()
        data = encode_file(rows, model=self._model, dropped=dropped)
        # With the wait for a processor: where that is scarce, the thread would otherwise take much of what there is.
        self._spent += time.monotonic() - began
        began = time.thread_time()  # without the wait for the store
        with storage_errors(self._logging.uri, missing=Reason.STORE_UNAVAILABLE):
            open_folder(self._logging.uri).write(f"{folder}/{self._names.format(self._files)}", data)
        self._spent += time.thread_time() - began
        self._files += 1
        with self._changed:
            self._dropped -= Counter(dropped)

    def _put_back(self, block: Block) -> None:
        """Rows that could not be written are the next to be tried, and more may come to them."""
        with self._changed:
            if not block.rows:
                self._free.append(block)
            elif self._open.rows:
                self._full.appendleft(block)
            else:
                self._free.append(self._open)
                self._open = block

    def _drop(self, minutes: Mapping[int, int]) -> None:
        """minutes: rows by minute of event time."""
        with self._changed:
            for minute, rows in minutes.items():
                self._count(rows, "dropped")
                if minute in self._dropped or len(self._dropped) < MINUTES_TOLD:
                    self._dropped[minute] += rows

    def _hours_with_losses(self) -> set[int]:
        """Of which no file has told yet."""
        with self._changed:
            return {minute * MINUTE // HOUR for minute in self._dropped}

    def _dropped_in(self, hour: int) -> dict[int, int]:
        """Rows by minute, of which no file has told yet."""
        with self._changed:
            return {minute: rows for minute, rows in self._dropped.items() if minute * MINUTE // HOUR == hour}

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

"""The work queue: client-go's semantics, in asyncio.

A key is in the queue at most once and is never worked on twice at the same time: what is added while a worker has it
is handed out again when that worker is done. Timed additions keep the earliest time.
"""

import asyncio
import heapq
import random
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

FIRST_DELAY = 0.2
LONGEST_DELAY = 60.0
JITTER = 0.2


class WorkQueue(Generic[K]):
    """A queue of keys. monotonic: seconds of a clock that only goes forward."""

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._ready: dict[K, float] = {}  # in the order of arrival, with its time
        self._processing: dict[K, float] = {}
        self._again: set[K] = set()
        self._due: dict[K, float] = {}
        self._timers: list[tuple[float, int, K]] = []
        self._sequence = 0
        self._failures: dict[K, int] = {}
        self._handed_out = monotonic()
        self._changed = asyncio.Event()
        self._closed = False

    def __len__(self) -> int:
        return len(self._ready)

    def add(self, key: K) -> None:
        """Hand the key to a worker as soon as there is one."""
        self._due.pop(key, None)
        if key in self._processing:
            self._again.add(key)
        elif key not in self._ready:
            self._ready[key] = self._monotonic()
            self._changed.set()

    def add_after(self, key: K, seconds: float) -> None:
        """Add the key after so many seconds, or earlier if it is to be added earlier anyway."""
        due = self._monotonic() + seconds
        if key in self._ready or self._due.get(key, float("inf")) <= due:
            return
        self._due[key] = due
        self._sequence += 1
        heapq.heappush(self._timers, (due, self._sequence, key))
        self._changed.set()

    def retry(self, key: K) -> float:
        """Add the key after a failure: 0.2 s doubling to 60 s, with jitter. Returns the delay in seconds."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        doublings: int = 2 ** min(failures, 16)
        delay = min(FIRST_DELAY * doublings, LONGEST_DELAY)
        delay *= 1 + random.uniform(-JITTER, JITTER)  # noqa: S311  # spreads load, hides nothing
        self.add_after(key, delay)
        return delay

    def forget(self, key: K) -> None:
        """The key has been worked on well: its next failure is its first."""
        self._failures.pop(key, None)

    async def get(self) -> K:
        """The next key; `done` must be called for it."""
        while True:
            self._ripen()
            if self._ready and not self._closed:
                key = next(iter(self._ready))
                del self._ready[key]
                self._processing[key] = self._handed_out = self._monotonic()
                return key
            await self._wait()

    def done(self, key: K) -> None:
        """The worker has finished with the key."""
        del self._processing[key]
        if key in self._again:
            self._again.discard(key)
            self._ready[key] = self._monotonic()
            self._changed.set()

    @property
    def busy(self) -> bool:
        """Whether a worker has a key."""
        return bool(self._processing)

    def close(self) -> None:
        """Hand out nothing more: the process is about to end."""
        self._closed = True

    def oldest_seconds(self) -> float:
        """How long the key that has waited longest has waited, or has been worked on; 0 when idle."""
        now = self._monotonic()
        waiting = next(iter(self._ready.values()), now)
        working = min(self._processing.values(), default=now)
        return now - min(waiting, working)

    def stuck_seconds(self) -> float:
        """For how long nothing has moved: a key is worked on for so long, or keys wait and none was handed out.

        A long queue that moves is not stuck, however old its oldest key.
        """
        now = self._monotonic()
        working = min(self._processing.values(), default=now)
        waiting = max(next(iter(self._ready.values()), now), self._handed_out) if self._ready else now
        return now - min(working, waiting)

    def _ripen(self) -> None:
        now = self._monotonic()
        while self._timers and self._timers[0][0] <= now:
            due, _, key = heapq.heappop(self._timers)
            if self._due.get(key) == due:
                self.add(key)

    async def _wait(self) -> None:
        """Until something is added or the next timer is due."""
        self._changed.clear()
        timeout = self._timers[0][0] - self._monotonic() if self._timers else None
        try:
            async with asyncio.timeout(timeout):
                await self._changed.wait()
        except TimeoutError:
            return

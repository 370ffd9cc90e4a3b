"""One kind of work that several processes share.

Threads would not do for numpy: between any two of its calls they wait for each other's interpreter lock, and two of
them were slower than one.
"""

import os
import pickle
import signal
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process, resource_tracker
from pathlib import Path
from typing import Any, TypeVar

from springtide.api.constants import Reason

from springtide_workloads.errors import WorkloadError
from springtide_workloads.process.cpus import available_cpus

WORTH_A_PROCESS = 128 << 20
"""Bytes to work on that are worth the half second in which a process starts."""
MOST = 4
"""Each process takes some 100 MiB, and a container without a limit sees all processors of its node."""
AHEAD = 2
"""Items that another process has or will have at once, so that it need not wait for this one."""

Asked = TypeVar("Asked")
Found = TypeVar("Found")

_work: Callable[[Any], Any]


def processes_for(size: int) -> int:
    """How many processes are worth it for so many bytes; 1: this one alone."""
    return max(1, min(available_cpus(), MOST, size // WORTH_A_PROCESS))


def in_processes(work: Callable[[Asked], Found], asked: Iterable[Asked], *, processes: int) -> Iterator[Found]:
    """What the work makes of each item, in order. This process is one of them, and works while the others start.

    work: is copied into each other process once. What it raises ends everything; it must be able to be copied back.
    Raises OutOfMemory where another process was killed.
    """
    if processes == 1:
        yield from map(work, asked)
        return
    ahead = (processes - 1) * AHEAD
    begun: deque[Future[Found]] = deque()
    with tempfile.NamedTemporaryFile() as file:
        # By way of a file: each process would be started only when the one before had read its work.
        pickle.dump(work, file)
        file.flush()
        pool = _pool(processes - 1, work=file.name)
        try:
            for one in asked:
                is_free = sum(not future.done() for future in begun) < ahead
                begun.append(pool.submit(_do, one) if is_free else _done(work(one)))
                while begun and (begun[0].done() or len(begun) > 2 * ahead):
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        except BrokenProcessPool as error:
            raise WorkloadError(
                Reason.OUT_OF_MEMORY,
                "a process that helped was killed, most likely for want of memory: raise resources.limits.memory",
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _pool(size: int, *, work: str) -> ProcessPoolExecutor:
    """Processes that start anew: a fork would copy whatever other threads are about to do."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    resource_tracker.ensure_running()  # which lets SIGTERM through, whoever waits for it
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return ProcessPoolExecutor(size, get_context("spawn"), initializer=_begin, initargs=(work,))


def _done(found: Found) -> "Future[Found]":
    future: Future[Found] = Future()
    future.set_result(found)
    return future


def _begin(path: str) -> None:
    global _work  # noqa: PLW0603  # a process of the pool has one work, for as long as it lives
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})  # blocked as in the first process
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _work = pickle.loads(Path(path).read_bytes())  # noqa: S301  # written by the process that started this one


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None, "only processes of a pool begin so"
    parent.join()
    os._exit(1)


def _do(asked: Any) -> Any:
    return _work(asked)

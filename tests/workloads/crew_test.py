"""Work that several processes share: the outcome is that of one process, and so are the errors."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import parent_process
from pathlib import Path

import pytest
from springtide.api.constants import Reason
from springtide_workloads.errors import WorkloadError
from springtide_workloads.process import crew
from springtide_workloads.process.crew import in_processes, processes_for

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Square:
    """Squares numbers, and says in which process; refuses one number."""

    refused: int | None = None

    def __call__(self, number: int) -> tuple[int, int]:
        if number == self.refused:
            raise WorkloadError(Reason.DATA_CORRUPT, f"number {number} is torn")
        return number * number, os.getpid()


@pytest.mark.parametrize("processes", [1, 3])
def test_what_is_found_comes_in_order_from_no_more_processes_than_were_asked_for(processes: int):
    found = list(in_processes(Square(), range(40), processes=processes))
    assert [square for square, _ in found] == [number * number for number in range(40)]
    workers = {process for _, process in found}
    assert os.getpid() in workers, "this one works as well"
    assert 1 <= len(workers) <= processes


@pytest.mark.parametrize(("processes", "refused"), [(1, 3), (2, 0), (2, 3)])
def test_an_error_arrives_as_it_was_raised_and_ends_the_work(processes: int, refused: int):
    asked: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(1_000):
            asked.append(number)
            yield number

    with pytest.raises(WorkloadError, match=f"number {refused} is torn") as failure:
        list(in_processes(Square(refused), numbers(), processes=processes))
    assert failure.value.reason == Reason.DATA_CORRUPT
    assert len(asked) < 10


def die(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_is_killed_is_told_as_a_want_of_memory():
    with pytest.raises(WorkloadError, match=r"raise resources\.limits\.memory") as failure:
        list(in_processes(die, range(2), processes=2))
    assert failure.value.reason == Reason.OUT_OF_MEMORY


def stay(_: int) -> None:
    """Says who works and does not come to an end."""
    say_who_works()
    signal.pause()


def keep_the_first(number: int) -> None:
    """Says who works; only the first process does not come to an end, and the others have nothing more to do."""
    stay(number) if parent_process() is None else say_who_works()


def say_who_works() -> None:
    os.write(1, f"{os.getpid()}\n".encode())  # at once: what `print` writes in two goes mixes with the others' lines


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("work", "seen"), [(stay, 3), (keep_the_first, 2)], ids=["at work", "idle"])
def test_nobody_is_left_behind_when_the_first_process_is_killed(work: Callable[[int], None], seen: int):
    program = (
        f"from tests.workloads.crew_test import {work.__name__} as work;"
        "from springtide_workloads.process.crew import in_processes;"
        "list(in_processes(work, range(100), processes=3))"
    )
    # All of the tree have the one standard output, so it ends when the last of them has ended.
    first = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
    with first:
        assert first.stdout is not None
        workers: set[int] = set()
        while first.pid not in workers or len(workers) < seen:
            workers.add(int(first.stdout.readline()))
        first.kill()
        first.stdout.read()


WAITING_FOR_SIGTERM = """
import math, signal
from springtide_workloads.process.crew import in_processes
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
assert list(in_processes(math.sqrt, [0, 1, 4, 9, 16], processes=2)) == [0, 1, 2, 3, 4]
print(sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())))
"""


def test_who_waits_for_sigterm_still_gets_it():
    done = subprocess.run([sys.executable, "-c", WAITING_FOR_SIGTERM], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str([signal.SIGINT, signal.SIGTERM])


def test_little_is_worth_no_other_process_and_much_as_many_as_there_are_processors(monkeypatch):
    monkeypatch.setattr(crew, "available_cpus", lambda: 4)
    size = crew.WORTH_A_PROCESS
    assert [processes_for(one) for one in (0, size, 2 * size, 100 * size)] == [1, 1, 2, 4]
    monkeypatch.setattr(crew, "available_cpus", lambda: 64)
    assert processes_for(100 * size) == crew.MOST

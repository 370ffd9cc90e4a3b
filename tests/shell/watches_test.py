"""Are the watches alive, and does the process say so when they are not?"""

import asyncio

import pytest
from springtide.shell import health
from springtide.shell.watches import Watches

from tests.core.training_run.world import World
from tests.shell.virtual_time import monotonic, simulate


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watches(clock: Clock) -> Watches:
    return Watches(monotonic=clock)


def test_a_watch_that_delivers_what_the_list_shows_is_alive(watches: Watches, clock: Clock) -> None:
    watches.expect("jobs", 10)
    watches.delivered("jobs", 10)
    clock.now = 300
    watches.expect("jobs", 10)
    assert watches.dead() == []


def test_a_watch_that_owes_the_same_over_two_lists_is_dead(watches: Watches, clock: Clock) -> None:
    watches.expect("jobs", 10)
    clock.now = 300
    watches.expect("jobs", 12)
    assert watches.dead() == ["jobs"]


def test_a_dead_watch_that_delivers_again_is_alive(watches: Watches, clock: Clock) -> None:
    watches.expect("jobs", 10)
    clock.now = 300
    watches.expect("jobs", 12)
    watches.delivered("jobs", 12)
    assert watches.dead() == []


def test_an_object_that_was_deleted_before_the_watch_began_is_not_owed(watches: Watches, clock: Clock) -> None:
    watches.expect("jobs", 10)
    watches.delivered("jobs", 9)
    clock.now = 300
    watches.expect("jobs", 9)
    assert watches.dead() == []


def test_an_idle_watch_is_alive(watches: Watches, clock: Clock) -> None:
    watches.expect("jobs", 0)
    clock.now = 10_000
    watches.expect("jobs", 0)
    assert watches.dead() == []


def test_watches_do_not_answer_for_each_other(watches: Watches, clock: Clock) -> None:
    watches.expect("jobs", 10)
    watches.expect("pods", 11)
    watches.delivered("pods", 11)
    clock.now = 300
    watches.expect("jobs", 10)
    assert watches.dead() == ["jobs"]


def test_the_process_is_unhealthy_when_a_pass_or_a_watch_is_stuck() -> None:
    async def scenario() -> None:
        operator = World().operator
        operator.queue._monotonic = operator.watches._monotonic = monotonic
        operator.queue._handed_out = monotonic()
        assert health.problems(operator) == []
        operator.queue.add("a")  # type: ignore[arg-type]  # any key will do
        operator.watches.expect("jobs", 10)
        await asyncio.sleep(121)
        operator.watches.expect("jobs", 10)
        assert health.problems(operator) == [
            "no key has moved for 121 s though there is work",
            "the watch of jobs delivers nothing",
        ]

    simulate(scenario())

"""The work queue: client-go's semantics."""

import asyncio
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from springtide.shell.queue import WorkQueue

from tests.shell.virtual_time import monotonic, simulate


def test_a_key_that_is_added_twice_is_handed_out_once() -> None:
    async def scenario() -> None:
        queue = _queue()
        queue.add("a")
        queue.add("a")
        assert await queue.get() == "a"
        assert await _nothing_within(queue, 100)

    simulate(scenario())


def test_keys_come_in_the_order_in_which_they_were_added() -> None:
    async def scenario() -> None:
        queue = _queue()
        for key in "abca":
            queue.add(key)
        assert [await queue.get() for _ in range(3)] == ["a", "b", "c"]

    simulate(scenario())


def test_a_key_that_is_added_while_it_is_worked_on_comes_again_after_and_not_before() -> None:
    async def scenario() -> None:
        queue = _queue()
        queue.add("a")
        assert await queue.get() == "a"
        queue.add("a")
        assert await _nothing_within(queue, 100)
        queue.done("a")
        assert await queue.get() == "a"
        queue.done("a")
        assert await _nothing_within(queue, 100)

    simulate(scenario())


def test_the_earliest_of_two_times_counts() -> None:
    async def scenario() -> None:
        queue = _queue()
        queue.add_after("a", 10)
        queue.add_after("a", 3)
        queue.add_after("a", 7)
        assert await queue.get() == "a"
        assert monotonic() == 3
        queue.done("a")
        assert await _nothing_within(queue, 100)

    simulate(scenario())


def test_adding_at_once_overtakes_a_time() -> None:
    async def scenario() -> None:
        queue = _queue()
        queue.add_after("a", 10)
        queue.add("a")
        assert await queue.get() == "a"
        queue.done("a")
        assert await _nothing_within(queue, 100)

    simulate(scenario())


def test_a_time_that_comes_while_the_key_is_worked_on_waits_for_the_worker() -> None:
    async def scenario() -> None:
        queue = _queue()
        queue.add("a")
        await queue.get()
        queue.add_after("a", 1)
        assert await _nothing_within(queue, 5)
        queue.done("a")
        assert await queue.get() == "a"

    simulate(scenario())


def test_failures_are_tried_again_ever_more_slowly_with_jitter() -> None:
    async def scenario() -> list[float]:
        return [_queue().retry("a") for _ in range(50)] + [_retry_many(12)[-1]]

    delays = simulate(scenario())
    assert all(0.16 <= delay <= 0.24 for delay in delays[:50])
    assert len(set(delays[:50])) > 1
    assert 48 <= delays[-1] <= 72


def test_a_key_that_was_worked_on_well_begins_anew() -> None:
    async def scenario() -> float:
        queue = _queue()
        for _ in range(10):
            queue.retry("a")
        queue.forget("a")
        return queue.retry("a")

    assert simulate(scenario()) <= 0.24


def test_after_closing_nothing_is_handed_out() -> None:
    async def scenario() -> None:
        queue = _queue()
        queue.add("a")
        queue.add_after("b", 1)
        queue.close()
        assert await _nothing_within(queue, 100)

    simulate(scenario())


def test_a_worker_that_does_not_return_is_stuck() -> None:
    async def scenario() -> None:
        queue = _queue()
        queue.add("a")
        await queue.get()
        await asyncio.sleep(130)
        assert queue.stuck_seconds() == 130

    simulate(scenario())


def test_keys_that_nobody_takes_are_stuck() -> None:
    async def scenario() -> None:
        queue = _queue()
        await asyncio.sleep(1000)
        assert queue.stuck_seconds() == 0
        queue.add("a")
        await asyncio.sleep(130)
        assert queue.stuck_seconds() == queue.oldest_seconds() == 130

    simulate(scenario())


def test_a_long_queue_that_moves_is_not_stuck() -> None:
    async def scenario() -> None:
        queue = _queue()
        for number in range(300):
            queue.add(f"{number}")
        for _ in range(299):
            key = await queue.get()
            await asyncio.sleep(1)
            queue.done(key)
        assert queue.oldest_seconds() == 299
        assert queue.stuck_seconds() <= 1

    simulate(scenario())


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5), st.integers(0, 3)), max_size=30))
@settings(max_examples=100, deadline=None)
def test_no_key_is_lost_and_none_is_worked_on_twice_at_once(additions: list[tuple[str, int, int]]) -> None:
    """Each addition is (key, when, how long its pass takes); several workers."""

    async def scenario() -> None:
        queue = _queue()
        passes: dict[str, list[tuple[float, float]]] = {}

        async def work() -> None:
            while True:
                key = await queue.get()
                begin = monotonic()
                await asyncio.sleep({key: seconds for key, _, seconds in additions}[key])
                passes.setdefault(key, []).append((begin, monotonic()))
                queue.done(key)

        workers = [asyncio.create_task(work()) for _ in range(3)]
        loop = asyncio.get_running_loop()
        for key, when, _ in additions:
            loop.call_at(when, queue.add, key)
        await asyncio.sleep(1000)
        for worker in workers:
            worker.cancel()
        for key, when, _ in additions:
            assert any(begin >= when for begin, _ in passes[key]), "every addition is followed by a pass"
        for times in passes.values():
            assert all(first[1] <= second[0] for first, second in pairwise(times))

    simulate(scenario())


def _queue() -> WorkQueue[str]:
    return WorkQueue(monotonic=monotonic)


def _retry_many(times: int) -> list[float]:
    queue = _queue()
    return [queue.retry("a") for _ in range(times)]


async def _nothing_within(queue: WorkQueue[str], seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await queue.get()
    except TimeoutError:
        return True
    return False

"""Which replica works: the elector against leases in memory, in virtual time."""

import asyncio
import copy
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from springtide.cluster.client import ApiError
from springtide.cluster.lease import Elector, LeaseLostError, Timing

from tests.shell.virtual_time import monotonic, simulate

DAWN = datetime(2026, 11, 23, tzinfo=UTC)
Fault = Callable[[str], Coroutine[Any, Any, None]]


class Leases:
    """The API server's part: one lease, with optimistic concurrency."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.version = 0
        self.writes: list[tuple[float, str]] = []

    def client(self, *, before: Fault | None = None, after: Fault | None = None) -> Any:
        """A client whose requests may go wrong before they arrive, or after."""
        return _Client(self, before, after)

    def write(self, body: dict[str, Any]) -> dict[str, Any]:
        self.version += 1
        self.lease = copy.deepcopy(body)
        self.lease["metadata"]["resourceVersion"] = str(self.version)
        self.writes.append((monotonic(), body["spec"]["holderIdentity"]))
        return copy.deepcopy(self.lease)

    @property
    def holder(self) -> str:
        return str(self.lease["spec"]["holderIdentity"]) if self.lease else ""


class _Client:
    def __init__(self, leases: Leases, before: Fault | None, after: Fault | None) -> None:
        self._leases, self.before, self.after = leases, before, after

    async def request(self, verb: str, *_: Any, body: Any = None, **__: Any) -> dict[str, Any]:
        await asyncio.sleep(0.01)
        if self.before:
            await self.before(verb)
        answer = self._answer(verb, body)
        if self.after:
            await self.after(verb)
        return answer

    def _answer(self, verb: str, body: Any) -> dict[str, Any]:
        lease = self._leases.lease
        if verb == "create":
            if lease:
                raise ApiError(409, "exists")
            return self._leases.write(body)
        if lease is None:
            raise ApiError(404, "not found")
        if verb == "get":
            return copy.deepcopy(lease)
        if body["metadata"]["resourceVersion"] != lease["metadata"]["resourceVersion"]:
            raise ApiError(409, "modified")
        return self._leases.write(body)


def _candidate(leases: Leases, name: str, *, skew: float = 0, **faults: Fault) -> Elector:
    return Elector(
        leases.client(**faults),
        namespace="system",
        identity=name,
        monotonic=monotonic,
        now=lambda: DAWN + timedelta(seconds=monotonic() + skew),
    )


def test_the_first_candidate_leads_and_keeps_leading() -> None:
    async def scenario() -> None:
        leases = Leases()
        first, second = _candidate(leases, "a"), _candidate(leases, "b")
        await first.acquire()
        holding, waiting = asyncio.create_task(first.hold()), asyncio.create_task(second.acquire())
        await asyncio.sleep(600)
        assert not holding.done()
        assert not waiting.done()
        assert {holder for _, holder in leases.writes} == {"a"}
        await _end(holding, waiting)

    simulate(scenario())


@pytest.mark.parametrize("skew", [-3600, 3600])
def test_wall_clocks_play_no_part(skew: float) -> None:
    async def scenario() -> None:
        leases = Leases()
        first, second = _candidate(leases, "a"), _candidate(leases, "b", skew=skew)
        await first.acquire()
        holding, waiting = asyncio.create_task(first.hold()), asyncio.create_task(second.acquire())
        await asyncio.sleep(120)
        assert not waiting.done()
        await _end(holding, waiting)

    simulate(scenario())


def test_the_lease_of_a_leader_that_died_is_taken_after_its_duration_and_not_before() -> None:
    async def scenario() -> None:
        leases = Leases()
        await _candidate(leases, "a").acquire()
        await _candidate(leases, "b").acquire()
        assert 15 < monotonic() < 15 + 2 * Timing().retry
        assert leases.lease is not None
        assert leases.lease["spec"]["leaseTransitions"] == 1

    simulate(scenario())


def test_a_lease_that_is_released_is_taken_at_once() -> None:
    async def scenario() -> None:
        leases = Leases()
        first, second = _candidate(leases, "a"), _candidate(leases, "b")
        await first.acquire()
        waiting = asyncio.create_task(second.acquire())
        await asyncio.sleep(5)
        await first.release()
        begin = monotonic()
        await waiting
        assert monotonic() - begin <= Timing().retry + 0.1

    simulate(scenario())


def test_who_does_not_lead_releases_nothing() -> None:
    async def scenario() -> None:
        leases = Leases()
        first, second = _candidate(leases, "a"), _candidate(leases, "b")
        await first.acquire()
        waiting = asyncio.create_task(second.acquire())
        await asyncio.sleep(5)
        await _end(waiting)
        await second.release()
        assert leases.holder == "a"

    simulate(scenario())


def test_a_leader_that_is_cut_off_stops_before_another_can_start() -> None:
    async def scenario() -> None:
        leases = Leases()
        cut_at = 20.0

        async def hang(_: str) -> None:
            if monotonic() > cut_at:
                await asyncio.sleep(3600)

        first, second = _candidate(leases, "a", before=hang), _candidate(leases, "b")
        await first.acquire()
        waiting = asyncio.create_task(second.acquire())
        with pytest.raises(LeaseLostError, match="could not be renewed"):
            await first.hold()
        stopped = monotonic()
        await waiting
        assert stopped < monotonic(), "two led at once"
        last = max(at for at, holder in leases.writes if holder == "a")
        assert stopped - last <= Timing().renew_deadline + Timing().request

    simulate(scenario())


def test_a_leader_whose_writes_arrive_but_whose_answers_are_slow_stops_in_time() -> None:
    """The others count from when they see the write, which may be long before its answer is here."""

    async def scenario() -> None:
        leases = Leases()

        async def slow(verb: str) -> None:
            if verb == "update":
                await asyncio.sleep(3.9 if monotonic() < 40 else 3600)

        async def dead(_: str) -> None:
            if monotonic() >= 40:
                await asyncio.sleep(3600)

        first, second = _candidate(leases, "a", after=slow, before=dead), _candidate(leases, "b")
        await first.acquire()
        waiting = asyncio.create_task(second.acquire())
        with pytest.raises(LeaseLostError):
            await first.hold()
        stopped = monotonic()
        await waiting
        assert stopped < monotonic()

    simulate(scenario())


def test_an_answer_that_is_lost_does_not_cost_the_lease() -> None:
    async def scenario() -> None:
        leases = Leases()
        lost: list[str] = []

        async def lose(verb: str) -> None:
            if verb == "update" and len(lost) < 3:
                lost.append(verb)
                raise aiohttp.ServerDisconnectedError

        elector = _candidate(leases, "a", after=lose)
        await elector.acquire()
        holding = asyncio.create_task(elector.hold())
        await asyncio.sleep(100)
        assert not holding.done()
        assert len(lost) == 3
        await _end(holding)

    simulate(scenario())


@pytest.mark.parametrize(
    "trouble", [aiohttp.ServerDisconnectedError(), ConnectionResetError(), TimeoutError(), ApiError(500, "etcd")]
)
def test_a_candidate_waits_through_an_outage(trouble: Exception) -> None:
    async def scenario() -> None:
        leases = Leases()

        async def fail(_: str) -> None:
            if monotonic() < 30:
                raise trouble

        await _candidate(leases, "a", before=fail).acquire()
        assert 30 <= monotonic() < 33
        assert leases.holder == "a"

    simulate(scenario())


def test_a_leader_that_finds_another_in_the_lease_stops_at_once() -> None:
    async def scenario() -> None:
        leases = Leases()
        elector = _candidate(leases, "a")
        await elector.acquire()
        assert leases.lease is not None
        stolen = copy.deepcopy(leases.lease)
        stolen["spec"]["holderIdentity"] = "b"
        leases.write(stolen)
        with pytest.raises(LeaseLostError, match="b holds the lease now"):
            await elector.hold()
        assert monotonic() < 3
        await elector.release()
        assert leases.holder == "b"

    simulate(scenario())


def test_a_leader_that_slept_through_its_deadline_writes_nothing_more() -> None:
    async def scenario() -> None:
        leases = Leases()
        now = [0.0]
        elector = Elector(
            leases.client(), namespace="s", identity="a", monotonic=lambda: monotonic() + now[0], now=lambda: DAWN
        )
        await elector.acquire()
        holding = asyncio.create_task(elector.hold())
        await asyncio.sleep(5)
        writes = len(leases.writes)
        now[0] = 60.0  # the process was stopped for a minute
        with pytest.raises(LeaseLostError):
            await holding
        assert len(leases.writes) == writes

    simulate(scenario())


def test_a_restart_under_the_same_name_leads_at_once() -> None:
    async def scenario() -> None:
        leases = Leases()
        await _candidate(leases, "a").acquire()
        await _candidate(leases, "a").acquire()
        assert monotonic() < 1

    simulate(scenario())


def test_many_candidates_and_one_leader() -> None:
    async def scenario() -> None:
        leases = Leases()
        leading: set[str] = set()
        most = 0

        async def live(name: str) -> None:
            nonlocal most
            for _ in range(5):
                elector = _candidate(leases, name)
                await elector.acquire()
                leading.add(name)
                most = max(most, len(leading))
                holding = asyncio.create_task(elector.hold())
                await asyncio.sleep(7)
                await _end(holding)
                leading.discard(name)
                await elector.release()

        await asyncio.gather(*(live(name) for name in "abcd"))
        assert most == 1
        assert {holder for _, holder in leases.writes} == {"a", "b", "c", "d", ""}

    simulate(scenario())


async def _end(*tasks: "asyncio.Task[None]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)

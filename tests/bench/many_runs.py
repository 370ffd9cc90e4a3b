"""How fast, and at what cost, one thousand TrainingRuns applied at once become Jobs and end; JobSet beside it.

Each side has an API server of its own, fresh, and the sides take turns in going first, because a machine that is warm,
or busy with something else, favours whoever comes at the right moment. The kubelets are played: a pod runs and ends,
with a valid result, as soon as it has a node. So what is measured is the controller, and the cluster around it.
"""

import asyncio
import json
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import api_server
import jobset_side
import springtide_side
from api_server import ApiServer
from figures import Figure
from process import usage

COUNT = 1000
ROUNDS = 3
PARALLEL_CREATES = 50
PATIENCE_SECONDS = 300.0


@dataclass(frozen=True)
class Side:
    """A controller that is measured, started already.

    path: where its objects are created; writes: what it has written so far, by its own metrics; served: what nobody
    but it writes, as (resource, subresource).
    """

    pid: int
    path: str
    manifest: Callable[[int], dict[str, Any]]
    job_of: Callable[[str], str]
    has_ended: Callable[[dict[str, Any]], bool]
    writes: Callable[[], Awaitable[Counter[str]]]
    served: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Outcome:
    """Of one side in one round. Times in seconds from the first create request.

    delays: from the create request of each object to its Job being seen, sorted.
    writes: of each object, by the controller's metrics; served: the same by the API server's, events aside.
    """

    created: float
    last_job: float
    last_end: float
    delays: tuple[float, ...]
    writes: Counter[str]
    served: Counter[tuple[str, str, str]]
    cpu_seconds: float
    peak_rss: float
    count: int

    @property
    def rate(self) -> float:
        """Jobs per second, from the first create request to the last Job."""
        return self.count / self.last_job

    @property
    def writes_each(self) -> float:
        """API writes of the controller for one object."""
        return self.writes.total() / self.count


@asynccontextmanager
async def springtide(server: ApiServer) -> AsyncIterator[Side]:
    """Our operator."""
    with springtide_side.operator(server) as running:
        yield Side(
            pid=running.process.pid,
            path=springtide_side.RUNS,
            manifest=springtide_side.training_run,
            job_of=springtide_side.job_of,
            has_ended=springtide_side.has_ended,
            writes=springtide_side.writes,
            served=springtide_side.SERVED,
        )


@asynccontextmanager
async def jobset(server: ApiServer) -> AsyncIterator[Side]:
    """The JobSet controller."""
    with jobset_side.controller(server) as process:
        yield Side(
            pid=process.pid,
            path=jobset_side.SETS,
            manifest=jobset_side.jobset,
            job_of=jobset_side.job_of,
            has_ended=jobset_side.has_ended,
            writes=lambda: jobset_side.writes(server.token),
            served=jobset_side.SERVED,
        )


SIDES = {
    "springtide": (springtide, springtide_side.custom_resources),
    "jobset": (jobset, jobset_side.custom_resources),
}


def run(*, count: int = COUNT, rounds: int = ROUNDS) -> Iterator[Figure]:
    """Measure both sides in turn and yield the figures; each is the median of the rounds."""
    outcomes: dict[str, list[Outcome]] = {name: [] for name in SIDES}
    for number in range(rounds):
        for name in sorted(SIDES, reverse=number % 2 == 0):
            outcomes[name].append(measure(name, count=count))
            print(f"  round {number + 1}, {describe(name, outcomes[name][-1])}", flush=True)
    yield from _figures(outcomes["springtide"], outcomes["jobset"], count=count)


def measure(name: str, *, count: int) -> Outcome:
    """One side, against an API server of its own."""
    start, custom_resources = SIDES[name]

    async def against(server: ApiServer) -> Outcome:
        async with server.session() as session:
            await api_server.prepare(session, custom_resources())
            async with start(server) as side:
                return await drive(session, side, count=count)

    with api_server.fresh() as server:
        return asyncio.run(against(server))


@dataclass
class _Seen:
    """What the watches have told so far: times by name, of time.perf_counter."""

    count: int
    has_ended: Callable[[dict[str, Any]], bool]
    jobs: dict[str, float] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)
    all_ended: asyncio.Event = field(default_factory=asyncio.Event)

    def job(self, event: dict[str, Any]) -> None:
        self.jobs.setdefault(event["object"]["metadata"]["name"], time.perf_counter())

    def parent(self, event: dict[str, Any]) -> None:
        name = event["object"]["metadata"]["name"]
        if name not in self.ended and self.has_ended(event["object"]):
            self.ended[name] = time.perf_counter()
            if len(self.ended) == self.count:
                self.all_ended.set()


async def drive(session: aiohttp.ClientSession, side: Side, *, count: int) -> Outcome:
    """Create as many objects as fast as the API server takes them, and see what becomes of them."""
    seen = _Seen(count, side.has_ended)
    jobs = "/apis/batch/v1/namespaces/default/jobs"
    watches = [
        asyncio.create_task(api_server.watch(session, jobs, seen.job)),
        asyncio.create_task(api_server.watch(session, side.path, seen.parent)),
    ]
    documents = [json.dumps(side.manifest(index)).encode() for index in range(count)]
    names = [side.manifest(index)["metadata"]["name"] for index in range(count)]
    served, writes, before = await api_server.requests_served(session), await side.writes(), usage(side.pid)
    begin = time.perf_counter()
    started = await _create_all(session, side.path, dict(zip(names, documents, strict=True)))
    created = time.perf_counter() - begin
    try:
        await _until_all_ended(seen, watches)
    finally:
        for task in watches:
            task.cancel()
    after = usage(side.pid)
    return Outcome(
        created=created,
        last_job=max(seen.jobs.values()) - begin,
        last_end=max(seen.ended.values()) - begin,
        delays=tuple(sorted(seen.jobs[side.job_of(name)] - at for name, at in started.items())),
        writes=await side.writes() - writes,
        served=_writes_of(side, await api_server.requests_served(session) - served),
        cpu_seconds=after.cpu_seconds - before.cpu_seconds,
        peak_rss=after.peak_rss,
        count=count,
    )


async def _create_all(session: aiohttp.ClientSession, path: str, documents: dict[str, bytes]) -> dict[str, float]:
    """The time of each create request, by name."""
    started: dict[str, float] = {}
    gate = asyncio.Semaphore(PARALLEL_CREATES)

    async def create(name: str, document: bytes) -> None:
        async with gate:
            started[name] = time.perf_counter()
            headers = {"Content-Type": "application/json"}
            async with session.post(path, data=document, headers=headers) as response:
                if response.status != 201:
                    raise RuntimeError(f"{name} was answered with {response.status}: {(await response.text())[:500]}")
                await response.read()

    await asyncio.gather(*(create(name, document) for name, document in documents.items()))
    return started


async def _until_all_ended(seen: _Seen, watches: list[asyncio.Task[None]]) -> None:
    ended = asyncio.create_task(seen.all_ended.wait())
    done, _ = await asyncio.wait({ended, *watches}, timeout=PATIENCE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    for task in done & set(watches):
        task.result()
    if not done:
        ended.cancel()
        raise TimeoutError(
            f"after {PATIENCE_SECONDS:.0f} s {len(seen.jobs)} Jobs were there and {len(seen.ended)} objects had ended,"
            f" of {seen.count}"
        )


def _writes_of(side: Side, served: Counter[tuple[str, str, str]]) -> Counter[tuple[str, str, str]]:
    """The writes that only this side can have sent; the objects that we created ourselves are not in it."""
    reads = {"GET", "LIST", "WATCH", "CONNECT"}
    own = side.path.rpartition("/")[2]
    return Counter(
        {
            key: number
            for key, number in served.items()
            if key[0] not in reads and (key[1], key[2]) in side.served and key != ("POST", own, "")
        }
    )


def describe(name: str, outcome: Outcome) -> str:
    """One side in one round, in a line."""
    count = outcome.count
    parts = ", ".join(f"{key} {number / count:.2f}" for key, number in sorted(outcome.writes.items()))
    return (
        f"{name}: all created {outcome.created:.1f} s, last Job {outcome.last_job:.1f} s ({outcome.rate:.0f}/s), last"
        f" ended {outcome.last_end:.1f} s, create to Job p50 {_quantile(outcome, 0.5):.1f} s p99"
        f" {_quantile(outcome, 0.99):.1f} s, writes each {outcome.writes_each:.2f} ({parts}), by the API server"
        f" {outcome.served.total() / count:.2f}, {outcome.cpu_seconds:.1f} s CPU, peak {outcome.peak_rss:.0f} MiB"
    )


def _quantile(outcome: Outcome, share: float) -> float:
    return outcome.delays[min(len(outcome.delays) - 1, int(len(outcome.delays) * share))]


def _figures(ours: list[Outcome], peer: list[Outcome], *, count: int) -> Iterator[Figure]:
    def median(outcomes: list[Outcome], value: Callable[[Outcome], float]) -> float:
        return statistics.median(value(outcome) for outcome in outcomes)

    def pair(value: Callable[[Outcome], float]) -> tuple[float, float]:
        return median(ours, value), median(peer, value)

    rate, peer_rate = pair(lambda outcome: outcome.rate)
    last, peer_last = pair(lambda outcome: outcome.last_job)
    ratios = ", ".join(f"{a.rate / b.rate:.2f}" for a, b in zip(ours, peer, strict=True))
    yield Figure(
        f"{count} TrainingRuns at once: Jobs made",
        f"{rate:.0f}/s, the last after {last:.1f} s",
        f"{peer_rate:.0f}/s, the last after {peer_last:.1f} s (JobSet {jobset_side.VERSION})",
        goal=">= 1.5x JobSet",
        met=rate >= 1.5 * peer_rate,
        note=f"{rate / peer_rate:.2f}x; in each round: {ratios}",
    )
    end, peer_end = pair(lambda outcome: outcome.last_end)
    yield Figure("the last one ended", f"{end:.1f} s", f"{peer_end:.1f} s")
    p50, peer_p50 = pair(lambda outcome: _quantile(outcome, 0.5))
    p99, peer_p99 = pair(lambda outcome: _quantile(outcome, 0.99))
    yield Figure(
        "create request to Job, p50 and p99", f"{p50:.1f} s, {p99:.1f} s", f"{peer_p50:.1f} s, {peer_p99:.1f} s"
    )
    writes, peer_writes = pair(lambda outcome: outcome.writes_each)
    served, peer_served = pair(lambda outcome: outcome.served.total() / count)
    yield Figure(
        "API writes from creation to the end",
        f"{writes:.2f}",
        f"{peer_writes:.2f}",
        goal="<= 4",
        met=writes <= 4,
        note=f"by the API server's count, Events aside: {served:.2f} and {peer_served:.2f}",
    )
    cpu, peer_cpu = pair(lambda outcome: outcome.cpu_seconds)
    yield Figure("CPU of the controller", f"{cpu:.1f} s", f"{peer_cpu:.1f} s")
    memory, peer_memory = pair(lambda outcome: outcome.peak_rss)
    yield Figure("peak memory of the controller", f"{memory:.0f} MiB", f"{peer_memory:.0f} MiB")


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("side", choices=sorted(SIDES))
    parser.add_argument("--count", type=int, default=200)
    chosen = parser.parse_args()
    print(describe(chosen.side, measure(chosen.side, count=chosen.count)))

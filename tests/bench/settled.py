"""What a settled namespace costs: nothing is written for it. And how soon an alarm in it becomes a training.

A hundred loops, so a hundred objects of each kind, are brought to rest by the operator. See `loops` for what is played.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import alarm
import api_server
import loops
import springtide_side
from api_server import ApiServer
from figures import Figure, spread
from springtide.shell.kinds import KINDS

COUNT = 100
IDLE_SECONDS = 300.0
RESTART_SECONDS = 60.0
NEWS_SECONDS = 10.0
"""For what is under way when everything says that it is at rest, such as the last news of a Deployment."""
ALARMS = 10
SETTINGS = {"resyncSeconds": 25}
"""In five minutes everything is listed anew a dozen times and every object is looked at; by default that is once."""
SERVED = frozenset(
    {(kind.resource.plural, "status") for kind in KINDS}
    | {(made.plural, "") for kind in KINDS for made in kind.made}
    | {("events", "")}
)
"""All that the operator writes, as (resource, subresource), whoever it was: the API server counts no clients."""


@dataclass(frozen=True)
class Counts:
    """What the operator did. writes: by its own metrics, served: by the API server's; passes: over objects."""

    writes: Counter[str]
    served: Counter[tuple[str, str, str]]
    passes: int

    def since(self, before: "Counts") -> "Counts":
        """What it did after that."""
        return Counts(self.writes - before.writes, self.served - before.served, self.passes - before.passes)


def run(*, count: int = COUNT, idle_seconds: float = IDLE_SECONDS, alarms: int = ALARMS) -> Iterator[Figure]:
    """Bring the loops to rest, look on, start the operator anew, look on, raise alarms, and yield the figures."""
    with api_server.fresh() as server:
        asyncio.run(loops.prepare(server))
        with springtide_side.operator(server, **SETTINGS):
            made = asyncio.run(_settle(server, count))
            print(f"  until they were at rest: {made}", flush=True)
            settled = asyncio.run(_counts(server, after=idle_seconds)).since(made)
            print(f"  at rest: {settled}", flush=True)
        stopped = Counts(Counter(), asyncio.run(_served(server)), 0)
        with springtide_side.operator(server, **SETTINGS):
            restarted = asyncio.run(_counts(server, after=RESTART_SECONDS)).since(stopped)
            print(f"  since a restart: {restarted}", flush=True)
            delays = asyncio.run(alarm.delays(server, alarms))
            print(f"  from alarm to container: {[round(delay, 2) for delay in delays]}", flush=True)
    first, second = settled.writes.total(), restarted.writes.total()
    yield Figure(
        f"{count} of each kind at rest: writes in {idle_seconds:.0f} s, and in {RESTART_SECONDS:.0f} s after a restart",
        f"{first}, {second}",
        goal="0",
        met=first == second == 0,
        note=f"in {settled.passes} and {restarted.passes} passes; by the API server's count {settled.served.total()}"
        f" and {restarted.served.total()}; the Lease aside; {made.writes.total()} writes had brought them to rest",
    )
    yield Figure(
        "from an alarm to the start of the challenger's container",
        spread(delays),
        goal="< 10 s",
        met=max(delays) < 10,
        note=f"{len(delays)} alarms, one after another, in that namespace",
    )


async def _settle(server: ApiServer, count: int) -> Counts:
    """Bring the loops to rest; returns what that took."""
    async with server.session() as session, loops.played(session):
        await loops.apply(session, count)
        await loops.until_at_rest(session, count)
    return await _counts(server, after=NEWS_SECONDS)


async def _counts(server: ApiServer, *, after: float) -> Counts:
    """All so far, in so many seconds: what is measured is that nothing happens meanwhile."""
    await asyncio.sleep(after)
    return Counts(await springtide_side.writes(), await _served(server), await springtide_side.passes())


async def _served(server: ApiServer) -> Counter[tuple[str, str, str]]:
    """The writes that the API server has answered so far, of what the operator writes."""
    reads = ("GET", "LIST", "WATCH")
    async with server.session() as session:
        served = await api_server.requests_served(session)
    return Counter({key: n for key, n in served.items() if key[0] not in reads and (key[1], key[2]) in SERVED})


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--idle", type=float, default=60.0)
    parser.add_argument("--alarms", type=int, default=3)
    chosen = parser.parse_args()
    for figure in run(count=chosen.count, idle_seconds=chosen.idle, alarms=chosen.alarms):
        print(figure)

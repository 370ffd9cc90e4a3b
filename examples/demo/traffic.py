"""Runs in a pod: the people who apply. It asks a ModelService about them, month by month, and never stops.

    python traffic.py URL MODEL PEOPLE ORDERS

PEOPLE has Parquet files with a month of people each. A file in ORDERS names some of them, a line each, to be sent; such
files are worked off in the order of their names. In between, people of the newest month ask again, one by one, so that
whatever happens to the service happens under requests. What was answered is written to ORDERS/told.json.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import tenacity

AT_ONCE = 8
NEW_A_SECOND = 12
"""Requests of a month's people that are sent in a second, a hundred people each. The inference log never holds up an
answer: of more than it can write it would drop some, and what is left of a month would not be like the month."""
AGAIN_A_SECOND = 30
AGAIN = 1000
"""So many of the newest people ask again, by turns."""
TIMEOUT = httpx.Timeout(20, connect=5)
TRIES = 5
"""Of a request whose connection is lost, within some 4 s: until a server that died gets no requests any more."""
TELL_SECONDS = 0.5
"""How often told.json is written."""


@dataclass
class Version:
    """Answers of one version. first, last: seconds since 1970."""

    requests: int = 0
    first: float = 0.0
    last: float = 0.0


@dataclass
class Told:
    """What came of the requests so far. files: those that were sent whole. reconnected, lost: see `Applicants.ask`."""

    files: list[str] = field(default_factory=list)
    requests: int = 0
    rows: int = 0
    failures: int = 0
    failed: list[str] = field(default_factory=list)
    reconnected: int = 0
    lost: int = 0
    versions: dict[str, Version] = field(default_factory=dict)

    def answered(self, version: str, *, rows: int) -> None:
        """An answer came."""
        now = time.time()
        found = self.versions.setdefault(version, Version(first=now))
        found.requests += 1
        found.last = now
        self.rows += rows

    def missed(self, why: str) -> None:
        """None came, or one that says that something is wrong."""
        self.failures += 1
        self.failed = [*self.failed, why][:5]


class Applicants:
    """Requests to one model. Each has a connection of its own: applicants do not know each other."""

    def __init__(self, client: httpx.AsyncClient, *, model: str, features: list[dict[str, Any]], told: Told) -> None:
        self._client = client
        self._path = f"/v2/models/{model}/infer"
        self._features = features
        self._told = told

    def bodies(self, people: pa.Table) -> Iterator[bytes]:
        """The requests of a month, in the order of event time."""
        for request in pc.unique(people["request"]).to_pylist():
            yield self._body(people.filter(pc.field("request") == request), name=request)

    def one_by_one(self, people: pa.Table) -> Iterator[bytes]:
        """A request for each, without a name: nobody will know their outcomes."""
        for place in range(people.num_rows):
            yield self._body(people.slice(place, 1), name=None)

    async def ask(self, body: bytes) -> None:
        """One request; it is counted, whatever comes of it.

        Who hears nothing asks again, which changes nothing for a model. reconnected: a connection did not come about
        within seconds, as one of some ten thousand in the local cluster's network. lost: it was refused or cut off, as
        when a server is killed. What a server refuses or answers wrongly is a failure at once.
        """
        self._told.requests += 1
        try:
            answer = (await self._post(body)).raise_for_status().json()
            self._told.answered(answer["model_version"], rows=answer["outputs"][0]["shape"][0])
        except httpx.HTTPStatusError as error:
            self._told.missed(f"{error.response.status_code}: {error.response.text[:200]}")
        except httpx.HTTPError as error:
            self._told.missed(f"{type(error).__name__}: {error}")

    async def _post(self, body: bytes) -> httpx.Response:
        async for attempt in tenacity.AsyncRetrying(
            stop=tenacity.stop_after_attempt(TRIES),
            wait=tenacity.wait_exponential(0.25),
            retry=tenacity.retry_if_exception_type(httpx.TransportError),
            before_sleep=self._count_again,
            reraise=True,
        ):
            with attempt:
                answer = await self._client.post(self._path, content=body)
        return answer

    def _count_again(self, attempt: tenacity.RetryCallState) -> None:
        if attempt.outcome and isinstance(attempt.outcome.exception(), httpx.ConnectTimeout):
            self._told.reconnected += 1
        else:
            self._told.lost += 1

    def _body(self, people: pa.Table, *, name: str | None) -> bytes:
        document: dict[str, Any] = {
            "parameters": {"event_time": people["applied_at"][0].as_py().isoformat()},
            "inputs": [_tensor(feature, people) for feature in self._features],
        }
        return json.dumps(document | ({"id": name} if name else {})).encode()


def _tensor(feature: dict[str, Any], people: pa.Table) -> dict[str, Any]:
    values = people.column(feature["name"]).to_pylist()
    return {"name": feature["name"], "datatype": feature["datatype"], "shape": [len(values)], "data": values}


async def send(applicants: Applicants, people: pa.Table) -> None:
    """All requests of a month, a few at a time, steadily."""
    waiting = enumerate(applicants.bodies(people))
    clock = asyncio.get_running_loop()
    began = clock.time()

    async def ask_on() -> None:
        for number, body in waiting:
            await asyncio.sleep(max(0.0, began + number / NEW_A_SECOND - clock.time()))
            await applicants.ask(body)

    async with asyncio.TaskGroup() as under_way:
        for _ in range(AT_ONCE):
            under_way.create_task(ask_on())


async def ask_again(applicants: Applicants, people: pa.Table, *, until: Callable[[], object]) -> None:
    """Some of these people, steadily."""
    # From all over the month: neighbours in it are of one household.
    some = people.take(np.linspace(0, people.num_rows - 1, AGAIN).astype(np.int64))
    bodies = list(applicants.one_by_one(some))
    clock = asyncio.get_running_loop()
    began, sent = clock.time(), 0
    async with asyncio.TaskGroup() as under_way:
        while not until():
            under_way.create_task(applicants.ask(bodies[sent % len(bodies)]))
            sent += 1
            await asyncio.sleep(max(0.0, began + sent / AGAIN_A_SECOND - clock.time()))


async def features_of(client: httpx.AsyncClient, model: str) -> list[dict[str, Any]]:
    """The inputs of the model, once it serves."""
    while True:
        try:
            answer = (await client.get(f"/v2/models/{model}")).raise_for_status()
            return list(answer.json()["inputs"])
        except httpx.HTTPError:
            await asyncio.sleep(1)


class Orders:
    """Files with names of files, in the order of their own names; each is worked off once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._done: set[Path] = set()

    def new(self) -> list[Path]:
        """Those that were not worked off."""
        return sorted(set(self._folder.glob("*.order")) - self._done)

    def take(self) -> list[str]:
        """What the next of them asks for; nothing if there is none."""
        for file in self.new()[:1]:
            self._done.add(file)
            return file.read_text().split()
        return []


async def work_off(people: Path, orders: Orders, applicants: Applicants, told: Told) -> None:
    """Orders for ever; in between, people ask again."""
    newest: pa.Table | None = None
    while True:
        for name in orders.take():
            newest = pq.read_table(people / name)
            await send(applicants, newest)
            told.files.append(name)
        if newest is None:
            await asyncio.sleep(0.2)
        else:
            await ask_again(applicants, newest, until=orders.new)


async def tell(told: Told, orders: Path) -> None:
    """For ever."""
    while True:
        part = orders / "told.part"
        part.write_text(json.dumps(asdict(told)))
        part.replace(orders / "told.json")
        await asyncio.sleep(TELL_SECONDS)


async def main(url: str, model: str, people: str, orders: str) -> None:
    told, limits = Told(), httpx.Limits(max_keepalive_connections=0)
    async with (
        httpx.AsyncClient(base_url=url, timeout=TIMEOUT, trust_env=False, limits=limits) as client,
        asyncio.TaskGroup() as both,
    ):
        both.create_task(tell(told, Path(orders)))
        features = await features_of(client, model)
        applicants = Applicants(client, model=model, features=features, told=told)
        both.create_task(work_off(Path(people), Orders(Path(orders)), applicants, told))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

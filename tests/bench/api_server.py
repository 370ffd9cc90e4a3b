"""A fresh API server for each measurement: etcd, kube-apiserver, controllers and scheduler as processes of this
machine, with nodes and kubelets played by kwok.
"""

import asyncio
import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("SPRINGTIDE_CACHE", Path.home() / ".cache/springtide"))
FAST = REPOSITORY / "tests/cluster/fast.sh"
PORT = 19443


@dataclass(frozen=True)
class ApiServer:
    """One that runs. state: the folder of its processes' pid files and logs."""

    kubeconfig: Path
    url: str
    token: str

    @property
    def state(self) -> Path:
        """Where its processes keep their pid files and logs."""
        return self.kubeconfig.parent

    def pid(self, program: str) -> int:
        """The process id of apiserver, etcd, controllers, scheduler or kwok."""
        return int((self.state / f"{program}.pid").read_text())

    @asynccontextmanager
    async def session(self) -> AsyncIterator[aiohttp.ClientSession]:
        """A client with up to 100 connections, whose paths begin at the API server."""
        headers = {"Authorization": f"Bearer {self.token}"}
        connector = aiohttp.TCPConnector(ssl=False, limit=100)
        async with aiohttp.ClientSession(self.url, connector=connector, headers=headers) as session:
            yield session


@contextmanager
def fresh() -> Iterator[ApiServer]:
    """An API server with nothing in it; gone with all its processes afterwards."""
    environment = os.environ | {"FAST_PORT": str(PORT), "FAST_STATE": str(CACHE / "bench/fast")}
    try:
        answer = subprocess.run([FAST, "start"], env=environment, check=True, capture_output=True, text=True)
        kubeconfig = Path(answer.stdout.strip().splitlines()[-1])
        config = yaml.safe_load(kubeconfig.read_text())
        yield ApiServer(
            kubeconfig=kubeconfig,
            url=config["clusters"][0]["cluster"]["server"],
            token=config["users"][0]["user"]["token"],
        )
    finally:
        subprocess.run([FAST, "stop"], env=environment, check=True, capture_output=True)


async def send(session: aiohttp.ClientSession, method: str, path: str, body: Any, **headers: str) -> Any:
    """A request that must be answered well; returns the answer."""
    async with session.request(method, path, data=json.dumps(body), headers={"Content-Type": _JSON} | headers) as reply:
        if reply.status not in (200, 201):
            raise RuntimeError(f"{method} {path} was answered with {reply.status}: {(await reply.text())[:500]}")
        return await reply.json()


_JSON = "application/json"


async def prepare(session: aiohttp.ClientSession, custom_resources: list[dict[str, Any]]) -> None:
    """Make the CRDs and wait until they are served."""
    for document in custom_resources:
        await send(session, "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", document)
    for document in custom_resources:
        await _until_served(session, document)


async def _until_served(session: aiohttp.ClientSession, document: dict[str, Any]) -> None:
    version = document["spec"]["versions"][0]["name"]
    path = f"/apis/{document['spec']['group']}/{version}/{document['spec']['names']['plural']}"
    async with asyncio.timeout(30):
        while True:
            async with session.get(path, params={"limit": "1"}) as answer:
                if answer.status == 200:
                    return
            await asyncio.sleep(0.1)


async def watch(session: aiohttp.ClientSession, path: str, see: Callable[[dict[str, Any]], None]) -> None:
    """Tell `see` of every event from now on, until cancelled; a watch that is closed goes on where it stopped."""
    async with session.get(path, params={"limit": "1"}) as answer:
        version = (await answer.json())["metadata"]["resourceVersion"]
    while True:
        parameters = {"watch": "1", "resourceVersion": version}
        async with session.get(path, params=parameters, timeout=aiohttp.ClientTimeout(total=None)) as response:
            buffer = b""
            async for chunk in response.content.iter_any():
                *lines, buffer = (buffer + chunk).split(b"\n")
                for event in map(json.loads, lines):
                    if event["type"] == "ERROR":
                        raise RuntimeError(f"the watch of {path} broke: {event['object'].get('message')}")
                    version = event["object"]["metadata"]["resourceVersion"]
                    see(event)


async def requests_served(session: aiohttp.ClientSession) -> Counter[tuple[str, str, str]]:
    """What the API server has answered so far, by (verb, resource, subresource), watches included."""
    async with session.get("/metrics") as answer:
        text = await answer.text()
    counts: Counter[tuple[str, str, str]] = Counter()
    for labels, value in re.findall(r"^apiserver_request_total\{(.*)\} (\S+)$", text, re.MULTILINE):
        label = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        counts[label["verb"], label["resource"], label["subresource"]] += int(float(value))
    return counts

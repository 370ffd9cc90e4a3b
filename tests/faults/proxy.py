"""A plain HTTP proxy between operator and API server, which knows every request and can let each go wrong.

A fault is chosen per call: kill the operator before the request or after it, drop the answer, answer an error, wait.
Watches can be cut and held up, lists can be answered from the past. It runs in a thread of its own.
"""

import asyncio
import contextlib
import json
import re
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

PATH = re.compile(
    r"^/(?:api/v1|apis/(?P<group>[^/]+)/[^/]+)"
    r"(?:/namespaces/(?P<namespace>[^/]+)(?=/))?/(?P<resource>[^/]+)(?:/(?P<name>[^/]+)(?:/(?P<subresource>[^/]+))?)?$"
)
WRITES = {"create": 201, "update": 200, "patch": 200, "delete": 200}


@dataclass(frozen=True)
class Call:
    """One request.

    verb: as in RBAC. resource: with its subresource, such as `trainingruns/status`. about: the run that it is about,
    by the names that its children have. number: how many writes about that run came before it, and this one; 0 for
    reads, and for events, which are sent beside the other writes in no certain order.
    """

    verb: str
    resource: str
    namespace: str
    name: str
    about: str
    number: int
    query: dict[str, str]
    body: Any

    @property
    def is_write(self) -> bool:
        """Whether it changes something, other than who leads."""
        return self.verb in WRITES and self.resource != "leases"


@dataclass(frozen=True)
class Fault:
    """What goes wrong with a call.

    reaches: whether the API server gets it. kill: whether the operator dies of it. code: the answer instead of the
    server's; 0 drops the connection, None lets the server's answer through. seconds: how long it is held up before.
    """

    reaches: bool = True
    kill: bool = False
    code: int | None = 0
    seconds: float = 0.0


KILL_BEFORE = Fault(reaches=False, kill=True)
KILL_AFTER = Fault(reaches=True, kill=True)
LOST_REPLY = Fault(reaches=True)
NEVER_ARRIVED = Fault(reaches=False)


def answers(code: int, *, reaches: bool = False) -> Fault:
    """The server answers an error, though it may have done what was asked."""
    return Fault(reaches=reaches, code=code)


def delayed(seconds: float) -> Fault:
    """The answer takes so long."""
    return Fault(code=None, seconds=seconds)


@dataclass
class Proxy:
    """One proxy. Set `plan` to choose faults; `kill` is called where one asks for the operator's death."""

    upstream: str
    token: str
    certificate: str
    plan: Callable[[Call], Fault | None] = lambda _: None
    kill: Callable[[], None] = lambda: None
    calls: list[tuple[Call, int]] = field(default_factory=list)
    """Every call that was answered, with the HTTP code that the server gave (0: it did not get it)."""
    old_lists: dict[str, bytes] = field(default_factory=dict)
    """Lists by resource that are served instead of the server's."""
    held_watches: set[str] = field(default_factory=set)
    """Resources whose watches stay open and deliver nothing."""

    url: str = ""
    _last_write: float = field(default_factory=time.monotonic)
    _numbers: Counter[str] = field(default_factory=Counter)
    _watches: set[asyncio.Transport] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    @property
    def writes(self) -> list[Call]:
        """The writes that the server has taken, in order."""
        return [call for call, code in list(self.calls) if call.is_write and 200 <= code < 300]

    @property
    def quiet_seconds(self) -> float:
        """For how long nothing was written."""
        return time.monotonic() - self._last_write

    @property
    def has_rested(self) -> bool:
        """Whether nothing was written for a second: events come a little after what they tell of."""
        return self.quiet_seconds > 1

    def cut_watches(self) -> int:
        """End all watches as a broken network would; returns how many there were."""
        watches = list(self._watches)
        for transport in watches:
            self._loop.call_soon_threadsafe(transport.abort)
        return len(watches)

    @contextlib.contextmanager
    def running(self) -> Iterator["Proxy"]:
        """Serve in a thread until the end of the block."""
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        runner = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(self._stop(runner), self._loop).result(10)
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(10)
            self._loop.close()

    async def _start(self) -> web.AppRunner:
        context = ssl.create_default_context(cafile=self.certificate)
        connector = aiohttp.TCPConnector(ssl=context, limit=0)
        timeout = aiohttp.ClientTimeout(total=None)
        self._session = aiohttp.ClientSession(
            self.upstream, connector=connector, timeout=timeout, auto_decompress=False
        )
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    async def _stop(self, runner: web.AppRunner) -> None:
        await runner.cleanup()
        await self._session.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        content = await request.read()
        call = self._identify(request, content)
        if call.verb == "watch":
            return await self._watch(request, call)
        if call.verb == "list" and call.resource in self.old_lists:
            return web.Response(body=self.old_lists[call.resource], content_type="application/json")
        fault = self.plan(call) or Fault(code=None)
        await asyncio.sleep(fault.seconds)
        code, body, kind = (0, b"", "") if not fault.reaches else await self._forward(request, content)
        self.calls.append((call, code))
        if call.is_write:
            self._last_write = time.monotonic()
        if fault.kill:
            self.kill()
        if fault.code is None:
            return web.Response(status=code, body=body, headers={"Content-Type": kind})
        if fault.code:
            status = {"kind": "Status", "code": fault.code, "message": f"the fault proxy says {fault.code}"}
            return web.json_response(status, status=fault.code)
        if request.transport:
            request.transport.abort()
        return web.Response()

    async def _forward(self, request: web.Request, content: bytes) -> tuple[int, bytes, str]:
        async with self._session.request(
            request.method, request.path_qs, data=content or None, headers=self._headers(request)
        ) as answer:
            return answer.status, await answer.read(), answer.headers["Content-Type"]

    async def _watch(self, request: web.Request, call: Call) -> web.StreamResponse:
        self.calls.append((call, 200))
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        async with self._session.get(request.path_qs, headers=self._headers(request)) as answer:
            response.set_status(answer.status)
            # Either side may go at any time.
            with contextlib.suppress(ConnectionError, aiohttp.ClientError), self._counted(request):
                await response.prepare(request)
                async for line in answer.content:
                    if call.resource not in self.held_watches:
                        await response.write(line)
        return response

    @contextlib.contextmanager
    def _counted(self, request: web.Request) -> Iterator[None]:
        transport = request.transport
        if transport is None:
            raise ConnectionResetError("the client has gone before its watch began")
        self._watches.add(transport)
        try:
            yield
        finally:
            self._watches.discard(transport)

    def _headers(self, request: web.Request) -> dict[str, str]:
        kept = {name: request.headers[name] for name in ("Accept", "Content-Type") if name in request.headers}
        # Not compressed: what is passed on is passed on as it is.
        return kept | {"Authorization": f"Bearer {self.token}", "Accept-Encoding": "identity"}

    def _identify(self, request: web.Request, content: bytes) -> Call:
        found = PATH.match(request.path)
        parts = (
            found.groupdict(default="")
            if found
            else dict.fromkeys(("namespace", "resource", "name", "subresource"), "")
        )
        body = json.loads(content) if content else None
        name = parts["name"] or (body["metadata"].get("name", "") if request.method == "POST" and body else "")
        resource = "/".join(part for part in (parts["resource"], parts["subresource"]) if part)
        verb = _verb(request, parts["name"])
        about = re.sub(r"(-recover)?-a\d+$|\.[0-9a-f]{16}$", "", name)
        number = 0
        if verb in WRITES and resource not in ("leases", "events"):
            self._numbers[about] += 1
            number = self._numbers[about]
        return Call(verb, resource, parts["namespace"], name, about, number, dict(request.query), body)


def _verb(request: web.Request, name: str) -> str:
    if request.method == "GET":
        return "watch" if request.query.get("watch") in ("true", "1") else "get" if name else "list"
    return {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}[request.method]

"""The way of a prediction, in front of KServe's own: bodies are read once, checked, answered and counted.

KServe's handlers turn each tensor into Python objects and back. Requests for predictions are answered here, before
them; everything else (health, metadata, metrics) is theirs.
"""

import asyncio
import re
import time
from dataclasses import dataclass, field
from typing import Any

import orjson

from springtide_workloads.process.logs import log
from springtide_workloads.serving import protocol
from springtide_workloads.serving.asgi import App, Message, Receive, Send
from springtide_workloads.serving.bodies import Room, Share, read_body
from springtide_workloads.serving.counters import Counters
from springtide_workloads.serving.inference_log import InferenceLog
from springtide_workloads.serving.log_block import Answered
from springtide_workloads.serving.refusal import RefusedError
from springtide_workloads.serving.session import Session

PREDICTION = re.compile(
    r"^/(?:v2/models/(?P<v2>[^/]+)(?:/versions/(?P<version>[^/]+))?/infer|v1/models/(?P<v1>[^/:]+):predict)$"
)
FEW_ROWS = 64
"""So many are answered at once; more in a thread, so that health checks need not wait."""

ANSWER_BYTES = 48
"""For a row: its score, as a number and as text."""


@dataclass
class Connection:
    """A kept connection: how many requests came on it, and since when."""

    began: float
    requests: int = 0


@dataclass(frozen=True)
class Bounds:
    """See `springtide.api.serving.Serving`."""

    body_bytes: int
    text_bytes: int
    connection_requests: int
    connection_seconds: float


@dataclass(frozen=True)
class Reply:
    """What is sent back. answered: what the inference log is to have of it, if anything."""

    code: int
    body: bytes
    headers: dict[str, str]
    answered: Answered | None = None


@dataclass
class Endpoint:
    """ASGI middleware that answers predictions for one model."""

    app: App
    session: Session
    counters: Counters
    bounds: Bounds
    log: InferenceLog | None = None
    _connections: dict[Any, Connection] = field(default_factory=dict)
    _room: Room = field(init=False)

    def __post_init__(self) -> None:
        self._room = Room(body=self.bounds.body_bytes, text=self.bounds.text_bytes)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """See ASGI."""
        found = PREDICTION.match(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if found is None:
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        reply = await self._answer(scope, receive, found)
        self.counters.answered(reply.code, time.perf_counter() - began)
        if self._is_worn(scope["client"]):
            reply.headers["connection"] = "close"
        head = [(name.encode(), value.encode()) for name, value in reply.headers.items()]
        head.append((b"content-length", str(len(reply.body)).encode()))
        await send({"type": "http.response.start", "status": reply.code, "headers": head})
        await send({"type": "http.response.body", "body": reply.body})
        if self.log and reply.answered and self.log.wants(reply.answered.request):
            self.log.offer(reply.answered)  # while the answer is on its way

    async def _answer(self, scope: Message, receive: Receive, found: re.Match[str]) -> Reply:
        try:
            self._check_name(found["v2"] or found["v1"], found["version"])
            headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
            with self._room.share() as share:
                is_text = not found["v2"] or protocol.HEADER_LENGTH not in headers
                body = await read_body(receive, headers, share=share, is_text=is_text)
                return await self._predict(body, headers, share=share, is_v2=bool(found["v2"]))
        except RefusedError as refused:
            head = {"content-type": "application/json"} | ({"retry-after": "1"} if refused.code == 429 else {})
            return Reply(refused.code, orjson.dumps({"error": str(refused)}), head)
        except Exception:  # noqa: BLE001  # the server goes on
            log.exception("a request could not be answered; this is a defect of the server")
            told = {"error": "the server could not answer; its log says why"}
            return Reply(500, orjson.dumps(told), {"content-type": "application/json"})

    def _check_name(self, name: str, version: str | None) -> None:
        if name == self.session.name and version in (None, self.session.version):
            return
        asked = f"{name}, version {version}" if version else name
        here = f"{self.session.name}, version {self.session.version}"
        raise RefusedError(f"there is no model {asked} here, but {here}", code=404)

    async def _predict(self, body: bytes, headers: dict[str, str], *, share: Share, is_v2: bool) -> Reply:
        if is_v2:
            length = headers.get(protocol.HEADER_LENGTH)
            request = protocol.read_v2(body, header_length=length, most_text=self.bounds.text_bytes)
        else:
            request = protocol.read_v1(body)
        rows = self.session.inputs.encode(request.tensors)
        share.take(rows.encoded.numbers.nbytes + rows.encoded.codes.nbytes + ANSWER_BYTES * rows.encoded.rows)
        if rows.encoded.rows <= FEW_ROWS:
            scores = self.session.score(rows.encoded)
        else:
            scores = await asyncio.to_thread(self.session.score, rows.encoded)
        self.counters.scored(scores)
        if is_v2:
            told, head = protocol.write_v2(
                scores, model=self.session.name, version=self.session.version, request=request
            )
        else:
            told, head = protocol.write_v1(scores)
        at = int(request.time.timestamp() * 1_000_000)
        return Reply(200, told, head, Answered(request.id, at, rows, scores) if self.log and scores.size else None)

    def _is_worn(self, client: Any) -> bool:
        """Whether the connection has had its share: a Service chooses a server per connection, not per request."""
        now = time.monotonic()
        connection = self._connections.setdefault(client, Connection(now))
        connection.requests += 1
        worn = (
            connection.requests >= self.bounds.connection_requests
            or now - connection.began >= self.bounds.connection_seconds
        )
        if worn:
            del self._connections[client]
            self._forget(now)
        return worn

    def _forget(self, now: float) -> None:
        """Connections that their clients have ended."""
        old = 2 * self.bounds.connection_seconds
        for client in [client for client, one in self._connections.items() if now - one.began > old]:
            del self._connections[client]

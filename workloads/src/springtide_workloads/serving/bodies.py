"""The bodies of requests, read within bounds: neither a large one nor many at once may take all the server's memory.

Text costs more than its bytes: JSON becomes objects, 40 times as large at worst while it is read (one request at a
time), and up to ten times afterwards. Tensors stay as they came. What is refused because of others is 429: it says
nothing of the model, and the judge of a rollout does not count it against the candidate.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from springtide_workloads.serving.asgi import Receive
from springtide_workloads.serving.refusal import RefusedError

AT_ONCE = 3
"""What all requests under way may hold, in bodies of the largest size: one, its numbers and its answer."""

BODY_SECONDS = 60.0
"""One that does not come to its end would keep its share from others for ever."""


@dataclass
class Room:
    """What requests may hold. body, text: bytes of one, and of its text; held: by all that are under way."""

    body: int
    text: int
    held: int = 0

    @property
    def all(self) -> int:
        """Bytes of all requests together."""
        return AT_ONCE * self.body

    @contextmanager
    def share(self) -> Iterator["Share"]:
        """What one request takes, until it is answered."""
        share = Share(self)
        try:
            yield share
        finally:
            self.held -= share.held


@dataclass
class Share:
    """What one request holds."""

    room: Room
    held: int = 0

    def take(self, size: int) -> None:
        """So many bytes more. Raises RefusedError where there is no room for them."""
        if self.held + size > self.room.all:
            raise RefusedError("the request has more rows than there is room for; send fewer at once", code=413)
        if self.room.held + size > self.room.all:
            raise RefusedError("the server has no room for another request now; ask again in a second", code=429)
        self.held += size
        self.room.held += size


async def read_body(
    receive: Receive, headers: Mapping[str, str], *, share: Share, is_text: bool, seconds: float = BODY_SECONDS
) -> bytes:
    """The body of a request, whether or not it says how long it is. Raises RefusedError."""
    room = share.room
    limit, weight = (room.text, room.body // room.text) if is_text else (room.body, 1)
    hint = ", or their tensors as bytes" if is_text else ""
    too_large = RefusedError(f"the request is larger than {limit} bytes; send fewer rows at once{hint}", code=413)
    length = headers.get("content-length", "")
    if length.isdigit() and int(length) > limit:
        raise too_large
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            async for part in _parts(receive):
                size += len(part)
                if size > limit:
                    raise too_large
                share.take(weight * len(part))
                parts.append(part)
    except TimeoutError as error:
        raise RefusedError(f"the request was not whole after {seconds:g} seconds", code=408) from error
    return b"".join(parts) if len(parts) > 1 else parts[0]


async def _parts(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RefusedError("the client went before its request was whole", code=499)
        yield message.get("body", b"")
        if not message.get("more_body"):
            return

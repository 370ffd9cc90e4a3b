"""The end of a server: for some seconds, while Services forget it, it answers and ends each connection it answers on.

The kubelet asks for it before SIGTERM (`preStop`) and waits for the answer. Without it a client that is about to
reuse a kept connection writes into one that is just being closed.
"""

import asyncio
from dataclasses import dataclass

from springtide.api.serving import DRAIN_PATH

from springtide_workloads.serving.asgi import App, Message, Receive, Send


@dataclass
class Draining:
    """ASGI middleware; a request to drain takes `seconds`, and nothing of it is left afterwards."""

    app: App
    seconds: float
    _asked: int = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "http" and scope["path"] == DRAIN_PATH:
            await self._drain(send)
        elif self._asked:
            await self.app(scope, receive, _ending(send))
        else:
            await self.app(scope, receive, send)

    async def _drain(self, send: Send) -> None:
        self._asked += 1
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self._asked -= 1
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


def _ending(send: Send) -> Send:
    """Answers that end their connection."""

    async def ending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"connection", b"close")]
        await send(message)

    return ending

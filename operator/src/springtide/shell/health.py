"""Probes and metrics over HTTP.

Liveness asks whether work moves, not whether a socket answers. Readiness does not ask for leadership: a rolling
update would wait for ever for the replica that must not lead yet.
"""

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from springtide.shell.operator import Operator

STUCK_SECONDS = 120.0
"""A pass takes milliseconds and a request 30 s at most; what has not moved for so long does not move any more."""


def problems(operator: Operator) -> list[str]:
    """Why this process should be ended and started again; empty while all is well."""
    found = []
    if (age := operator.queue.stuck_seconds()) > STUCK_SECONDS:
        found.append(f"no key has moved for {age:.0f} s though there is work")
    found += [f"the watch of {plural} delivers nothing" for plural in operator.watches.dead()]
    return found


async def serve(operator: Operator, *, port: int) -> web.AppRunner:
    """Answer /healthz, /readyz and /metrics; the caller cleans the runner up."""

    async def healthz(_: web.Request) -> web.Response:
        found = problems(operator)
        return web.Response(text="\n".join(found) or "ok", status=503 if found else 200)

    async def readyz(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def metrics(_: web.Request) -> web.Response:
        operator.metrics.queue_depth.set(len(operator.queue))
        operator.metrics.queue_age.set(operator.queue.oldest_seconds())
        body = generate_latest(operator.metrics.registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner

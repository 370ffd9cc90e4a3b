"""What Kueue says of the Jobs that wait for it.

Workloads are listed every few seconds where a Job of ours is suspended, and nowhere else. They are not watched: Kueue
is optional and serves them through a webhook of its own, and a watch that fails ends this process.
"""

import asyncio
import sys
import time

import structlog
from aiohttp import ClientError

from springtide.cluster import reader
from springtide.cluster.client import ApiError
from springtide.core.kind import JOB, WORKLOAD
from springtide.shell.operator import Operator

_log = structlog.get_logger("queues")
PERIOD_SECONDS = 5.0
TROUBLE_SECONDS = 60.0
DUTY = 10
"""At most a tenth of the time is spent on lists, however long they are."""


async def follow(operator: Operator) -> None:
    """Keep the Workloads of the waiting Jobs in the store, for ever."""
    followed: set[str] = set()
    while True:
        begin = time.monotonic()
        waiting = _waiting(operator)
        for namespace in followed - waiting:
            operator.store.prune(WORKLOAD.kind, keep=frozenset(), version=sys.maxsize, namespace=namespace)
        followed = waiting
        pause = PERIOD_SECONDS
        try:
            for namespace in sorted(waiting):
                await look(operator, namespace)
        except (ApiError, ClientError, OSError, TimeoutError) as error:
            _log.warning("Kueue's Workloads cannot be listed; runs wait without its words", error=str(error))
            pause = TROUBLE_SECONDS
        await asyncio.sleep(max(pause, DUTY * (time.monotonic() - begin)))


async def look(operator: Operator, namespace: str) -> None:
    """Make store and cluster equal. Raises ApiError and connection errors."""
    listed: set[str] = set()
    version = 0
    pages = reader.pages(
        operator.client, WORKLOAD.api_version, WORKLOAD.plural, kind=WORKLOAD.kind, namespace=namespace
    )
    async for page, version in pages:  # noqa: B007  # all pages are of one list, and so of one version
        for manifest in page:
            listed.add(manifest["metadata"]["uid"])
            if key := operator.store.upsert(WORKLOAD.kind, manifest):
                operator.queue.add(key)
    operator.store.prune(WORKLOAD.kind, keep=listed, version=version, namespace=namespace)


def _waiting(operator: Operator) -> set[str]:
    """The namespaces in which Jobs wait for a queue."""
    if WORKLOAD.api_version.partition("/")[0] not in operator.capabilities:
        return set()
    return {job["metadata"]["namespace"] for job in operator.store.all(JOB.kind) if job["spec"]["suspend"]}

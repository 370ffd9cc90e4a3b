"""The full comparison with the API server: at start, before any worker starts, and then every few minutes.

It repairs what watches miss: kopf's own list after a break tells of what is there, not of what is gone.
Parents are listed before their children, so that whatever a status speaks of is in the children's list, unless it is
gone for good.
"""

import asyncio
import random
import sys

import structlog
from aiohttp import ClientError

from springtide.api.constants import API_VERSION, LABEL_KIND
from springtide.cluster import capabilities, reader
from springtide.cluster.client import ApiError
from springtide.core.kind import ChildKind
from springtide.shell.operator import Operator

_log = structlog.get_logger("resync")
AFTER_START = (5.0, 25.0)
"""Seconds to the first resyncs. What goes between our first list and the start of kopf's watches is told of by nobody:
a run whose pod went then would wait for it a whole period long."""


async def resync(operator: Operator) -> None:
    """Make store and cluster equal, and enqueue what changed. Raises ApiError and connection errors."""
    found = await capabilities.detect(operator.client)
    changed_capabilities = found != operator.capabilities
    operator.capabilities = found
    for group in capabilities.OPTIONAL:
        operator.metrics.capability.labels(group).set(group in found)
    for kind in operator.kinds:
        newest = await _compare(operator, API_VERSION, kind.resource.plural, kind=kind.resource.kind)
        operator.watches.expect(kind.resource.plural, newest)
    for child in operator.child_kinds():
        newest = await _compare(operator, child.api_version, child.plural, kind=child.kind, label_selector=LABEL_KIND)
        operator.watches.expect(child.plural, newest)
    for child in operator.listed_kinds():
        await look(operator, child)
    if changed_capabilities:
        for kind in operator.kinds:
            for key in operator.store.keys(kind.resource.kind):
                operator.queue.add(key)


async def keep(operator: Operator) -> None:
    """Resync for ever; also look at every object once in a period, whether or not it changed."""
    for seconds in AFTER_START:
        await asyncio.sleep(seconds)
        await _try(operator)
    period = operator.platform.resync_seconds
    while True:
        for kind in operator.kinds:
            for key in operator.store.keys(kind.resource.kind):
                operator.queue.add_after(key, random.uniform(0, period))  # noqa: S311  # spreads load
        await asyncio.sleep(period * random.uniform(0.9, 1.1))  # noqa: S311  # spreads load
        await _try(operator)


async def _try(operator: Operator) -> None:
    try:
        await resync(operator)
    except (ApiError, ClientError, OSError, TimeoutError) as error:
        _log.warning("the resync failed; the next one will come", error=str(error))


async def look(operator: Operator, child: ChildKind) -> None:
    """Compare a kind that is not watched and that the cluster may have ceased to serve.

    What cannot be listed keeps nothing else from going on: an outage of an optional part must not become ours.
    """
    if child.group not in operator.capabilities:
        for key in operator.store.prune(child.kind, keep=frozenset(), version=sys.maxsize, namespace=None):
            operator.enqueue(key)
        return
    try:
        await _compare(operator, child.api_version, child.plural, kind=child.kind, label_selector=LABEL_KIND)
    except (ApiError, ClientError, OSError, TimeoutError) as error:
        _log.warning("a kind of an optional part cannot be listed", kind=child.kind, error=str(error))


async def _compare(
    operator: Operator, group_version: str, plural: str, *, kind: str, label_selector: str | None = None
) -> int:
    """Compare page by page, so that one page and not the whole cluster is in memory. Returns the newest version."""
    newest = 0
    for namespace in operator.platform.namespaces or (None,):
        listed: set[str] = set()
        version = 0
        pages = reader.pages(
            operator.client, group_version, plural, kind=kind, namespace=namespace, label_selector=label_selector
        )
        async for page, version in pages:  # noqa: B007  # all pages are of one list, and so of one version
            for manifest in page:
                listed.add(manifest["metadata"]["uid"])
                newest = max(newest, int(manifest["metadata"]["resourceVersion"]))
                if key := operator.store.upsert(kind, manifest):
                    operator.enqueue(key)
        for key in operator.store.prune(kind, keep=listed, version=version, namespace=namespace):
            operator.enqueue(key)
    return newest

"""One pass over one object: observe, decide, apply; and the workers that do nothing else.

Nothing that goes wrong here leaves this module: it becomes a condition, or the key comes back later.
"""

import structlog
from aiohttp import ClientError

from springtide.cluster import apply, events, status
from springtide.cluster.client import ApiError
from springtide.cluster.store import Key
from springtide.core.decision import Decision, Refusal
from springtide.core.kind import Kind
from springtide.shell.operator import Operator

_log = structlog.get_logger("worker")
STALE_SECONDS = 1.0
"""After a conflict the news is mostly on its way already; this is for the case that it is not."""


async def work(operator: Operator) -> None:
    """Take keys from the queue for ever."""
    while True:
        key = await operator.queue.get()
        try:
            await _safely(operator, key)
        finally:
            operator.queue.done(key)


async def _safely(operator: Operator, key: Key) -> None:
    with operator.metrics.passes.labels(key.kind).time():
        outcome = await _outcome(operator, key)
    operator.metrics.outcomes.labels(key.kind, outcome).inc()


async def _outcome(operator: Operator, key: Key) -> str:
    log = _log.bind(kind=key.kind, namespace=key.namespace, name=key.name)
    try:
        await reconcile(operator, key)
    except status.StaleError:
        operator.queue.add_after(key, STALE_SECONDS)
        return "stale"
    except (ApiError, ClientError, OSError, TimeoutError) as error:
        delay = operator.queue.retry(key)
        log.warning("the API server did not help; trying again", error=str(error), seconds=round(delay, 1))
        return "unavailable"
    except Exception:
        delay = operator.queue.retry(key)
        log.exception("this is a defect of Springtide; trying again", seconds=round(delay, 1))
        return "error"
    operator.queue.forget(key)
    return "done"


async def reconcile(operator: Operator, key: Key) -> None:
    """One pass. Raises StaleError, ApiError and connection errors: then the pass is to be done again."""
    kind, parent = operator.kind(key.kind), operator.store.parent(key)
    if kind is None or parent is None:
        return
    snapshot = kind.observe(operator.observed(key, parent))
    decision: Decision = kind.decide(snapshot, operator.now())
    try:
        news = await _apply_children(operator, kind, key, decision)
    except apply.RefusedError as refused:
        news = False
        decision = kind.refuse(snapshot, Refusal(refused.reason, refused.message), operator.now())
    if news and not decision.events:
        # What was made is told of in the next pass, behind the keys that wait: of many objects that come at once, all
        # are started before the first is written about, and by then there is often more to say in the same write.
        operator.queue.add(key)
        return
    if await _write_status(operator, kind, parent, decision):
        # The watch will bring nothing new of our own write, and what it says may call for a next step.
        operator.enqueue(key)
    if decision.requeue_after is not None:
        operator.queue.add_after(key, decision.requeue_after)


async def _apply_children(operator: Operator, kind: Kind[object], key: Key, decision: Decision) -> bool:
    """Make children and remove others; returns whether a child is there now that the Store did not know."""
    news = False
    for child in decision.children:
        made = await apply.apply(operator.client, child, kind.made)
        # Our own write is news that we need not wait for.
        concerned = operator.store.upsert(child.manifest["kind"], made)
        if concerned and concerned != key:
            operator.enqueue(concerned)  # an object of our own kinds, whose life begins here
        news |= concerned is not None
    for deletion in decision.deletions:
        await apply.delete(operator.client, deletion, kind.made, namespace=key.namespace)
    return news


async def _write_status(operator: Operator, kind: Kind[object], parent: dict[str, object], decision: Decision) -> bool:
    """Write the status and tell the events, if the status differs; returns whether it does."""
    if decision.status is None or not status.differs(parent, decision.status):
        return False
    written = await status.write(operator.client, kind.resource, parent, decision.status)
    operator.store.upsert(kind.resource.kind, written)
    for event in decision.events:
        try:
            await events.post(operator.client, event, parent, instance=operator.identity, now=operator.now())
        except (ApiError, ClientError, OSError, TimeoutError) as error:
            _log.warning("an event could not be told", reason=event.reason, error=str(error))
    return True

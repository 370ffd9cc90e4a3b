"""kopf as an event source, and nothing more: every handler puts an object into the store and a key into the queue.

Only `on.event` is used. kopf's other handlers write annotations, finalizers and status of their own.
"""

from collections.abc import Callable, Coroutine
from typing import Any

import kopf

from springtide.api.constants import API_VERSION, GROUP, LABEL_KIND, VERSION
from springtide.cluster.store import Key
from springtide.core.decision import Manifest
from springtide.core.kind import ChildKind
from springtide.shell import forgetful
from springtide.shell.operator import Operator

CHILD_DEBOUNCE_SECONDS = 0.1
"""A Job and its pod change several times in a moment; one pass after all of it is enough."""

Handler = Callable[..., Coroutine[None, None, None]]


def build(operator: Operator) -> kopf.OperatorRegistry:
    """A registry with a handler for each watched resource."""
    registry = kopf.OperatorRegistry()
    kopf.on.login(registry=registry, id="login")(_login)
    kopf.on.startup(registry=registry, id="settings")(_settings_of(operator))
    for kind in operator.kinds:
        resource = kind.resource
        kopf.on.event(GROUP, VERSION, resource.plural, registry=registry, id=resource.plural)(
            _parent_handler(operator, resource.kind, resource.plural)
        )
    for child in operator.child_kinds():
        handler = _child_handler(operator, child)
        kopf.on.event(*_group_version(child), child.plural, registry=registry, id=child.plural)(handler)
    return registry


def _group_version(child: ChildKind) -> tuple[str, str]:
    group, _, version = child.api_version.rpartition("/")
    return group, version


def _settings_of(operator: Operator) -> Handler:
    async def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
        settings.posting.enabled = False  # events are told by our own writer
        settings.scanning.disabled = True  # the CRDs come with the chart; scanning needs rights on CRDs and namespaces
        settings.execution.max_workers = 1  # nothing is synchronous here
        settings.persistence.finalizer = f"{GROUP}/finalizer"  # never set; kopf would remove another operator's default
        settings.persistence.diffbase_storage = forgetful.NoDiffBase()
        settings.persistence.progress_storage = forgetful.NoProgress()
        settings.networking.request_timeout = 30
        settings.networking.connect_timeout = 5
        settings.watching.initial_streaming = True  # one object at a time instead of the whole list
        settings.queueing.worker_limit = None
        settings.queueing.idle_timeout = 0.1  # kopf keeps the last event of every object for as long
        settings.peering.standalone = True  # leadership is a Lease
        for child in operator.child_kinds():
            # A tuple: the string form that kopf's documentation shows matches nothing in 1.45.
            settings.watching.label_selectors[*_group_version(child), child.plural] = LABEL_KIND

    return configure


def _parent_handler(operator: Operator, kind: str, plural: str) -> Handler:
    async def handle(event: Any, **_: Any) -> None:
        manifest = _manifest(event, kind=kind, api_version=API_VERSION)
        if key := _take(operator, kind, plural, event["type"], manifest):
            operator.enqueue(key)

    return handle


def _child_handler(operator: Operator, child: ChildKind) -> Handler:
    async def handle(event: Any, **_: Any) -> None:
        manifest = _manifest(event, kind=child.kind, api_version=child.api_version)
        if key := _take(operator, child.kind, child.plural, event["type"], manifest):
            operator.queue.add_after(key, CHILD_DEBOUNCE_SECONDS)

    return handle


def _manifest(event: Any, *, kind: str, api_version: str) -> Manifest:
    """The object of an event; items of a list do not say themselves what they are."""
    return {"kind": kind, "apiVersion": api_version, **event["object"]}


def _take(operator: Operator, kind: str, plural: str, event_type: str | None, manifest: Manifest) -> Key | None:
    operator.watches.delivered(plural, int(manifest["metadata"]["resourceVersion"]))
    if event_type == "DELETED":
        return operator.store.remove(kind, manifest)
    return operator.store.upsert(kind, manifest)


async def _login(**kwargs: Any) -> kopf.ConnectionInfo | None:
    return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)

"""Events for people: what happened to an object, as `kubectl describe` shows it."""

import uuid
from datetime import datetime

from springtide.api.constants import FIELD_MANAGER
from springtide.cluster.client import Client
from springtide.core.decision import Event, Manifest


async def post(client: Client, event: Event, parent: Manifest, *, instance: str, now: datetime) -> None:
    """Tell of an event of an object. Raises ApiError and OSError; nothing depends on its success.

    instance: which replica tells it.
    """
    metadata = parent["metadata"]
    stamp = now.isoformat(timespec="seconds").replace("+00:00", "Z")
    body = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{metadata['name']}.{uuid.uuid4().hex[:16]}", "namespace": metadata["namespace"]},
        "type": event.type,
        "reason": event.reason,
        "message": event.message[:1024],
        "involvedObject": {
            "apiVersion": parent["apiVersion"],
            "kind": parent["kind"],
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
        },
        "source": {"component": FIELD_MANAGER, "host": instance},
        "firstTimestamp": stamp,
        "lastTimestamp": stamp,
        "count": 1,
    }
    await client.request("create", "v1", "events", namespace=metadata["namespace"], body=body)

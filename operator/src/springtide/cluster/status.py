"""One status write a pass, and only over the status that the decision was made from."""

from typing import Any

from springtide.api.base import ApiModel, CustomResource
from springtide.api.constants import API_VERSION
from springtide.cluster.client import JSON_PATCH, ApiError, Client
from springtide.core.decision import Manifest


class StaleError(Exception):
    """The object has changed or gone since it was observed: wait for the news and decide again."""


def differs(parent: Manifest, status: ApiModel) -> bool:
    """Whether writing the status would change anything."""
    before: object = parent.get("status", {})
    return before != status.to_wire()


async def write(client: Client, resource: CustomResource, parent: Manifest, status: ApiModel) -> dict[str, Any]:
    """Replace the status of the object; returns the object as it is now. Raises StaleError, ApiError, OSError.

    The resourceVersion in the patch is a precondition: the API server answers 409 if the object has changed.
    """
    metadata = parent["metadata"]
    patch = [
        {"op": "replace", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
        {"op": "add", "path": "/status", "value": status.to_wire()},
    ]
    try:
        return await client.request(
            "patch",
            API_VERSION,
            resource.plural,
            namespace=metadata["namespace"],
            name=metadata["name"],
            subresource="status",
            body=patch,
            content_type=JSON_PATCH,
        )
    except ApiError as error:
        if error.code in (404, 409):
            raise StaleError(error.message) from error
        raise

"""Children are made by server-side apply and removed by uid."""

from typing import Any

from springtide.api.constants import FIELD_MANAGER, Reason
from springtide.cluster.client import APPLY_PATCH, ApiError, Client
from springtide.core.decision import Child, Deletion
from springtide.core.kind import ChildKind


class RefusedError(Exception):
    """The API server does not take a child, and would not take it a moment later."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


async def apply(client: Client, child: Child, kinds: tuple[ChildKind, ...]) -> dict[str, Any]:
    """Make the child be there; returns it as it is in the cluster.

    Without `force` a field that another controller has changed since (a queue lets a Job start) stays as it is.
    Raises RefusedError where the API server refuses, and ApiError or OSError where trying again can help.
    """
    manifest = child.manifest
    name, namespace = manifest["metadata"]["name"], manifest["metadata"]["namespace"]
    plural = _plural(manifest["kind"], kinds)
    query: dict[str, str | int] = {"fieldManager": FIELD_MANAGER, **({"force": "true"} if child.force else {})}
    try:
        return await client.request(
            "patch",
            manifest["apiVersion"],
            plural,
            namespace=namespace,
            name=name,
            body=manifest,
            content_type=APPLY_PATCH,
            query=query,
        )
    except ApiError as error:
        if error.code in (409, 422) and (found := await _existing(client, child, plural)):
            return found
        if error.code in (400, 403, 422):
            reason = Reason.FORBIDDEN if error.code == 403 else Reason.REJECTED
            raise RefusedError(reason, f"the API server refused {manifest['kind']} {name}: {error.message}") from error
        raise


async def _existing(client: Client, child: Child, plural: str) -> dict[str, Any] | None:
    """The object that is there already, if it is ours; None if there is none."""
    metadata = child.manifest["metadata"]
    try:
        found = await client.request(
            "get", child.manifest["apiVersion"], plural, namespace=metadata["namespace"], name=metadata["name"]
        )
    except ApiError as error:
        if error.code == 404:
            return None
        raise
    if not child.owned or _owner_uid(found) == _owner_uid(child.manifest):
        return found
    message = f"{child.manifest['kind']} {metadata['name']} exists and belongs to something else; delete or rename it"
    raise RefusedError(Reason.NAME_TAKEN, message)


async def delete(client: Client, deletion: Deletion, kinds: tuple[ChildKind, ...], *, namespace: str) -> None:
    """Remove the object of this uid with what it owns. That it is gone, or is another by now, is as good."""
    try:
        await client.request(
            "delete",
            deletion.api_version,
            _plural(deletion.kind, kinds),
            namespace=namespace,
            name=deletion.name,
            body={"preconditions": {"uid": deletion.uid}, "propagationPolicy": "Background"},
        )
    except ApiError as error:
        if error.code not in (404, 409):
            raise


def _plural(kind: str, kinds: tuple[ChildKind, ...]) -> str:
    return next(child.plural for child in kinds if child.kind == kind)


def _owner_uid(manifest: Any) -> str:
    owners = manifest["metadata"].get("ownerReferences", ())
    return next((owner["uid"] for owner in owners if owner.get("controller")), "")

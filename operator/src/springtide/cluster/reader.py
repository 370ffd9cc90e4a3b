"""Full lists, page by page."""

from collections.abc import AsyncIterator, Iterable
from typing import Any

from springtide.cluster.client import Client

PAGE = 250
"""Objects in a page: some 2 MB of JSON at a time."""


async def pages(
    client: Client,
    group_version: str,
    plural: str,
    *,
    kind: str,
    namespaces: Iterable[str] = (),
    label_selector: str | None = None,
) -> AsyncIterator[tuple[list[dict[str, Any]], int]]:
    """The objects of a kind as (objects, resourceVersion of the list), in pages.

    namespaces: what to list; empty means all. Lists leave `kind` and `apiVersion` of their items out; here they are
    put back.
    """
    for namespace in tuple(namespaces) or (None,):
        query: dict[str, str | int] = {"limit": PAGE} | ({"labelSelector": label_selector} if label_selector else {})
        while True:
            answer = await client.request("list", group_version, plural, namespace=namespace, query=query)
            items = [{"kind": kind, "apiVersion": group_version, **item} for item in answer["items"]]
            yield items, int(answer["metadata"]["resourceVersion"])
            if not (more := answer["metadata"].get("continue")):
                break
            query = {**query, "continue": more}

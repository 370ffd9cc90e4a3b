"""Full lists, page by page."""

from collections.abc import AsyncIterator
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
    namespace: str | None = None,
    label_selector: str | None = None,
) -> AsyncIterator[tuple[list[dict[str, Any]], int]]:
    """The objects of a kind as (objects, resourceVersion of the list), in pages of one consistent list.

    namespace: what to list; None means all. Lists leave `kind` and `apiVersion` of their items out; here they are
    put back.
    """
    query: dict[str, str | int] = {"limit": PAGE} | ({"labelSelector": label_selector} if label_selector else {})
    while True:
        answer = await client.request("list", group_version, plural, namespace=namespace, query=query)
        items = [{"kind": kind, "apiVersion": group_version, **item} for item in answer["items"]]
        yield items, int(answer["metadata"]["resourceVersion"])
        if not (more := answer["metadata"].get("continue")):
            return
        query = {**query, "continue": more}

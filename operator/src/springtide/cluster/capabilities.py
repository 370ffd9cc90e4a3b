"""Which optional parts the cluster has: asked at start and at every resync, never assumed."""

from springtide.cluster.client import Client

OPTIONAL = frozenset({"kueue.x-k8s.io"})
"""API groups that a kind makes use of where they are served."""


async def detect(client: Client) -> frozenset[str]:
    """The optional API groups that the cluster serves."""
    return OPTIONAL & await client.api_groups()

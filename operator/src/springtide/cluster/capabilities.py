"""Which optional parts the cluster has: asked at start and at every resync, never assumed."""

from springtide.cluster.client import Client

OPTIONAL: dict[str, str | None] = {"kueue.x-k8s.io": None, "serving.kserve.io": "v1beta1"}
"""API groups that a kind makes use of where they are served, and the version that it needs; None: any.

Of KServe's kinds InferenceService alone has a v1beta1, and KServe can be installed without it.
"""


async def detect(client: Client) -> frozenset[str]:
    """The optional API groups that the cluster serves."""
    served = await client.api_groups()
    return frozenset(group for group, version in OPTIONAL.items() if group in served and _has(served[group], version))


def _has(versions: frozenset[str], version: str | None) -> bool:
    return version is None or version in versions

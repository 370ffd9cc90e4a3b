"""Where a pod finds the files of a source."""

from springtide.api.data import Source
from springtide.core.workload_pod import SOURCE_MOUNT


def uri_of(source: Source) -> str:
    """The URI of the files as the pod sees them."""
    if source.uri:
        return source.uri
    assert source.volume is not None, "the API server takes a source only with uri or volume"
    return f"file://{SOURCE_MOUNT}/{source.volume.path}"


def claim_of(source: Source | None) -> str | None:
    """The PersistentVolumeClaim to mount for it, if it lies on one."""
    return source.volume.claim_name if source and source.volume else None

"""From a URI to a filesystem. Credentials, endpoint and region come from the environment, as with any AWS client."""

from typing import Any

from springtide.api.constants import Reason

from springtide_workloads.errors import WorkloadError

SCHEMES = ("file", "s3")
CONNECT_SECONDS = 5
READ_SECONDS = 60
ATTEMPTS = 4


def open_filesystem(uri: str) -> tuple[Any, str]:
    """The fsspec filesystem of a `file://` or `s3://` URI, and the path in it without its scheme."""
    import fsspec

    scheme, separator, _ = uri.partition("://")
    if not separator or scheme not in SCHEMES:
        raise WorkloadError(Reason.INVALID_SPEC, f"{uri}: the URI must begin with file:// or s3://")
    filesystem, path = fsspec.core.url_to_fs(uri, **_options(scheme))
    return filesystem, path


def _options(scheme: str) -> dict[str, Any]:
    if scheme != "s3":
        return {}
    retries = {"max_attempts": ATTEMPTS, "mode": "standard"}
    return {
        "config_kwargs": {"connect_timeout": CONNECT_SECONDS, "read_timeout": READ_SECONDS, "retries": retries},
        "use_listings_cache": False,  # another process may just have written
    }

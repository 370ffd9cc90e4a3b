"""Is MLflow there at all? Asked before hours of training rather than after, and without importing MLflow."""

import http.client
import time
import urllib.error
import urllib.request

from springtide.api.constants import Reason

from springtide_workloads.errors import WorkloadError

ATTEMPTS = 3
TIMEOUT_SECONDS = 5
PAUSE_SECONDS = 1.0


def check_reachable(tracking_uri: str) -> None:
    """Raises TrackingUnavailable after about 20 seconds at most. A local tracking store is always there."""
    if not tracking_uri.startswith(("http://", "https://")):
        return
    trouble = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_SECONDS)
        try:
            with urllib.request.urlopen(f"{tracking_uri.rstrip('/')}/health", timeout=TIMEOUT_SECONDS):  # noqa: S310  # http(s) only
                return
        except urllib.error.HTTPError as error:
            if error.code < 500:
                return  # it answers; what it thinks of us, the first real call tells
            trouble = f"HTTP {error.code}"
        except (OSError, http.client.HTTPException) as error:
            trouble = str(error)
    raise WorkloadError(Reason.TRACKING_UNAVAILABLE, f"MLflow at {tracking_uri} could not be reached: {trouble}")

"""What runs the servers: chosen once, and on record before anything is made."""

from typing import Literal

from springtide.api.constants import KSERVE
from springtide.core.model_service.observed import ObservedService

Backend = Literal["KServe", "Deployment"]


def backend_of(service: ObservedService) -> Backend:
    """The choice on record, or the one to be put on record."""
    status, spec = service.status, service.spec
    assert spec is not None, "nothing is chosen for a spec that does not parse"
    if status.backend:
        return status.backend
    if status.stable or (status.candidate and status.candidate.digest):
        return "Deployment"  # from before there was a choice
    if spec.backend != "Auto":
        return spec.backend
    return "KServe" if KSERVE in service.capabilities else "Deployment"


def missing_capability(service: ObservedService) -> str:
    """What the chosen backend needs and the cluster does not serve, if anything."""
    if backend_of(service) != "KServe" or KSERVE in service.capabilities:
        return ""
    hint = "install KServe, or create another ModelService with `backend: Deployment`"
    return f"the backend KServe needs InferenceServices ({KSERVE}/v1beta1), which this cluster does not serve; {hint}"

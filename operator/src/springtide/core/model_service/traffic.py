"""Who gets the requests: the Service of a ModelService, and how many servers each version has for its share."""

from springtide.api.constants import LABEL_KIND, LABEL_MODEL, LABEL_NAME, LABEL_ROLE, LABEL_UID, Role
from springtide.core.decision import Child
from springtide.core.model_service.applied import signed
from springtide.core.model_service.observed import ObservedService
from springtide.core.model_service.track import PORT, owned


def service_child(service: ObservedService, *, model: str | None) -> Child:
    """The Service that people send requests to. model: whose servers get them; None: those of all versions."""
    everyone = {
        LABEL_KIND: "ModelService",
        LABEL_NAME: service.name,
        LABEL_UID: service.uid,
        LABEL_ROLE: Role.SERVER,
    }
    manifest = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": owned(service, name=service.name, of={LABEL_KIND: "ModelService", LABEL_NAME: service.name}),
        "spec": {
            "selector": everyone | ({LABEL_MODEL: model} if model else {}),
            "ports": [{"name": "http", "port": 80, "targetPort": PORT, "protocol": "TCP"}],
        },
    }
    return Child(signed(manifest), force=True)


def replicas_for(weight: int, *, total: int) -> tuple[int, int]:
    """(stable, candidate): servers such that the candidate has about `weight` percent of them.

    A Service chooses among servers, so a share is a number of servers. Either has one at least, and together there
    are never fewer than `total`.
    """
    if weight <= 50:
        return total, max(1, round(total * weight / (100 - weight)))
    return max(1, round(total * (100 - weight) / weight)), total

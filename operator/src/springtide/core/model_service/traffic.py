"""Who gets the requests: the Service of a ModelService, what protects those who answer it, and what a share is."""

from springtide.api.constants import LABEL_KIND, LABEL_MODEL, LABEL_NAME, LABEL_ROLE, LABEL_UID, Role
from springtide.core.decision import Child
from springtide.core.kind import POD_DISRUPTION_BUDGET
from springtide.core.model_service.applied import signed
from springtide.core.model_service.observed import ObservedService
from springtide.core.model_service.track import PORT, owned


def service_child(service: ObservedService, *, model: str | None) -> Child:
    """The Service that people send requests to. model: whose servers get them; None: those of all versions."""
    manifest = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": owned(service, name=service.name, of={LABEL_KIND: "ModelService", LABEL_NAME: service.name}),
        "spec": {
            "selector": _servers(service, model),
            "ports": [{"name": "http", "port": 80, "targetPort": PORT, "protocol": "TCP"}],
        },
    }
    return Child(signed(manifest), force=True)


def budget_child(service: ObservedService, *, model: str | None) -> Child:
    """What a drain of nodes must leave of the servers that get requests: all but one. model: as of `service_child`.

    A pod that does not answer anyway may always go, so that it cannot hold up a drain.
    """
    assert service.spec is not None, "nothing is made for a spec that does not parse"
    manifest = {
        "apiVersion": POD_DISRUPTION_BUDGET.api_version,
        "kind": POD_DISRUPTION_BUDGET.kind,
        "metadata": owned(service, name=service.name, of={LABEL_KIND: "ModelService", LABEL_NAME: service.name}),
        "spec": {
            "minAvailable": max(1, service.spec.replicas.min - 1),
            "selector": {"matchLabels": _servers(service, model)},
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }
    return Child(signed(manifest), force=True)


def _servers(service: ObservedService, model: str | None) -> dict[str, str]:
    """The labels of the servers that get requests."""
    everyone = {
        LABEL_KIND: "ModelService",
        LABEL_NAME: service.name,
        LABEL_UID: service.uid,
        LABEL_ROLE: Role.SERVER,
    }
    return everyone | ({LABEL_MODEL: model} if model else {})


def replicas_for(weight: int, *, total: int) -> tuple[int, int]:
    """(stable, candidate): servers such that the candidate has about `weight` percent of them.

    A Service chooses among servers, so a share is a number of servers. Either has one at least, and together there
    are never fewer than `total`.
    """
    if weight <= 50:
        return total, max(1, round(total * weight / (100 - weight)))
    return max(1, round(total * (100 - weight) / weight)), total

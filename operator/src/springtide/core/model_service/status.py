"""Conditions, reasons and the sentences a person reads. They tell what is observed, not what was asked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from springtide.api.constants import ConditionType, Reason
from springtide.api.model_service import ModelServiceStatus
from springtide.core.conditions import Statement, state
from springtide.core.model_service.health import trouble
from springtide.core.model_service.observed import ObservedService
from springtide.core.model_service.plan import Plan, plan

DOMAIN = "svc.cluster.local"


@dataclass(frozen=True)
class Doing:
    """How the rollout is. how: on its way; nothing to do; a person must mend or decide something first."""

    how: Literal["Working", "Resting", "Held"]
    reason: str
    message: str


def write(service: ObservedService, status: ModelServiceStatus, doing: Doing, *, now: datetime) -> ModelServiceStatus:
    """The whole status: what is given, with what is observed and the conditions that follow."""
    wanted = plan(service.spec, status) if service.spec else None
    ready = _receiving(service, wanted) if wanted else 0
    statements = (
        _ready(service, status, doing, ready=ready),
        Statement(
            ConditionType.PROGRESSING, "True" if doing.how == "Working" else "False", doing.reason, doing.message
        ),
        Statement(
            ConditionType.RECONCILING, "True" if doing.how == "Working" else "False", doing.reason, doing.message
        ),
        Statement(ConditionType.STALLED, "True" if doing.how == "Held" else "False", doing.reason, doing.message),
    )
    return status.model_copy(
        update={
            "observed_generation": service.generation,
            "ready_replicas": ready,
            "url": f"http://{service.name}.{service.namespace}.{DOMAIN}" if status.stable else None,
            "conditions": state(statements, before=service.status.conditions, generation=service.generation, now=now),
        }
    )


def _receiving(service: ObservedService, wanted: Plan) -> int:
    """How many servers that get requests are ready."""
    models = [track.model for track in wanted.tracks] if wanted.traffic is None else [wanted.traffic]
    return sum(service.ready(model) for model in models)


def _ready(service: ObservedService, status: ModelServiceStatus, doing: Doing, *, ready: int) -> Statement:
    stable, spec = status.stable, service.spec
    if stable is None or spec is None:
        if stable is None and doing.how == "Working":
            return Statement(ConditionType.READY, "Unknown", doing.reason, doing.message)
        return Statement(ConditionType.READY, "False", doing.reason, doing.message)
    total = spec.replicas.min
    if ready >= total:
        message = f"version {stable.version} ({stable.digest[:19]}) answers on {total} servers"
        return Statement(ConditionType.READY, "True", Reason.SERVING, message)
    why = trouble(tuple(server for server in service.servers if not server.deleted))
    words = f"; {why.message}" if why else ""
    message = f"{ready} of {total} servers are ready{words}"
    return Statement(ConditionType.READY, "False", Reason.TOO_FEW_REPLICAS, message)

"""Conditions, reasons and the sentences a person reads. They tell what is observed, not what was asked."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from springtide.api.constants import ConditionType, Reason
from springtide.api.model_service import ModelServiceStatus
from springtide.core.conditions import Statement, state
from springtide.core.model_service.health import trouble
from springtide.core.model_service.observed import ObservedService
from springtide.core.model_service.plan import Plan, plan
from springtide.core.model_service.track import Track, model_label

DOMAIN = "svc.cluster.local"


@dataclass(frozen=True)
class Doing:
    """How the rollout is. how: on its way; nothing to do; a person must mend or decide something first."""

    how: Literal["Working", "Resting", "Held"]
    reason: str
    message: str


def write(service: ObservedService, status: ModelServiceStatus, doing: Doing, *, now: datetime) -> ModelServiceStatus:
    """The whole status: what is given, with what is observed and the conditions that follow."""
    wanted = plan(service.spec, status, ready=service.ready) if service.spec else None
    statements = (
        _ready(service, status, doing, receiving=_receiving(service, wanted)),
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
            "ready_replicas": service.ready(model_label(status.stable.digest)) if status.stable else 0,
            "url": f"http://{service.name}.{service.namespace}.{DOMAIN}" if status.stable else None,
            "conditions": state(statements, before=service.status.conditions, generation=service.generation, now=now),
        }
    )


def _receiving(service: ObservedService, wanted: Plan | None) -> tuple[Track, ...]:
    """The versions that get requests, each with so many servers as are ready."""
    if wanted is None:
        return ()
    asked = [track for track in wanted.tracks if wanted.traffic in (None, track.model)]
    return tuple(replace(track, replicas=service.ready(track.model)) for track in asked)


def _ready(
    service: ObservedService, status: ModelServiceStatus, doing: Doing, *, receiving: tuple[Track, ...]
) -> Statement:
    spec = service.spec
    if status.stable is None or spec is None:
        if status.stable is None and doing.how == "Working":
            return Statement(ConditionType.READY, "Unknown", doing.reason, doing.message)
        return Statement(ConditionType.READY, "False", doing.reason, doing.message)
    ready, total = sum(track.replicas for track in receiving), spec.replicas.min
    if ready >= total:
        return Statement(ConditionType.READY, "True", Reason.SERVING, ", ".join(_answers(track) for track in receiving))
    why = trouble(tuple(server for track in receiving for server in service.servers_of(track.model)))
    whose = ", ".join(f"{track.replicas} of version {track.version}" for track in receiving)
    message = f"{ready} of {total} servers are ready: {whose}{f'; {why.message}' if why else ''}"
    return Statement(ConditionType.READY, "False", Reason.TOO_FEW_REPLICAS, message)


def _answers(track: Track) -> str:
    servers = "1 server" if track.replicas == 1 else f"{track.replicas} servers"
    return f"version {track.version} ({track.digest[:19]}) answers on {servers}"

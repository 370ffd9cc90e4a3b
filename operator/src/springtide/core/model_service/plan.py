"""Which servers there should be and who gets the requests: a function of spec, status and who is ready.

A step of a rollout is a change of the status. What has to be made for it follows from here, so a crash between any two
effects is mended by planning again.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from springtide.api.model_service import Candidate, ModelServiceSpec, ModelServiceStatus
from springtide.core.model_service.track import Track
from springtide.core.model_service.traffic import replicas_for


@dataclass(frozen=True)
class Plan:
    """tracks: what serves each version. traffic: the model whose servers get requests; None: all of them."""

    tracks: tuple[Track, ...]
    traffic: str | None

    def replicas(self, model: str) -> int:
        """How many servers a model has."""
        return next((track.replicas for track in self.tracks if track.model == model), 0)


def plan(spec: ModelServiceSpec, status: ModelServiceStatus, *, ready: Callable[[str], int]) -> Plan | None:
    """What should be there; None before there is anything to serve. ready: how many servers of a model are."""
    total, stable, candidate = spec.replicas.min, status.stable, status.candidate
    coming = candidate if candidate and candidate.digest and candidate.uri else None
    if stable is None:
        return _first(coming, total=total) if coming else None
    serving = Track(stable.version, stable.digest, stable.uri, total)
    kept = status.previous
    before = (Track(kept.version, kept.digest, kept.uri, total),) if kept else ()
    if coming is None:
        return Plan((serving, *before), serving.model)
    staying, arriving = _shares(spec, coming, total=total)
    arrived = _track(coming, arriving)
    shared = coming.phase in ("Canary", "TakingOver")
    # A server goes when another one can take its place, so that there are never too few.
    staying = max(staying, total - ready(arrived.model) if shared else total)
    return Plan((replace(serving, replicas=staying), arrived, *before), None if shared else serving.model)


def _first(candidate: Candidate, *, total: int) -> Plan:
    track = _track(candidate, total)
    return Plan((track,), track.model)


def _track(candidate: Candidate, replicas: int) -> Track:
    assert candidate.digest, "asked once it was looked up"
    assert candidate.uri, "asked once it was looked up"
    return Track(candidate.version, candidate.digest, candidate.uri, replicas)


def _shares(spec: ModelServiceSpec, candidate: Candidate, *, total: int) -> tuple[int, int]:
    """(stable, candidate) servers."""
    if candidate.phase == "TakingOver":
        return total, total
    steps = spec.rollout.steps
    if not steps:
        return total, total
    step = steps[min(candidate.step, len(steps) - 1)]
    return replicas_for(step.weight, total=total)

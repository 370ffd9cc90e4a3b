"""How a rollout goes on: each function is one transition of the status, or says what is waited for.

    Resolving -> Loading -> Canary, step by step -> TakingOver -> stable
                    \\__________\\________________________________ quarantine

Nothing here makes anything: what a status needs follows from it (`plan`).
"""

from datetime import datetime, timedelta

from springtide.api.constants import Reason
from springtide.api.model_service import (
    QUARANTINED_LISTED,
    Candidate,
    ModelServiceStatus,
    Previous,
    Quarantined,
    Served,
)
from springtide.core.model_service.wanted import Wanted

MESSAGE_LIMIT = 1024


def begin(status: ModelServiceStatus, wanted: Wanted, *, now: datetime) -> ModelServiceStatus:
    """Another version is asked for. The one before the stable, if it still runs, takes over at once."""
    candidate = Candidate(version=wanted.version, phase_time=_second(now), number=status.candidates + 1)
    begun = status.model_copy(update={"candidate": candidate, "candidates": candidate.number})
    kept = status.previous
    return _going_back(begun, kept, now=now) if kept and wanted.is_of(kept.version, kept.digest) else begun


def _going_back(status: ModelServiceStatus, kept: Previous, *, now: datetime) -> ModelServiceStatus:
    """The candidate is the version that is kept: its servers run, and it was judged before."""
    return _to(let_go(status), now=now, phase="TakingOver", digest=kept.digest, uri=kept.uri)


def let_go(status: ModelServiceStatus) -> ModelServiceStatus:
    """The version before is not kept any longer."""
    return status.model_copy(update={"previous": None})


def abandon(status: ModelServiceStatus) -> ModelServiceStatus:
    """Nobody asks for the candidate any more."""
    return status.model_copy(update={"candidate": None})


def resolved(status: ModelServiceStatus, *, digest: str, uri: str, now: datetime) -> ModelServiceStatus:
    """It was found in the registry, and its files are whole."""
    candidate, stable = _candidate(status), status.stable
    if stable and stable.digest == digest:
        # The same model under another number: there is nothing to roll out.
        renamed = stable.model_copy(update={"version": candidate.version})
        return status.model_copy(update={"stable": renamed, "candidate": None})
    if status.previous and status.previous.digest == digest:
        return _going_back(status, status.previous, now=now)
    return _to(status, now=now, phase="Loading", digest=digest, uri=uri)


def no_place(status: ModelServiceStatus, *, reason: str, message: str) -> ModelServiceStatus:
    """Its servers find no place to run, which is not the model's fault. That of the version before may be one."""
    update = {"failure": message[:MESSAGE_LIMIT], "failure_reason": reason}
    return let_go(status.model_copy(update={"candidate": _candidate(status).model_copy(update=update)}))


def started(status: ModelServiceStatus, *, now: datetime) -> ModelServiceStatus:
    """Servers that had no place to run do run: they have as long as any others to become ready."""
    return _to(status, now=now, phase="Loading")


def loaded(status: ModelServiceStatus, *, steps: int, now: datetime) -> ModelServiceStatus:
    """Its servers are ready. The first version of all has nobody to be compared with."""
    if steps == 0 or status.stable is None:
        return _to(status, now=now, phase="TakingOver")
    return _to(status, now=now, phase="Canary", step=0)


def passed(status: ModelServiceStatus, *, steps: int, weight: int | None, now: datetime) -> ModelServiceStatus:
    """A step's checks have held."""
    following = _candidate(status).step + 1
    if following >= steps:
        return _to(status, now=now, phase="TakingOver", weight=weight)
    return _to(status, now=now, phase="Canary", step=following, weight=weight)


def held(status: ModelServiceStatus, *, message: str, weight: int | None, now: datetime) -> ModelServiceStatus:
    """Nothing can be said of a step yet: it goes on."""
    candidate = _candidate(status)
    again = {"attempt": candidate.attempt + 1, "weight": weight, "failure": message[:MESSAGE_LIMIT]}
    return _to(status, now=now, **again, failure_reason=Reason.INCONCLUSIVE)


def failed(status: ModelServiceStatus, *, reason: str, message: str, now: datetime) -> ModelServiceStatus:
    """A Job of the phase did not do its work: there will be another, later."""
    candidate = _candidate(status)
    update = {
        "attempt": candidate.attempt + 1,
        "failures": candidate.failures + 1,
        "failure_time": _second(now),
        "failure": message[:MESSAGE_LIMIT],
        "failure_reason": reason,
    }
    return status.model_copy(update={"candidate": candidate.model_copy(update=update)})


def taken_over(status: ModelServiceStatus, *, keep_seconds: int, now: datetime) -> ModelServiceStatus:
    """All its servers are ready: it is the stable version now, and the one before is kept for a while."""
    candidate, stable = _candidate(status), status.stable
    assert candidate.digest, "a candidate that takes over was looked up"
    assert candidate.uri, "a candidate that takes over was looked up"
    serves = Served(version=candidate.version, digest=candidate.digest, uri=candidate.uri, since=_second(now))
    kept = None
    if stable and keep_seconds:
        until = _second(now) + timedelta(seconds=keep_seconds)
        kept = Previous(**stable.model_dump(exclude={"until"}), until=until)
    return status.model_copy(update={"stable": serves, "candidate": None, "previous": kept})


def rolled_back(status: ModelServiceStatus, *, reason: str, message: str, now: datetime) -> ModelServiceStatus:
    """The candidate is taken back, and its model is not tried again until a person says so."""
    candidate = _candidate(status)
    assert candidate.digest, "only what was looked up can fail"
    entry = Quarantined(
        digest=candidate.digest,
        version=candidate.version,
        reason=reason,
        message=message[:MESSAGE_LIMIT],
        time=_second(now),
    )
    others = tuple(item for item in status.quarantined if item.digest != entry.digest)
    listed = (entry, *others)[:QUARANTINED_LISTED]
    return status.model_copy(update={"candidate": None, "quarantined": listed})


def released(status: ModelServiceStatus, value: str) -> ModelServiceStatus:
    """A person has said that a version may be tried again."""
    left = tuple(item for item in status.quarantined if item.version != value)
    return status.model_copy(update={"quarantined": left, "released": value})


def _candidate(status: ModelServiceStatus) -> Candidate:
    assert status.candidate is not None, "asked of a rollout"
    return status.candidate


def _to(status: ModelServiceStatus, *, now: datetime, **update: object) -> ModelServiceStatus:
    fresh: dict[str, object] = {
        "phase_time": _second(now),
        "attempt": 1,
        "failures": 0,
        "failure_time": None,
        "failure": None,
        "failure_reason": None,
    }
    return status.model_copy(update={"candidate": _candidate(status).model_copy(update=fresh | update)})


def _second(now: datetime) -> datetime:
    return now.replace(microsecond=0)

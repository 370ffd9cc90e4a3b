"""Which version is released: the one place where it is written down. ModelServices follow it.

A run says in its own status that its challenger is to be promoted, or taken back; the policy names the champion. Each
step can be done again: that it was done is seen from the status itself.
"""

from datetime import datetime

from springtide.api.retrain_policy import QUARANTINED_LISTED, Champion, QuarantinedModel, RetrainPolicyStatus
from springtide.core.retrain_policy.observed import ObservedPolicy, Run
from springtide.core.retrain_policy.triggers import rows_now


def follow(status: RetrainPolicyStatus, run: Run, *, now: datetime) -> RetrainPolicyStatus:
    """The status after what a run under way asks for."""
    if run.status.phase == "RollingBack":
        return _taken_back(status, run)
    if run.status.promoted_time and run.status.phase in ("RollingOut", "Watching"):
        return _promoted(status, run, now=now)
    return status


def adopted(policy: ObservedPolicy, *, now: datetime) -> Champion | None:
    """What the service serves already, where there is no champion: it is the one to beat."""
    service = policy.service
    if policy.status.champion or service is None or service.follows != policy.name:
        return None
    stable = service.status.stable
    if stable is None or any(item.digest == stable.digest for item in policy.status.quarantined):
        return None
    return Champion(
        version=stable.version,
        digest=stable.digest,
        uri=stable.uri,
        since=(stable.since or now).replace(microsecond=0),
    )


def released(policy: ObservedPolicy) -> RetrainPolicyStatus:
    """The status after what a person lets be promoted again, by the name of the run that had promoted it."""
    status, name = policy.status, policy.released
    if not name or name == status.released:
        return status
    left = tuple(item for item in status.quarantined if item.run != name)
    return status.model_copy(update={"quarantined": left, "released": name})


def rows_from_now(policy: ObservedPolicy) -> int | None:
    """From how many rows growth is counted."""
    seen = policy.status.seen_rows
    return rows_now(policy) if seen is None else seen


def _promoted(status: RetrainPolicyStatus, run: Run, *, now: datetime) -> RetrainPolicyStatus:
    challenger = run.status.challenger
    assert challenger is not None, "only a run with a challenger decides to promote one"
    if status.champion and status.champion.run == run.name:
        return status
    champion = Champion(
        version=challenger.version,
        digest=challenger.digest,
        uri=challenger.uri,
        since=now.replace(microsecond=0),
        run=run.name,
    )
    return status.model_copy(update={"champion": champion, "previous": status.champion})


def _taken_back(status: RetrainPolicyStatus, run: Run) -> RetrainPolicyStatus:
    challenger = run.status.challenger
    assert challenger is not None, "only a run with a challenger takes one back"
    if status.champion and status.champion.run == run.name:
        status = status.model_copy(update={"champion": status.previous, "previous": None})
    if any(item.digest == challenger.digest for item in status.quarantined):
        return status
    entry = QuarantinedModel(digest=challenger.digest, run=run.name)
    return status.model_copy(update={"quarantined": (entry, *status.quarantined)[:QUARANTINED_LISTED]})

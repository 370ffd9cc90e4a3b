"""What holds a run back though it was triggered: one reason each, and a sentence that says what, or until when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from springtide.api.constants import ConditionType, Reason
from springtide.core.conditions import find
from springtide.core.retrain_policy.observed import ObservedPolicy
from springtide.core.windows import stamp

MONTH = timedelta(days=30)


@dataclass(frozen=True)
class Hold:
    """Why no run begins. until: when it ends by itself. needs_person: whether nothing else ends it."""

    reason: Reason
    message: str
    until: datetime | None = None
    needs_person: bool = False


def hold(policy: ObservedPolicy, *, now: datetime) -> Hold | None:
    """What holds back a run that begins by itself."""
    return (
        hold_of_any(policy)
        or _unseen(policy)
        or _useless(policy)
        or _cooling(policy, now=now)
        or _spent(policy, now=now)
    )


def hold_of_any(policy: ObservedPolicy) -> Hold | None:
    """What holds back even a run that a person asks for."""
    if policy.following.suspend:
        return Hold(Reason.SUSPENDED, "suspended by spec.suspend: no run is begun")
    return _other_service(policy) or _no_data(policy) or _contract(policy) or _broken(policy)


def _other_service(policy: ObservedPolicy) -> Hold | None:
    """The service must take its version from this policy: two policies would pull it to and fro."""
    ref, service = policy.following.service_ref, policy.service
    if ref is None:
        return None
    if service is None:
        return Hold(Reason.MODEL_SERVICE_NOT_READY, f"there is no ModelService {ref.name}")
    if service.follows != policy.name:
        other = f"from RetrainPolicy {service.follows}" if service.follows else "from its own spec.model.version"
        hint = f"set its spec.versionFrom.retrainPolicyRef.name to {policy.name}, or leave out spec.serviceRef here"
        message = f"ModelService {ref.name} takes its version {other}; {hint}"
        return Hold(Reason.SERVICE_FOLLOWS_OTHER, message, needs_person=True)
    model = policy.following.template.model.name
    if service.model != model:
        message = f"ModelService {ref.name} serves model {service.model}, but spec.template.model.name is {model}"
        return Hold(Reason.SERVICE_FOLLOWS_OTHER, message, needs_person=True)
    return None


def _no_data(policy: ObservedPolicy) -> Hold | None:
    name = _dataset_name(policy)
    dataset = policy.datasets.get(name)
    if dataset is None:
        return Hold(Reason.DATASET_NOT_READY, f"there is no Dataset {name}")
    if dataset.latest is None:
        hint = f"`kubectl describe dataset {name}` says why"
        return Hold(Reason.DATASET_NOT_READY, f"Dataset {name} has no snapshot yet; {hint}")
    return None


def _contract(policy: ObservedPolicy) -> Hold | None:
    if not policy.following.guards.require_contract_met:
        return None
    name = _dataset_name(policy)
    met = find(policy.datasets[name].conditions, ConditionType.CONTRACT_MET)
    if met and met.status == "True":
        return None
    if met and met.status == "False":
        message = f"Dataset {name} does not satisfy its contract: {met.message}"
        return Hold(Reason.CONTRACT_VIOLATED, message)
    return Hold(Reason.NOT_READ, f"it is not known yet whether Dataset {name} satisfies its contract")


def _broken(policy: ObservedPolicy) -> Hold | None:
    """The newest window of any monitor: broken data is mended, not learned."""
    for name in policy.named_monitors:
        monitor = policy.monitors.get(name)
        window = monitor.last_window if monitor else None
        if window and window.verdict == "DataBroken":
            when = f"the window until {stamp(window.end)}" if window.end else "the newest snapshot"
            words = window.message or f"{window.drifted_columns} columns are broken"
            return Hold(Reason.DATA_BROKEN, f"DriftMonitor {name} found broken data in {when}: {words}")
    return None


def _unseen(policy: ObservedPolicy) -> Hold | None:
    missing = [name for name in policy.named_monitors if name not in policy.monitors]
    if not missing:
        return None
    message = f"there is no DriftMonitor {missing[0]}: whether the data is broken cannot be told"
    return Hold(Reason.DRIFT_MONITOR_NOT_FOUND, message)


def _useless(policy: ObservedPolicy) -> Hold | None:
    """Who trains again and again without a better model should look for something else."""
    limit, rejections = policy.following.guards.max_consecutive_rejections, policy.status.rejections
    if rejections < limit:
        return None
    last = policy.status.history[0] if policy.status.history else None
    words = f"; the last one: {last.message}" if last and last.message else ""
    hint = f'`kubectl annotate rpol {policy.name} springtide.dev/retrain="$(date)" --overwrite` begins anew'
    message = f"retraining does not help: {rejections} runs in a row have promoted nothing; {hint}{words}"
    return Hold(Reason.RETRAINING_DOES_NOT_HELP, message, needs_person=True)


def _cooling(policy: ObservedPolicy, *, now: datetime) -> Hold | None:
    if not policy.status.history:
        return None
    last = policy.status.history[0]
    until = last.time + timedelta(seconds=policy.following.guards.cooldown_seconds)
    if now >= until:
        return None
    return Hold(Reason.COOLING_DOWN, f"{last.name} has ended; by itself no run begins before {stamp(until)}", until)


def _spent(policy: ObservedPolicy, *, now: datetime) -> Hold | None:
    """The budget of 30 days. It has room again when the oldest of the runs that fill it is 30 days old."""
    limit = policy.following.guards.max_runs_per_month
    begun = sorted(_begun_by_themselves(policy), reverse=True)[:limit]
    if len(begun) < limit or now >= (until := begun[-1] + MONTH):
        return None
    message = f"{limit} runs have begun by themselves in 30 days; the next one may not before {stamp(until)}"
    return Hold(Reason.BUDGET_SPENT, message, until)


def _begun_by_themselves(policy: ObservedPolicy) -> Iterable[datetime]:
    return (past.start_time for past in policy.status.history if past.trigger != "Manual")


def _dataset_name(policy: ObservedPolicy) -> str:
    return policy.following.template.data.dataset_ref.name

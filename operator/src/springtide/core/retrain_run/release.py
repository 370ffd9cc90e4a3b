"""Is the challenger served, does it keep its promise, is it gone again? What the service and the monitor say."""

from springtide.api.drift_monitor import PerformanceWindow
from springtide.api.model_service import ModelServiceStatus
from springtide.api.retrain_run import WINDOWS_WATCHED, Watched
from springtide.core.retrain_run.observed import ObservedRun
from springtide.core.retrain_run.status import MESSAGE_LIMIT
from springtide.core.windows import performed


def is_champion(run: ObservedRun) -> bool:
    """Whether the policy names the challenger as its champion."""
    champion = run.policy.status.champion if run.policy else None
    return champion is not None and champion.run == run.name


def is_serving(run: ObservedRun) -> bool:
    """Whether the service has taken the challenger over."""
    service = run.service
    is_stable = bool(service and service.stable and service.stable.digest == run.challenger.digest)
    return is_stable and service is not None and service.candidate is None


def is_gone(run: ObservedRun) -> bool:
    """Whether policy and service have let go of a challenger that is taken back."""
    policy = run.policy
    assert policy is not None, "a run without a policy has failed"
    digest = run.challenger.digest
    if is_champion(run) or all(item.digest != digest for item in policy.status.quarantined):
        return False
    # With nothing to go back to, it goes on being served.
    return run.service is None or run.status.champion is None or not _speaks_of(run.service, digest)


def refused_by_service(run: ObservedRun) -> str:
    """Why the service has taken the challenger back; empty while it has not."""
    found = run.service.quarantined if run.service else ()
    words = next((item for item in found if item.digest == run.challenger.digest), None)
    return f"the ModelService has taken it back: {words.reason}: {words.message}" if words else ""


def dropped(run: ObservedRun) -> str:
    """Why the watch takes the challenger back; empty while it does as it promised, as far as that is known."""
    ref = run.plan.watch.monitor_ref
    window = next((window for window in _windows(run) if window.outcome == "Dropped"), None)
    if window is None or ref is None:
        return ""
    return f"DriftMonitor {ref.name} saw its performance drop: {performed(window)}"


def seen_so_far(run: ObservedRun) -> str:
    """What the watch knows, in a sentence."""
    ref = run.plan.watch.monitor_ref
    if ref is None:
        return "no monitor watches it"
    if run.monitor is None:
        return f"there is no DriftMonitor {ref.name}"
    last = run.monitor.last_window
    if last and last.verdict == "DataBroken":
        return f"DriftMonitor {ref.name} found broken data, which is not held against the model: {last.message}"
    held = [window for window in _windows(run) if window.outcome == "Held"]
    if held:
        return f"DriftMonitor {ref.name} saw it keep its promise: {performed(held[0])}"
    return f"DriftMonitor {ref.name} knows of no window of it with enough labels yet"


def watched(run: ObservedRun, message: str) -> Watched:
    """What the watch saw, to be kept. message: what it came to."""
    return Watched(message=message[:MESSAGE_LIMIT], windows=_windows(run)[:WINDOWS_WATCHED])


def _windows(run: ObservedRun) -> tuple[PerformanceWindow, ...]:
    """How the challenger did by labels, the newest window first."""
    found = run.monitor.performance if run.monitor else ()
    return tuple(window for window in found if window.model == run.challenger.digest)


def withheld(run: ObservedRun) -> str:
    """Why the service will not come to the challenger by itself; empty where it will."""
    ref, policy = run.plan.service_ref, run.policy_name
    if ref is None or run.service is None or run.service_follows == policy:
        return ""
    other = f"RetrainPolicy {run.service_follows}" if run.service_follows else "its own spec.model.version"
    return (
        f"ModelService {ref.name} takes its version from {other} and will not take over version"
        f" {run.challenger.version}: set its spec.versionFrom.retrainPolicyRef.name to {policy}, or delete this run"
    )


def coming(run: ObservedRun) -> str:
    """What the service does on its way to the challenger."""
    ref, service, version = run.plan.service_ref, run.service, run.challenger.version
    if ref is None:
        return f"version {version} is released by the registry's alias"
    if service is None:
        return f"there is no ModelService {ref.name} to take over version {version}"
    how = f" ({service.candidate.phase})" if service.candidate and service.candidate.version == version else ""
    return f"ModelService {ref.name} is to take over version {version}{how}"


def _speaks_of(service: ModelServiceStatus, digest: str) -> bool:
    stable, candidate = service.stable, service.candidate
    return bool((stable and stable.digest == digest) or (candidate and candidate.digest == digest))

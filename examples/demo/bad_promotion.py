"""Act 7: a person knows better than the gates, and promotes the useless challenger by hand."""

import json
from datetime import datetime

from applicants import answers
from chaos import PATIENCE
from kubectl import read, typed
from live import Object, World, until
from origins import of_model
from story import digest, moment
from tell import say, see

ACT = 7
BACK_SECONDS = 15 * PATIENCE
"""From the evidence until the bad version answers nobody any more, at most."""
CANARY_SECONDS = 240


def play(challenger: Object) -> None:
    """The promotion, its end, and the way back."""
    bad = challenger.status["challenger"]
    before = until(lambda world: world.get("ModelService"), what="the service", seconds=10).status["stable"]
    _patch({"model": {"version": bad["version"]}, "versionFrom": None})
    world = until(
        lambda world: world if _quarantined(world, bad["digest"]) else None,
        what=f"version {bad['version']} to be taken back",
        seconds=CANARY_SECONDS,
    )
    entry = _quarantined(world, bad["digest"])
    assert entry is not None, "it was waited for"
    see(ACT, "the canary shows what it is, and it is taken back without a hand", entry["message"],
        holds=entry["reason"] == "CheckFailed",
        sources=[of_model(bad["digest"]), of_model(before["digest"])])  # fmt: skip
    see(ACT, "it is quarantined by its digest", digest(entry["digest"]), holds=entry["version"] == bad["version"])
    evidence = _evidence_time(moment(entry["time"]))
    world = until(
        lambda world: world if world.get("RetrainPolicy").ready.reason == "ServiceFollowsOther" else None,
        what="the policy to say that it is not followed",
        seconds=60,
    )
    say(f"And the policy tells: {world.get('RetrainPolicy').ready.message}")
    say("The person goes back to following it:")
    _patch({"model": {"version": None}, "versionFrom": {"retrainPolicyRef": {"name": "employment"}}})
    world = until(
        lambda world: world if _is_content(world, before["version"]) else None,
        what="the service to follow the policy again",
        seconds=90,
    )
    _check_back(bad["version"], evidence=evidence, before=before["version"])
    stable = world.get("ModelService").status["stable"]
    see(ACT, "afterwards all is as before", f"version {stable['version']} serves, {digest(stable['digest'])}",
        holds=stable["digest"] == before["digest"])  # fmt: skip


def _patch(spec: dict[str, object]) -> None:
    typed("patch", "msvc", "employment", "--type", "merge", "--patch", json.dumps({"spec": spec}))


def _quarantined(world: World, model: str) -> dict[str, str] | None:
    found = world.get("ModelService").status.get("quarantined", [])
    return next((one for one in found if one["digest"] == model), None)


def _check_back(version: str, *, evidence: datetime, before: str) -> None:
    """Looked at late: whoever still asked the bad version is counted by now."""
    now = answers()
    last = now.last.get(version)
    seconds = max(0.0, (last - evidence).total_seconds()) if last else 0.0
    see(ACT, f"within {BACK_SECONDS} s of the evidence it answered nobody any more",
        f"{seconds:.1f} s; it answered {now.versions.get(version, 0)} requests, version {before} all others",
        holds=seconds <= BACK_SECONDS and version in now.versions)  # fmt: skip
    see(ACT, "no request failed", str(now), holds=now.failures == 0)


def _evidence_time(quarantined: datetime) -> datetime:
    """When the container ended that judged the canary; when the operator read that, where its pod is gone."""
    pods = read("pods", "--selector", "springtide.dev/role=judge")["items"]
    states = [state["state"] for pod in pods for state in pod["status"].get("containerStatuses", ())]
    times = [moment(state["terminated"]["finishedAt"]) for state in states if "terminated" in state]
    return max((time for time in times if time <= quarantined), default=quarantined)


def _is_content(world: World, version: str) -> bool:
    service = world.get("ModelService")
    follows = world.get("RetrainPolicy").ready.reason != "ServiceFollowsOther"
    is_seen = service.status.get("observedGeneration") == service.document["metadata"]["generation"]
    settled = is_seen and service.condition("Progressing").status == "False"
    return bool(
        follows and settled and service.ready.status == "True" and service.status["stable"]["version"] == version
    )

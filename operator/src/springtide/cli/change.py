"""What the command line changes, by annotations and spec fields that the kinds understand, and how it waits."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from springtide.api.constants import ANNOTATION_REFRESH, ANNOTATION_RELEASE
from springtide.cli.errors import CommandError, Exit
from springtide.cli.kinds.dataset import GOOD
from springtide.cli.kinds.model_service import policy_of, quarantine_of, wanted_version
from springtide.cli.manifest import Manifest, at, condition, is_suspended, is_unseen, name_of, text_at
from springtide.cli.server import Resource, Server

POLL_SECONDS = 1.0
CLEARED = "none"
"""A release that names no version: after it, the version released before can be released again."""


@dataclass(frozen=True)
class Outcome:
    """How what was waited for came out."""

    good: bool
    message: str


Verdict = Callable[[Manifest], Outcome | None]
Milestones = Callable[[Manifest], dict[str, str]]
"""What an object has come to by now: words by a key, in order."""


def refresh(server: Server, resource: Resource, name: str, *, now: datetime) -> tuple[str, Verdict]:
    """Ask a Dataset to read its source again. Returns what was done, and what tells how it came out."""
    asked = now.isoformat(timespec="milliseconds")
    note = {"metadata": {"annotations": {ANNOTATION_REFRESH: asked}}}
    dataset = server.change(resource, name, note)
    held = "; it begins once spec.suspend is false" if is_suspended(dataset) else ""
    return f"asked {name} for a refresh{held}", lambda it: _refreshed(it, asked)


def _refreshed(dataset: Manifest, asked: str) -> Outcome | None:
    if is_suspended(dataset):
        return Outcome(good=False, message="spec.suspend is true, so no refresh begins")
    if text_at(dataset, "status", "manualRefresh") != asked or at(dataset, "status", "currentRefresh"):
        return None
    outcome, words = (text_at(dataset, "status", "lastRefresh", field) for field in ("outcome", "message"))
    digest = text_at(dataset, "status", "latest", "digest")
    return Outcome(outcome in GOOD, f"{outcome}: {words or digest}")


def retry(server: Server, resource: Resource, name: str, *, version: str, wait: "Waiting") -> tuple[str, Verdict]:
    """Let a quarantined version of a ModelService be tried again; without a version, the one that is asked for."""
    service = server.one(resource, name)
    wanted = wanted_version(service)
    version = version or wanted
    if not quarantine_of(service, version):
        raise CommandError(f"version {version} of {name} is not in quarantine: there is nothing to retry", Exit.FAILED)
    if text_at(service, "status", "released") == version:  # an equal value would not be news to the operator
        server.change(resource, name, _release(CLEARED))
        wait.until(server, resource, name, _cleared)
    server.change(resource, name, _release(version))
    unasked = "" if version == wanted else f"; it is tried once {version} is asked for, which is {wanted} now"
    return f"version {version} of {name} may be tried again{unasked}", lambda it: _serves(it, version)


def _release(value: str) -> Manifest:
    return {"metadata": {"annotations": {ANNOTATION_RELEASE: value}}}


def _cleared(service: Manifest) -> Outcome | None:
    return Outcome(good=True, message="") if text_at(service, "status", "released") == CLEARED else None


def rollback(server: Server, resource: Resource, name: str, *, to: str) -> tuple[str, Verdict]:
    """Ask a ModelService for the version before: the stable one while a candidate is under way, else the kept one."""
    service = server.one(resource, name)
    wanted, version, policy = wanted_version(service), to or _before(service), policy_of(service)
    if held := quarantine_of(service, version):
        why = f"{text_at(held, 'reason')}: {text_at(held, 'message')}"
        message = f"version {version} of {name} is in quarantine ({why}): `kubectl springtide retry` releases it"
        raise CommandError(message, Exit.FAILED)
    if version == wanted and not policy:
        raise CommandError(f"version {version} of {name} is asked for already", Exit.FAILED)
    # With the resourceVersion, what another person has asked for meanwhile is not overwritten.
    seen = {"resourceVersion": text_at(service, "metadata", "resourceVersion")}
    spec = {"model": {"version": version}, **({"versionFrom": None} if policy else {})}
    server.change(resource, name, {"metadata": seen, "spec": spec})
    pinned = f"; it follows RetrainPolicy {policy} no more, until spec.versionFrom says so again" if policy else ""
    git = "; if its manifest lies in git, change it there too, or it will be applied again"
    return f"asked {name} for version {version} instead of {wanted}{pinned}{git}", lambda it: _serves(it, version)


def check_alone(server: Server, resource: Resource, name: str) -> None:
    """Raises CommandError for a ModelService that follows a RetrainPolicy: no field overrules its champion."""
    service = server.one(resource, name)
    if policy := policy_of(service):
        serving = text_at(service, "status", "stable", "version") or "none"
        message = (
            f"{name} serves what RetrainPolicy {policy} promotes (version {serving} now): the policy decides. To take"
            f" the service from it and go back: kubectl springtide rollback msvc/{name} --pin; to look for a better"
            f" model: kubectl springtide retrain rpol/{policy} --wait"
        )
        raise CommandError(message, Exit.FAILED)


def _before(service: Manifest) -> str:
    status, wanted = at(service, "status"), wanted_version(service)
    stable = text_at(status, "stable", "version")
    version = stable if stable and stable != wanted else text_at(status, "previous", "version")
    if version:
        return version
    name = name_of(service)
    message = f"no version before {wanted} is known of {name}: it is not kept any more; name one with --to"
    raise CommandError(message, Exit.FAILED)


def _serves(service: Manifest, version: str) -> Outcome | None:
    if is_unseen(service):
        return None
    pinned = text_at(service, "spec", "model", "version")
    if pinned and pinned != version:
        return Outcome(good=False, message=f"another version than {version} is asked for now")
    progress = condition(service, "Progressing")
    candidate = text_at(service, "status", "candidate", "version")
    if text_at(service, "status", "stable", "version") == version and not candidate:
        return Outcome(good=True, message=f"version {version} serves")
    released = text_at(service, "metadata", "annotations", ANNOTATION_RELEASE)
    pending = released and released != text_at(service, "status", "released")
    if text_at(progress, "status") == "False" and not pending and not candidate:
        return Outcome(good=False, message=f"{text_at(progress, 'reason')}: {text_at(progress, 'message')}")
    return None


def _none(_: Manifest) -> dict[str, str]:
    return {}


@dataclass(frozen=True)
class Waiting:
    """How long to wait, and where to tell of progress. sleep, clock: seconds."""

    seconds: float
    tell: Callable[[str], None]
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def until(
        self, server: Server, resource: Resource, name: str, verdict: Verdict, *, milestones: Milestones = _none
    ) -> Outcome:
        """The outcome. Raises CommandError when time is up; a server that is away for a moment is waited for.

        milestones: each is told once; an object that has some is not told of by its conditions any more.
        """
        deadline, said, told = self.clock() + self.seconds, "", set[str]()
        while True:
            try:
                manifest, away = server.one(resource, name), ""
            except CommandError as error:
                if error.code is not Exit.UNREACHABLE:
                    raise
                away, manifest = error.message, {}
            for milestone, words in milestones(manifest).items():
                if milestone not in told:
                    said = words
                    self.tell(words)
                    told.add(milestone)
            outcome = None if away else verdict(manifest)
            if outcome:
                return outcome
            words = away or (said if told else _progress(manifest))
            if words != said:
                self.tell(words)
                said = words
            if self.clock() > deadline:
                raise CommandError(f"{name} was waited for {self.seconds:.0f} s; last: {said}", Exit.TIMED_OUT)
            self.sleep(POLL_SECONDS)


def _progress(manifest: Manifest) -> str:
    spoken = condition(manifest, "Progressing") or condition(manifest, "Reconciling") or condition(manifest, "Ready")
    return (
        f"{text_at(spoken, 'reason')}: {text_at(spoken, 'message')}" if spoken else "the operator has not seen it yet"
    )

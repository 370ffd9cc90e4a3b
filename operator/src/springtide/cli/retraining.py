"""The loop's commands: have a challenger trained, let one be promoted, and follow a run to its end."""

from collections.abc import Callable
from datetime import datetime

from springtide.api.constants import ANNOTATION_APPROVE, ANNOTATION_RETRAIN
from springtide.cli.change import Outcome, Waiting
from springtide.cli.errors import CommandError, Exit
from springtide.cli.kinds.retrain_run import (
    AWAITING,
    FINAL,
    GOOD,
    ended_words,
    has_ended,
    phase_began,
    phase_of,
    told,
)
from springtide.cli.manifest import Manifest, at, is_suspended, items_at, name_of, text_at, whole_at
from springtide.cli.server import Resource, Server
from springtide.cli.words import since

NAME_LONGEST = 256
"""Of who approves: the API's own bound."""


def retrain(server: Server, resource: Resource, name: str, *, now: datetime) -> tuple[str, "Asked"]:
    """Ask a RetrainPolicy for a run. Returns what was done, and what finds the run."""
    asked = now.isoformat(timespec="milliseconds")
    policy = server.change(resource, name, {"metadata": {"annotations": {ANNOTATION_RETRAIN: asked}}})
    held = "; it begins once spec.suspend is false" if is_suspended(policy) else ""
    current = text_at(policy, "status", "currentRun", "name")
    queued = f"; RetrainRun {current} has to end first" if current else ""
    runs = whole_at(policy, "status", "runs") or 0
    return f"asked {name} for a run{held or queued}", Asked(asked, runs)


class Asked:
    """A run that was asked for by hand. runs: how many there had been."""

    def __init__(self, value: str, runs: int) -> None:
        self._value = value
        self._runs = runs

    def begun(self, policy: Manifest) -> Outcome | None:
        """Good once there is a run, with its name as the message."""
        if is_suspended(policy):
            return Outcome(good=False, message="spec.suspend is true, so no run begins")
        if text_at(policy, "status", "manualRetrain") != self._value:
            return None
        name = self._run(at(policy, "status"))
        return Outcome(good=True, message=name) if name else None

    def _run(self, status: Manifest | None) -> str:
        """The newest run begun by hand since; it may have ended already."""
        current = at(status, "currentRun")
        is_there = bool(text_at(current, "uid"))  # it is written down before it is made
        known = [(current, text_at(current, "trigger", "type"))] if is_there else []
        known += [(item, text_at(item, "trigger")) for item in items_at(status, "history")]
        new = (run for run, why in known if why == "Manual" and (whole_at(run, "number") or 0) > self._runs)
        return next((text_at(run, "name") for run in new), "")


def follow(server: Server, runs: Resource, name: str, *, wait: Waiting) -> Outcome:
    """Wait for the end of a RetrainRun, telling of each phase once."""
    return wait.until(server, runs, name, ending, milestones=phases)


def ending(run: Manifest) -> Outcome | None:
    """How a run ended, once it has."""
    return Outcome(phase_of(run) in GOOD, f"{name_of(run)} ended: {ended_words(run)}") if has_ended(run) else None


def phases(run: Manifest) -> dict[str, str]:
    """The phases that a run has reached, but for its end."""
    names = [text_at(item, "phase") for item in items_at(run, "status", "phases")]
    reached = [name for name in (*names, text_at(run, "status", "phase")) if name and name not in FINAL]
    return {name: told(run, name) for name in reached}


def approve(
    server: Server,
    resource: Resource,
    name: str,
    *,
    who: str,
    confirmed: Callable[[Manifest], bool],
    now: datetime,
) -> str:
    """Let the challenger of a run be promoted, as it was shown. Returns what was done.

    who: empty for whom the server takes the user for. confirmed: shown the run before anything is changed.
    """
    run = server.one(resource, name)
    _check_awaiting(run, now=now)
    who = who or server.user()
    if not who or len(who) > NAME_LONGEST:
        raise CommandError(f"say who approves by --as-name, in 1 to {NAME_LONGEST} characters", Exit.USAGE)
    if not confirmed(run):
        raise CommandError(f"{name} was not approved", Exit.FAILED)
    # With the resourceVersion: what is approved is what was shown.
    seen = {"resourceVersion": text_at(run, "metadata", "resourceVersion")}
    server.change(resource, name, {"metadata": seen | {"annotations": {ANNOTATION_APPROVE: who}}})
    challenger = text_at(run, "status", "challenger", "version") or "?"
    return f"{who} approved version {challenger} of {name}: it is promoted now"


def _check_awaiting(run: Manifest, *, now: datetime) -> None:
    name, phase = name_of(run), phase_of(run)
    earlier = text_at(run, "metadata", "annotations", ANNOTATION_APPROVE)
    if phase == AWAITING and not earlier:
        return
    if has_ended(run):
        why = f"it has ended: {ended_words(run)}"
    elif earlier:
        why = f"{earlier} approved it before"
    else:
        why = f"it is {phase} {since(phase_began(run, phase), now=now)}; `approve` is for runs in {AWAITING}"
    raise CommandError(f"{name} does not await approval: {why}", Exit.FAILED)

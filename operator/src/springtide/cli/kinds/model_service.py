"""ModelService: what serves, what is to take over, what was taken back, and where each came from."""

from datetime import datetime

from springtide.cli.kinds.retrain_run import VIEW as RETRAINING
from springtide.cli.kinds.retrain_run import challenger_node, challengers_refused, runs_that_promoted
from springtide.cli.kinds.training_run import VIEW as RUN
from springtide.cli.kinds.training_run import runs_that_made
from springtide.cli.kinds.view import Column, Explanation, Namespace, Node, View
from springtide.cli.manifest import Manifest, at, condition, is_suspended, items_at, name_of, text_at, time_at, whole_at
from springtide.cli.words import duration, moment, short, since

REFUSED_SHOWN = 3


def policy_of(service: Manifest) -> str:
    """The RetrainPolicy that says which version serves, if one does."""
    return text_at(service, "spec", "versionFrom", "retrainPolicyRef", "name")


def wanted_version(service: Manifest) -> str:
    """The version that is asked for. Of a service that follows a policy, the one that it is at now."""
    status = at(service, "status")
    if not policy_of(service):
        return text_at(service, "spec", "model", "version")
    if version := text_at(status, "candidate", "version"):
        return version
    # What was taken back last is still what is asked for, as long as the policy says so: the condition tells.
    held = text_at(condition(service, "Progressing"), "reason") == "Quarantined"
    newest = next(iter(items_at(status, "quarantined")), {})
    return text_at(newest, "version") if held else text_at(status, "stable", "version")


def quarantine_of(service: Manifest, version: str) -> Manifest | None:
    """Why a version is not tried, if it is not."""
    entries = items_at(service, "status", "quarantined")
    return next((item for item in entries if text_at(item, "version") == version), None)


def _explain(service: Manifest, _: Namespace, *, now: datetime) -> Explanation:
    status = at(service, "status")
    stable, previous = at(status, "stable"), at(status, "previous")
    facts = [f"{_asked(service)} is asked for."]
    if stable:
        held = since(time_at(stable, "since"), now=now)
        words = f"Version {text_at(stable, 'version')} ({short(text_at(stable, 'digest'))}) serves {held}"
        facts.append(f"{words}; {whole_at(status, 'readyReplicas') or 0} of its servers are ready.")
    else:
        facts.append("Nothing serves yet.")
    for item in items_at(status, "quarantined"):
        words = f"{text_at(item, 'reason')}: {text_at(item, 'message')}"
        which = f"Version {text_at(item, 'version')} ({short(text_at(item, 'digest'))})"
        facts.append(f"{which} was taken back {moment(time_at(item, 'time'), now=now)}: {words}.")
    coming = list(_rollout(service, now=now))
    if previous:
        until = moment(time_at(previous, "until"), now=now)
        coming.append(f"Version {text_at(previous, 'version')} still runs until {until}: going back is immediate.")
    return Explanation(tuple(facts), tuple(coming), tuple(_advice(service)))


def _asked(service: Manifest) -> str:
    model = text_at(service, "spec", "model", "name") or "a model"
    if policy := policy_of(service):
        return f"The champion of RetrainPolicy {policy}, a version of {model},"
    return f"Version {wanted_version(service) or '?'} of {model}"


def _rollout(service: Manifest, *, now: datetime) -> list[str]:
    status, spec = at(service, "status"), at(service, "spec")
    candidate = at(status, "candidate")
    coming = ["No rollout goes on: spec.suspend is true. Serving does."] if is_suspended(service) else []
    if not candidate:
        return coming
    version, phase = text_at(candidate, "version"), text_at(candidate, "phase")
    began = time_at(candidate, "phaseTime")
    coming.append(f"Version {version} is to take over; it is {phase or 'on its way'}, {since(began, now=now)}.")
    if phase == "Canary":
        coming += _step(candidate, items_at(spec, "rollout", "steps"), items_at(spec, "rollout", "checks"))
    if failure := text_at(candidate, "failure"):
        tries = whole_at(candidate, "failures") or 0
        again = f" ({tries} tries failed; it is tried again)" if tries else ""
        coming.append(f"Last: {text_at(candidate, 'failureReason')}: {failure}{again}.")
    return coming


def _step(candidate: Manifest, steps: list[Manifest], checks: list[Manifest]) -> list[str]:
    index, counted = whole_at(candidate, "step") or 0, whole_at(candidate, "weight")
    step = steps[index] if 0 <= index < len(steps) else {}
    asked, pause = text_at(step, "weight") or "?", whole_at(step, "pauseSeconds")
    got = "not counted yet" if counted is None else f"{counted} % as last counted"
    watched = f", watched for {duration(pause)}" if pause is not None else ""
    said = [f"Step {index + 1} of {max(len(steps), 1)}: about {asked} % of the requests ({got}){watched}."]
    bounds = ", ".join(f"{text_at(item, 'metric')} at most {text_at(item, 'max')}" for item in checks)
    return [*said, f"It must hold: {bounds}."] if bounds else said


def _advice(service: Manifest) -> list[str]:
    name, wanted = name_of(service), wanted_version(service)
    advice = []
    if quarantine_of(service, wanted):
        advice.append(f"Ask for another version, or try this one again: kubectl springtide retry msvc/{name} --wait")
    if is_suspended(service):
        advice.append("Set spec.suspend to false to let rollouts go on.")
    if at(service, "status", "candidate") or at(service, "status", "previous"):
        advice.append(f"To go back to the version before: kubectl springtide rollback msvc/{name} --wait")
    return advice


def _tree(service: Manifest, namespace: Namespace, *, now: datetime) -> Node:
    status = at(service, "status")
    roles = (("serves", "stable"), ("is to take over", "candidate"), ("is kept to go back to", "previous"))
    nodes = [
        _version(service, at(status, field), role, namespace, now=now) for role, field in roles if at(status, field)
    ]
    refused = challengers_refused(policy_of(service), namespace)[:REFUSED_SHOWN]
    nodes += [challenger_node(run, now=now) for run in refused]
    asked = _asked(service)
    details = (f"asked for: {asked[0].lower()}{asked[1:].rstrip(',')}",) + (() if nodes else ("nothing serves yet",))
    return Node(f"ModelService {name_of(service)}", details, tuple(nodes))


def _version(service: Manifest, served: Manifest, role: str, namespace: Namespace, *, now: datetime) -> Node:
    digest, version = text_at(served, "digest"), text_at(served, "version")
    title = f"version {version} {role}, {digest or 'its digest is not known yet'}"
    if not digest:
        return Node(title)
    details = tuple(part for part in (text_at(served, "uri"), _since(served, now=now)) if part)
    if promoted := runs_that_promoted(digest, namespace):
        return Node(title, details, tuple(RETRAINING.tree(run, namespace, now=now) for run in promoted[:1]))
    runs = runs_that_made(digest, namespace)
    if runs:
        return Node(title, details, tuple(RUN.tree(run, namespace, now=now) for run in runs))
    model = text_at(service, "spec", "model", "name")
    why = namespace.unreadable.get("TrainingRun") or (
        f"no TrainingRun in namespace {namespace.name} has made it: deleted, or {model} came from elsewhere"
    )
    return Node(title, details, (Node("TrainingRun", (why,), missing=True),))


def _since(served: Manifest, *, now: datetime) -> str:
    began = time_at(served, "since")
    return since(began, now=now) if began else ""


VIEW = View(
    kind="ModelService",
    columns=(
        Column("STABLE", lambda it, _: text_at(it, "status", "stable", "version")),
        Column("CANDIDATE", lambda it, _: text_at(it, "status", "candidate", "version")),
        Column("WEIGHT", lambda it, _: _percent(text_at(it, "status", "candidate", "weight"))),
        Column("SERVERS", lambda it, _: text_at(it, "status", "readyReplicas")),
        Column("QUARANTINED", lambda it, _: str(len(items_at(it, "status", "quarantined")) or "")),
    ),
    speaks="Progressing",
    explain=_explain,
    tree=_tree,
)


def _percent(value: str) -> str:
    return f"{value} %" if value else ""

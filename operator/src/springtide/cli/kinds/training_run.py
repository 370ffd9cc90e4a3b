"""TrainingRun: its attempts, what it made, and what it was trained on."""

from datetime import datetime

from springtide.cli.kinds.dataset import dataset_node, source_of
from springtide.cli.kinds.view import Column, Explanation, Namespace, Node, View
from springtide.cli.manifest import (
    Manifest,
    at,
    condition,
    is_suspended,
    items_at,
    name_of,
    text_at,
    time_at,
    whole_at,
)
from springtide.cli.words import count, duration, moment, short


def _explain(run: Manifest, _: Namespace, *, now: datetime) -> Explanation:
    status, spec = at(run, "status"), at(run, "spec")
    facts = [_program(run)]
    if pinned := at(status, "dataset"):
        digest = short(text_at(pinned, "digest"))
        facts.append(f"It is pinned to snapshot {digest} of Dataset {text_at(pinned, 'name')}.")
    facts += [_attempt(item, now=now) for item in items_at(status, "attempts")]
    if hit := text_at(status, "memo", "hitFrom"):
        facts.append(f"Run {hit} had done the very same work before: nothing was trained again.")
    if model := at(status, "model"):
        digest, version = short(text_at(model, "digest")), text_at(model, "version") or "?"
        facts.append(f"It made version {version} of {text_at(model, 'name')} ({digest}).")
    if numbers := _metrics(run):
        facts.append(f"On the held-out rows: {numbers}.")
    return Explanation(tuple(facts), tuple(_coming(run, spec, status)), tuple(_advice(run)))


def _program(run: Manifest) -> str:
    spec = at(run, "spec")
    recipe, image = text_at(spec, "recipe", "name"), text_at(spec, "container", "image")
    program = f"recipe {recipe}" if recipe else f"container {image}" if image else "an unknown program"
    named = text_at(spec, "data", "datasetRef", "name")
    data = f"Dataset {named}" if named else source_of(at(spec, "data", "source"))
    return f"It trains {text_at(spec, 'model', 'name') or 'a model'} with {program} on {data}."


def _attempt(attempt: Manifest, *, now: datetime) -> str:
    started, ended = time_at(attempt, "startTime"), time_at(attempt, "endTime")
    which = f"Attempt {text_at(attempt, 'number')} ({text_at(attempt, 'name')})"
    if ended is None:
        return f"{which} started {moment(started, now=now)}." if started else f"{which} has not started yet."
    lasted = f" after {duration((ended - started).total_seconds())}" if started else ""
    whose = text_at(attempt, "failure")
    blame = f" [{whose}]" if whose else ""
    words = ": ".join(part for part in (text_at(attempt, "reason"), text_at(attempt, "message")) if part)
    return f"{which} ended {moment(ended, now=now)}{lasted}: {words or 'nothing is known'}{blame}."


def _metrics(run: Manifest) -> str:
    metrics = at(run, "status", "metrics")
    if not isinstance(metrics, dict):
        return ""
    numbers = {name: value for name, value in metrics.items() if isinstance(value, int | float)}
    return ", ".join(f"{name} {value:.4g}" for name, value in sorted(numbers.items())[:8])


def _coming(run: Manifest, spec: Manifest, status: Manifest) -> list[str]:
    if text_at(status, "completionTime"):
        return ["It has ended, and nothing more will happen: a TrainingRun is never run again."]
    coming = []
    if is_suspended(run):
        coming.append("It does not go on: spec.suspend is true.")
    queued = condition(run, "Queued")
    if text_at(queued, "status") == "True":
        coming.append(f"It waits to be let in: {text_at(queued, 'message') or text_at(queued, 'reason')}.")
    for kind, default, whose in (("infrastructure", 10, "lost infrastructure"), ("user", 0, "errors of the training")):
        spent, budget = whole_at(status, "failures", kind) or 0, whole_at(spec, "retry", kind)
        allowed = default if budget is None else budget
        coming.append(f"Retries for {whose}: {spent} of {allowed} spent.")
    if (deadline := whole_at(spec, "deadlineSeconds")) is not None:
        spent = whole_at(status, "trainingSeconds") or 0
        coming.append(f"Of {duration(deadline)} training time, {duration(spent)} went into attempts that have ended.")
    return coming


def _advice(run: Manifest) -> list[str]:
    name, attempt = name_of(run), whole_at(run, "status", "attempt") or 0
    if is_suspended(run):
        return [f'kubectl patch trun {name} --type merge -p \'{{"spec":{{"suspend":false}}}}\' lets it go on.']
    if text_at(condition(run, "Succeeded"), "status") == "False":
        log = f"kubectl logs job/{name}-a{attempt}; " if attempt else ""
        return [f"{log}mend what the message says and create a new TrainingRun: the spec of this one is immutable."]
    return []


def _tree(run: Manifest, namespace: Namespace, *, now: datetime) -> Node:
    status = at(run, "status")
    model = f"made version {text_at(status, 'model', 'version') or '?'}, {text_at(status, 'model', 'digest')}"
    details = [model if at(status, "model") else f"made no model yet: {VIEW.state(run)}"]
    if hit := text_at(status, "memo", "hitFrom"):
        details.append(f"the work was done by {hit}: same data, recipe and seed")
    if numbers := _metrics(run):
        details.append(numbers)
    if digest := text_at(status, "inputs", "digest"):
        details.append(f"read {digest}, {count(whole_at(status, 'inputs', 'rows'), 'row')}")
    return Node(f"TrainingRun {name_of(run)}", tuple(details), (_data(run, namespace, now=now),))


def _data(run: Manifest, namespace: Namespace, *, now: datetime) -> Node:
    pinned = at(run, "status", "dataset")
    name = text_at(pinned, "name") or text_at(run, "spec", "data", "datasetRef", "name")
    if not name:
        return Node(f"source {source_of(at(run, 'spec', 'data', 'source'))}", ("files as they lay, not a Dataset",))
    digest = text_at(pinned, "digest")
    if dataset := namespace.find("Dataset", name):
        return dataset_node(dataset, digest, now=now)
    why = namespace.unreadable.get("Dataset") or f"it is not in namespace {namespace.name}: deleted, or not created yet"
    known = (Node(f"snapshot {digest}", (text_at(pinned, "uri"),)),) if digest else ()
    return Node(f"Dataset {name}", (why,), known, missing=True)


def runs_that_made(digest: str, namespace: Namespace) -> list[Manifest]:
    """The runs whose model has this digest; more than one where work was memoized."""
    return [run for run in namespace.of("TrainingRun") if text_at(run, "status", "model", "digest") == digest]


VIEW = View(
    kind="TrainingRun",
    columns=(
        Column("MODEL", lambda it, _: text_at(it, "spec", "model", "name")),
        Column("VERSION", lambda it, _: text_at(it, "status", "model", "version")),
        Column("ATTEMPT", lambda it, _: text_at(it, "status", "attempt")),
        Column("AUC", lambda it, _: text_at(it, "status", "metrics", "auc")[:6]),
    ),
    explain=_explain,
    tree=_tree,
)

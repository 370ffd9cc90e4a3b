"""RetrainPolicy: what is released, what could begin a run, what holds one back, and how the last ones ended."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from springtide.api.constants import ANNOTATION_RETRAIN
from springtide.cli.kinds.retrain_run import (
    GOOD,
    challenger_node,
    challengers_refused,
    model_words,
    runs_that_promoted,
    told,
    trigger_words,
)
from springtide.cli.kinds.retrain_run import VIEW as RUN
from springtide.cli.kinds.training_run import VIEW as TRAINING
from springtide.cli.kinds.training_run import runs_that_made
from springtide.cli.kinds.view import Column, Explanation, Namespace, Node, View
from springtide.cli.manifest import (
    Manifest,
    at,
    condition,
    is_suspended,
    items_at,
    name_of,
    number_at,
    text_at,
    time_at,
    whole_at,
)
from springtide.cli.words import age, count, duration, later, moment, short, since, until

PAST_SHOWN = 5
REFUSED_SHOWN = 5
COOLDOWN_SECONDS = 3600
RUNS_PER_MONTH = 30
REJECTIONS = 3
"""What guards are where the spec was written without the API server's defaults."""
MONTH = timedelta(days=30)


def _explain(policy: Manifest, namespace: Namespace, *, now: datetime) -> Explanation:
    status, template = at(policy, "status"), at(policy, "spec", "template")
    model, recipe = text_at(template, "model", "name"), text_at(template, "recipe", "name")
    data = text_at(template, "data", "datasetRef", "name")
    facts = [f"It retrains {model or 'a model'} with recipe {recipe or '?'} on the newest snapshot of Dataset {data}."]
    facts += [f"  gate {gate_bound(gate)}" for gate in items_at(policy, "spec", "gates")]
    facts += _champions(policy, now=now)
    facts += _past(status, now=now)
    for item in items_at(status, "quarantined"):
        run = text_at(item, "run")
        again = f"it comes again only after kubectl annotate rpol {name_of(policy)} springtide.dev/release={run}"
        facts.append(f"{short(text_at(item, 'digest'))} was taken back after run {run}: {again}.")
    coming = [*_running(policy, namespace, now=now)]
    coming += [f"Trigger {words}" for words in _triggers(policy, namespace, now=now)]
    coming += [f"Guard {words}" for words in _guards(policy, namespace, now=now)]
    return Explanation(tuple(facts), tuple(coming), tuple(_advice(policy)))


def gate_bound(gate: Manifest) -> str:
    """A gate as it is asked for, such as `better: AUC better than the champion's by at least 0.01.`"""
    metric, bounds = text_at(gate, "metric"), at(gate, "versusChampion")
    said = [
        f"{words} {value:g}"
        for words, value in (
            ("at least", number_at(gate, "min")),
            ("at most", number_at(gate, "max")),
            ("better than the champion's by at least", number_at(bounds, "minDelta")),
            ("worse than the champion's by at most", number_at(bounds, "maxRegression")),
        )
        if value is not None
    ]
    if number_at(bounds, "minDelta") == 0:
        said = ["better than the champion's"]
    slices = gate.get("slices")
    by = f", for each {', '.join(map(str, slices))}" if isinstance(slices, list) and slices else ""
    return f"{text_at(gate, 'name')}: {metric} {' and '.join(said)}{by}."


def _champions(policy: Manifest, *, now: datetime) -> list[str]:
    status = at(policy, "status")
    champion, previous = at(status, "champion"), at(status, "previous")
    if not champion:
        hold = text_at(policy, "spec", "firstRun") == "Hold"
        then = "waits for a person to approve it" if hold else "is promoted if its gates pass"
        return [f"There is no champion yet: the first challenger {then}."]
    by = f", promoted by RetrainRun {text_at(champion, 'run')}" if text_at(champion, "run") else ", served before"
    said = [f"The champion is {model_words(champion)} {since(time_at(champion, 'since'), now=now)}{by}."]
    return [*said, f"Before it there was {model_words(previous)}."] if previous else said


def _past(status: Manifest | None, *, now: datetime) -> list[str]:
    history = items_at(status, "history")
    if not history:
        return ["No run has ended yet."]
    more = len(history) - PAST_SHOWN
    rest = [f"  and {count(more, 'run')} before."] if more > 0 else []
    return [*(_past_run(item, now=now) for item in history[:PAST_SHOWN]), *rest]


def _past_run(past: Manifest, *, now: datetime) -> str:
    began, ended = time_at(past, "startTime"), time_at(past, "time")
    lasted = f" after {duration((ended - began).total_seconds())}" if began and ended else ""
    which = f"Run {text_at(past, 'number')} ({text_at(past, 'name')}, {text_at(past, 'trigger')})"
    words = text_at(past, "message") or "nothing more is known"
    return f"{which} ended {moment(ended, now=now)}{lasted}: {text_at(past, 'outcome')}: {words}."


def _running(policy: Manifest, namespace: Namespace, *, now: datetime) -> list[str]:
    status = at(policy, "status")
    current = at(status, "currentRun")
    said = []
    if current:
        name = text_at(current, "name")
        why = trigger_words(at(current, "trigger"), now=now)
        run = namespace.find("RetrainRun", name)
        far = f" It is {told(run, text_at(run, 'status', 'phase') or 'Pending')}." if run else ""
        said.append(f"RetrainRun {name} is under way ({why}).{far}")
    asked = text_at(policy, "metadata", "annotations", ANNOTATION_RETRAIN)
    if asked and asked != text_at(status, "manualRetrain"):
        said.append("A run was asked for by hand and has not begun yet.")
    if is_suspended(policy):
        said.append("No run begins: spec.suspend is true.")
    return said


def _triggers(policy: Manifest, namespace: Namespace, *, now: datetime) -> list[str]:
    triggers, status = at(policy, "spec", "triggers"), at(policy, "status")
    said = []
    if text_at(triggers, "schedule"):
        due, missed = time_at(status, "nextTime"), time_at(status, "missedTime")
        zone = text_at(triggers, "timeZone") or "UTC"
        skipped = f"; the run due {moment(missed, now=now)} was missed" if missed else ""
        said.append(f"schedule ({text_at(triggers, 'schedule')}, {zone}): due {moment(due, now=now)}{skipped}.")
    if trigger := at(triggers, "drift"):
        said.append(f"drift: {_drift(trigger, status, namespace)}.")
    if trigger := at(triggers, "performance"):
        said.append(f"performance: {_performance(trigger, status, namespace)}.")
    if trigger := at(triggers, "newRows"):
        said.append(f"newRows: {_growth(trigger, status, namespace)}.")
    return said or ["by hand only: spec.triggers names none (but a policy without a champion begins one)."]


def _drift(trigger: Manifest, status: Manifest | None, namespace: Namespace) -> str:
    """Windows held against a model that is not released any more say nothing of the one that is."""
    seen, snapshot = time_at(status, "seenUntil"), text_at(status, "seenSnapshot")
    left = {text_at(item, "digest") for item in items_at(status, "quarantined")}
    left |= {text_at(status, "previous", "digest")} - {""}

    def counts(window: Manifest) -> bool:
        end = time_at(window, "end")
        is_new = seen is None or end > seen if end else text_at(window, "snapshot") != snapshot
        return is_new and text_at(window, "baseline") not in left

    return _windows(trigger, namespace, Sought("history", counts, "verdict", "Drifted", seen))


def _performance(trigger: Manifest, status: Manifest | None, namespace: Namespace) -> str:
    seen, champion = time_at(status, "seenPerformanceUntil"), text_at(status, "champion", "digest")

    def counts(window: Manifest) -> bool:
        end = time_at(window, "end")
        return text_at(window, "model") == champion and (seen is None or end is None or end > seen)

    return _windows(trigger, namespace, Sought("performance", counts, "outcome", "Dropped", seen))


@dataclass(frozen=True)
class Sought:
    """Windows of a monitor that can begin a run: where they are listed, which count, and which words are sought.

    seen: the end of the newest one that the last run knew.
    """

    listed: str
    counts: Callable[[Manifest], bool]
    field: str
    word: str
    seen: datetime | None


def _windows(trigger: Manifest, namespace: Namespace, sought: Sought) -> str:
    name = text_at(trigger, "monitorRef", "name")
    needed, of = whole_at(trigger, "windows") or 1, whole_at(trigger, "of") or 1
    monitor = namespace.find("DriftMonitor", name)
    if monitor is None:
        return namespace.unreadable.get("DriftMonitor") or f"there is no DriftMonitor {name}, so nothing can be counted"
    new = [item for item in items_at(monitor, "status", sought.listed) if sought.counts(item)][:of]
    after = f" after {sought.seen:%Y-%m-%d %H:%M:%S} UTC" if sought.seen else ""
    bound = f"{needed} of {of} begin a run"
    if not new:
        return f"DriftMonitor {name}: no window yet{after}; {bound}"
    found = [text_at(item, sought.field) for item in new]
    unsure = sum(word in ("DataBroken", "Inconclusive") for word in found)
    said = f" ({unsure} broken or inconclusive, which never count)" if unsure else ""
    windows = "window" if len(new) == 1 else count(len(new), "window")
    hits = found.count(sought.word)
    return f"DriftMonitor {name}: of the newest {windows}{after}, {hits} {sought.word.lower()}{said}; {bound}"


def _growth(trigger: Manifest, status: Manifest | None, namespace: Namespace) -> str:
    name, least = text_at(trigger, "datasetRef", "name"), whole_at(trigger, "min")
    dataset = namespace.find("Dataset", name)
    if dataset is None:
        return namespace.unreadable.get("Dataset") or f"there is no Dataset {name}, so nothing can be counted"
    rows, seen = whole_at(dataset, "status", "latest", "rows"), whole_at(status, "seenRows")
    bound = f"{count(least, 'row')} more begin a run"
    if rows is None or seen is None:
        return f"Dataset {name}: {'no snapshot yet' if rows is None else 'not counted yet'}; {bound}"
    return f"Dataset {name}: {count(rows, 'row')}, {rows - seen:,} more than the {seen:,} that were known; {bound}"


def _guards(policy: Manifest, namespace: Namespace, *, now: datetime) -> list[str]:
    return [
        _cooldown(policy, now=now),
        _budget(policy, now=now),
        _rejections(policy),
        *_data(policy, namespace),
        *_monitors(policy, namespace),
    ]


def _cooldown(policy: Manifest, *, now: datetime) -> str:
    seconds = _guard(policy, "cooldownSeconds", COOLDOWN_SECONDS)
    history = items_at(policy, "status", "history")
    ended = time_at(history[0], "time") if history else None
    over = later(ended, seconds)
    if over is None:
        return f"cool-down of {duration(seconds)}: no run has ended, so it holds nothing back."
    if over > now:
        return f"cool-down of {duration(seconds)} holds back {until(over, now=now)}."
    return f"cool-down of {duration(seconds)} was over {moment(over, now=now)}."


def _budget(policy: Manifest, *, now: datetime) -> str:
    allowed = max(_guard(policy, "maxRunsPerMonth", RUNS_PER_MONTH), 1)
    begun = [
        began
        for item in items_at(policy, "status", "history")
        if text_at(item, "trigger") != "Manual" and (began := time_at(item, "startTime")) and began > now - MONTH
    ]
    words = f"budget: {len(begun)} of {count(allowed, 'run')} in 30 days began by themselves"
    if len(begun) < allowed:
        return f"{words}."
    oldest = sorted(begun, reverse=True)[allowed - 1]  # of those that fill the budget
    return f"{words}: holds back {until(later(oldest, MONTH.total_seconds()), now=now)}."


def _rejections(policy: Manifest) -> str:
    allowed = _guard(policy, "maxConsecutiveRejections", REJECTIONS)
    spent = whole_at(policy, "status", "rejections") or 0
    words = f"rejections: {spent} of {count(allowed, 'run')} in a row promoted nothing"
    return f"{words}: retraining does not help, the loop has stopped." if spent >= max(allowed, 1) else f"{words}."


def _data(policy: Manifest, namespace: Namespace) -> list[str]:
    if at(policy, "spec", "guards", "requireContractMet") is False:
        return ["contract: not asked for (requireContractMet is false)."]
    name = text_at(policy, "spec", "template", "data", "datasetRef", "name")
    dataset = namespace.find("Dataset", name)
    if dataset is None:
        return [f"contract: {namespace.unreadable.get('Dataset') or f'there is no Dataset {name}: holds back'}."]
    met = condition(dataset, "ContractMet")
    if text_at(met, "status") == "True":
        return [f"contract: Dataset {name} satisfies it."]
    state = "does not satisfy it" if text_at(met, "status") == "False" else "may not satisfy it"
    why = text_at(met, "message") or "it was not read yet"
    return [f"contract: Dataset {name} {state}: holds back even what is asked for by hand: {why}."]


def _monitors(policy: Manifest, namespace: Namespace) -> list[str]:
    """Broken data holds back whatever was triggered, and so does a monitor that is not there."""
    spec = at(policy, "spec")
    places = (("triggers", "drift"), ("triggers", "performance"), ("watch",))
    return [
        _seen_by(name, namespace) for name in sorted({text_at(spec, *it, "monitorRef", "name") for it in places} - {""})
    ]


def _seen_by(name: str, namespace: Namespace) -> str:
    monitor = namespace.find("DriftMonitor", name)
    if monitor is None:
        why = namespace.unreadable.get("DriftMonitor")
        return f"data: {why or f'there is no DriftMonitor {name}: holds back: broken data could not be seen'}."
    window = at(monitor, "status", "lastWindow")
    verdict = text_at(window, "verdict")
    if verdict == "DataBroken":
        words = text_at(condition(monitor, "DataBroken"), "message") or text_at(window, "message")
        return f"data: DriftMonitor {name} sees broken data: holds back even what is asked for by hand: {words}."
    return f"data: DriftMonitor {name} sees no broken data (the newest window is {verdict or 'not judged yet'})."


def _guard(policy: Manifest, field: str, default: int) -> int:
    value = whole_at(policy, "spec", "guards", field)
    return default if value is None else max(value, 0)


def _advice(policy: Manifest) -> list[str]:
    name, status = name_of(policy), at(policy, "status")
    if is_suspended(policy):
        return ["Set spec.suspend to false to let runs begin."]
    if text_at(condition(policy, "Stalled"), "status") == "True":
        return []
    if current := text_at(status, "currentRun", "name"):
        return [f"To see how far the run is: kubectl springtide explain rrun/{current}"]
    advice = []
    history = items_at(status, "history")
    if history and text_at(history[0], "outcome") not in GOOD:
        last = text_at(history[0], "name")
        advice.append(f"To see why the last run promoted nothing: kubectl springtide explain rrun/{last}")
    command = f"kubectl springtide retrain rpol/{name} --wait"
    return [*advice, f"To have a run now, whatever cool-down, budget and rejections say: {command}"]


def _tree(policy: Manifest, namespace: Namespace, *, now: datetime) -> Node:
    status, name = at(policy, "status"), name_of(policy)
    roles = (("is the champion", "champion"), ("was before it", "previous"))
    nodes = [_model(at(status, field), role, namespace, now=now) for role, field in roles if at(status, field)]
    if current := text_at(status, "currentRun", "name"):
        run = namespace.find("RetrainRun", current)
        nodes.append(RUN.tree(run, namespace, now=now) if run else Node(f"RetrainRun {current}", missing=True))
    nodes += [challenger_node(run, now=now) for run in challengers_refused(name, namespace)[:REFUSED_SHOWN]]
    return Node(f"RetrainPolicy {name}", () if nodes else ("there is no champion and no run yet",), tuple(nodes))


def _model(model: Manifest, role: str, namespace: Namespace, *, now: datetime) -> Node:
    digest, run = text_at(model, "digest"), text_at(model, "run")
    origins = tuple(RUN.tree(run, namespace, now=now) for run in runs_that_promoted(digest, namespace)[:1])
    if not origins and run:
        why = namespace.unreadable.get("RetrainRun") or f"it is not in namespace {namespace.name} any more"
        origins = (Node(f"RetrainRun {run}", (why,), missing=True),)
    if not origins:
        origins = tuple(TRAINING.tree(made, namespace, now=now) for made in runs_that_made(digest, namespace))
    title = f"version {text_at(model, 'version') or '?'} {role}, {digest or 'its digest is not known'}"
    details = [text_at(model, "uri"), since(time_at(model, "since"), now=now)]
    return Node(title, tuple(part for part in details if part), origins)


VIEW = View(
    kind="RetrainPolicy",
    columns=(
        Column("CHAMPION", lambda it, _: text_at(it, "status", "champion", "version")),
        Column("RUN", lambda it, _: text_at(it, "status", "currentRun", "name")),
        Column("LAST", lambda it, _: text_at(next(iter(items_at(it, "status", "history")), {}), "outcome")),
        Column("RUNS", lambda it, _: text_at(it, "status", "runs")),
        Column("NEXT", lambda it, now: _due(time_at(it, "status", "nextTime"), now=now)),
    ),
    explain=_explain,
    tree=_tree,
)


def _due(time: datetime | None, *, now: datetime) -> str:
    if time is None:
        return ""
    return f"in {duration((time - now).total_seconds())}" if time > now else f"{age(time, now=now)} ago"

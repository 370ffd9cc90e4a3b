"""DriftMonitor: what the newest windows show, which columns moved, and how the model did by labels that arrived."""

from collections import Counter
from datetime import UTC, datetime

from springtide.api.constants import ANNOTATION_CHECK
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
from springtide.cli.words import age, count, moment, short

HISTORY_SHOWN = 8
_WHY = {
    "Created": "there were rows and a baseline for the first time",
    "Changed": "what is asked for was edited",
    "Manual": "asked for by hand",
    "Behind": "there may be more windows",
    "Schedule": "by schedule",
    "Interval": "the interval was over",
    "Snapshot": "there is a new snapshot",
    "Labels": "there are new labels",
}


def _explain(monitor: Manifest, _: Namespace, *, now: datetime) -> Explanation:
    status = at(monitor, "status")
    facts = [f"It looks at {_target(monitor)}."]
    if baseline := at(status, "baseline"):
        made = text_at(baseline, "trainingRun")
        whose = f"of TrainingRun {made}" if made else "that is served"
        facts.append(f"Rows are held against the model {whose} ({short(text_at(baseline, 'digest'))}).")
    facts += _newest(at(status, "lastWindow"))
    facts += _earlier(items_at(status, "history"))
    facts += [_performance(item) for item in items_at(status, "performance")[:HISTORY_SHOWN]]
    if at(monitor, "spec", "labels"):
        facts += _measured(status, now=now)
    facts += _last(at(status, "lastLook"), now=now)
    return Explanation(tuple(facts), tuple(_coming(monitor, now=now)), tuple(_advice(monitor)))


def _target(monitor: Manifest) -> str:
    target = at(monitor, "spec", "target")
    dataset, service = text_at(target, "datasetRef", "name"), text_at(target, "modelServiceRef", "name")
    labels = text_at(monitor, "spec", "labels", "datasetRef", "name")
    rows = f"the latest snapshot of Dataset {dataset}" if dataset else f"the requests of ModelService {service or '?'}"
    return rows + (f", with labels from Dataset {labels}" if labels else "")


def window_of(window: Manifest | None) -> str:
    """A window by its times, such as `2026-11-22 00:00 to 2026-11-23 00:00 UTC`."""
    start, end = time_at(window, "start"), time_at(window, "end")
    if start is None or end is None:
        return "the whole snapshot"
    return f"{start.astimezone(UTC):%Y-%m-%d %H:%M} to {end.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _newest(window: Manifest | None) -> list[str]:
    if not window:
        return ["No window has been judged yet."]
    columns, moved = whole_at(window, "columns"), whole_at(window, "driftedColumns") or 0
    words = f"The newest window, {window_of(window)}, with {count(whole_at(window, 'rows'), 'row')}"
    found = f"{moved} of {count(columns, 'column')} drifted or are broken{_greatest(window)}"
    listed = [f"  {_column(item)}" for item in items_at(window, "drifted")]
    return [f"{words} is {text_at(window, 'verdict')}: {found}.", *listed]


def _greatest(window: Manifest) -> str:
    psi = number_at(window, "maxPsi")
    return f"; the greatest PSI is {psi:.3g}" if psi is not None else ""


def _column(item: Manifest) -> str:
    where = f" ({text_at(item, 'slice')})" if text_at(item, "slice") else ""
    psi, chance = number_at(item, "psi"), number_at(item, "pValue")
    numbers = [f"PSI {psi:.3g}"] if psi is not None else []
    numbers += [f"p {chance:.2g}"] if chance is not None else []
    words = f": {text_at(item, 'message')}" if text_at(item, "message") else ""
    given = f" [{', '.join(numbers)}]" if numbers else ""
    return f"{text_at(item, 'column')}{where}: {text_at(item, 'verdict')}, {text_at(item, 'reason')}{given}{words}"


def _earlier(history: list[Manifest]) -> list[str]:
    if len(history) < 2:
        return []
    tally = Counter(text_at(item, "verdict") for item in history)
    counts = ", ".join(f"{number} {word}" for word, number in tally.most_common())
    shown = [
        f"  {window_of(item)}: {text_at(item, 'verdict')}, {count(whole_at(item, 'rows'), 'row')}{_greatest(item)}"
        for item in history[:HISTORY_SHOWN]
    ]
    return [f"Of the newest {count(len(history), 'window')}: {counts}.", *shown]


def _performance(window: Manifest) -> str:
    labelled, rows = count(whole_at(window, "labelled"), "label"), count(whole_at(window, "rows"), "row")
    start = f"Model {short(text_at(window, 'model'))} in {window_of(window)}: {text_at(window, 'outcome')}"
    return f"{start}: {performance_words(window)}; {labelled} for {rows}."


def performance_words(window: Manifest) -> str:
    """A realised AUC with its interval, beside what was promised."""
    auc, low, high = (number_at(window, field) for field in ("auc", "low", "high"))
    promised = number_at(window, "promised")
    if auc is None:
        return text_at(window, "message") or "not measurable"
    interval = f" ({low:.4f} to {high:.4f})" if low is not None and high is not None else ""
    return f"AUC {auc:.4f}{interval}" + (f", promised {promised:.4f}" if promised is not None else "")


def _measured(status: Manifest | None, *, now: datetime) -> list[str]:
    measurement = at(status, "measurement")
    if not measurement:
        return ["No label has arrived for a window yet: performance is not known."]
    dropped = condition({"status": status}, "PerformanceDropped")
    words = ": ".join(part for part in (text_at(measurement, "outcome"), text_at(measurement, "message")) if part)
    held = f" since {moment(time_at(dropped, 'lastTransitionTime'), now=now)}" if dropped else ""
    said = f"; PerformanceDropped is {text_at(dropped, 'status')}{held}" if dropped else ""
    return [f"By labels {short(text_at(measurement, 'labels'))}: {words}{said}."]


def _last(last: Manifest | None, *, now: datetime) -> list[str]:
    if not last:
        return []
    why = _WHY.get(text_at(last, "trigger"), "for an unknown reason")
    words = f": {text_at(last, 'message')}" if text_at(last, "message") else ""
    judged = count(whole_at(last, "windows") or 0, "window")
    ended = moment(time_at(last, "time"), now=now)
    number, outcome = text_at(last, "number"), text_at(last, "outcome")
    return [f"Look {number} ({why}) ended {ended}: {outcome}, {judged}{words}."]


def _coming(monitor: Manifest, *, now: datetime) -> list[str]:
    status = at(monitor, "status")
    coming = []
    if current := at(status, "currentLook"):
        why = _WHY.get(text_at(current, "trigger"), "for an unknown reason")
        lost = whole_at(current, "failures") or 0
        again = f", after {count(lost, 'attempt')} that did not come through" if lost else ""
        number, attempt = text_at(current, "number"), text_at(current, "attempt")
        coming.append(f"Look {number} is under way ({why}), attempt {attempt}{again}.")
    asked = text_at(monitor, "metadata", "annotations", ANNOTATION_CHECK)
    if asked and asked != text_at(status, "manualCheck"):
        coming.append("A look was asked for by hand and has not begun yet.")
    if is_suspended(monitor):
        coming.append("No look begins: spec.suspend is true.")
    elif due := time_at(status, "nextTime"):
        coming.append(f"Next look: due {moment(due, now=now)}.")
    if missed := time_at(status, "missedTime"):
        coming.append(f"The look of the schedule due {moment(missed, now=now)} was missed and is not made up for.")
    return coming


def _advice(monitor: Manifest) -> list[str]:
    name = name_of(monitor)
    advice = ["Set spec.suspend to false to let it look."] if is_suspended(monitor) else []
    if text_at(condition(monitor, "DataBroken"), "status") == "True":
        advice.append("Mend the data that the columns above name: nothing is retrained on broken data.")
    if text_at(monitor, "status", "lastWindow", "reportUri"):
        advice.append(f"To see every column: kubectl springtide report dmon/{name} --open")
    return advice


def _tree(monitor: Manifest, namespace: Namespace, *, now: datetime) -> Node:
    status = at(monitor, "status")
    window, baseline = at(status, "lastWindow"), at(status, "baseline")
    details = [f"looks at {_target(monitor)}"]
    if window:
        rows = count(whole_at(window, "rows"), "row")
        details.append(f"newest window {window_of(window)}, {rows}: {text_at(window, 'verdict')}{_greatest(window)}")
    if report := text_at(window, "reportUri"):
        details.append(f"report {report}, {text_at(window, 'reportDigest') or 'its digest is not known'}")
    return Node(f"DriftMonitor {name_of(monitor)}", tuple(details), _origins(baseline, namespace, now=now))


def _origins(baseline: Manifest | None, namespace: Namespace, *, now: datetime) -> tuple[Node, ...]:
    digest = text_at(baseline, "digest")
    if not digest:
        return ()
    made = tuple(TRAINING.tree(run, namespace, now=now) for run in runs_that_made(digest, namespace))
    return (Node(f"baseline of model {digest}", (text_at(baseline, "uri"),), made),)


def _newest_performance(monitor: Manifest) -> str:
    window = next(iter(items_at(monitor, "status", "performance")), None)
    auc, promised = number_at(window, "auc"), number_at(window, "promised")
    if window is None:
        return ""
    numbers = f" {auc:.3f}" if auc is not None else ""
    return f"{text_at(window, 'outcome')}{numbers}" + (f" of {promised:.3f}" if numbers and promised else "")


def _psi(monitor: Manifest) -> str:
    psi = number_at(monitor, "status", "lastWindow", "maxPsi")
    return f"{psi:.3g}" if psi is not None else ""


VIEW = View(
    kind="DriftMonitor",
    columns=(
        Column("VERDICT", lambda it, _: text_at(it, "status", "lastWindow", "verdict")),
        Column("DRIFTED", lambda it, _: text_at(it, "status", "lastWindow", "driftedColumns")),
        Column("MAXPSI", lambda it, _: _psi(it)),
        Column("ROWS", lambda it, _: text_at(it, "status", "lastWindow", "rows")),
        Column("WINDOW", lambda it, now: age(time_at(it, "status", "lastWindow", "end"), now=now)),
        Column("AUC", lambda it, _: _newest_performance(it)),
    ),
    explain=_explain,
    tree=_tree,
)

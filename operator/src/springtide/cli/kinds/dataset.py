"""Dataset: its latest snapshot, its refreshes, and where the data comes from."""

from datetime import datetime

from springtide.api.constants import ANNOTATION_REFRESH
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
from springtide.cli.words import age, count, moment, short, size

_WHY = {
    "Created": "the Dataset was created",
    "Changed": "its source or contract was edited",
    "Manual": "asked for by hand",
    "Schedule": "by schedule",
    "Interval": "the interval was over",
}
GOOD = ("Refreshed", "Unchanged")


def source_of(data: Manifest | None) -> str:
    """Where data lies, from a field `source`."""
    uri = text_at(data, "uri")
    if uri:
        return uri
    claim = text_at(data, "volume", "claimName")
    return f"volume {claim}, path {text_at(data, 'volume', 'path') or '.'}" if claim else "an unknown source"


def snapshot_words(snapshot: Manifest | None, *, now: datetime) -> str:
    """A snapshot in half a sentence."""
    rows, created = whole_at(snapshot, "rows"), time_at(snapshot, "createdTime")
    volume = size(whole_at(snapshot, "bytes"))
    return f"{short(text_at(snapshot, 'digest'))}, {count(rows, 'row')}, {volume}, published {moment(created, now=now)}"


def _explain(dataset: Manifest, _: Namespace, *, now: datetime) -> Explanation:
    status = at(dataset, "status")
    latest, last = at(status, "latest"), at(status, "lastRefresh")
    facts = [f"It reads {source_of(at(dataset, 'spec', 'source'))}."]
    if latest:
        facts.append(f"The latest snapshot is {snapshot_words(latest, now=now)}; {_kept(status)}.")
    else:
        facts.append("There is no snapshot yet: what trains on it waits.")
    if last:
        facts += _last(last, now=now)
    return Explanation(tuple(facts), tuple(_coming(dataset, now=now)), tuple(_advice(dataset)))


def _kept(status: Manifest) -> str:
    return f"{count(len(items_at(status, 'snapshots')), 'snapshot')} kept"


def _last(last: Manifest, *, now: datetime) -> list[str]:
    why = _WHY.get(text_at(last, "trigger"), "")
    which = f"Refresh {text_at(last, 'number')}".strip() + (f" ({why})" if why else "")
    words = text_at(last, "message")
    outcome = text_at(last, "outcome") or "in an unknown way"
    ended = f"{which} ended {moment(time_at(last, 'time'), now=now)}: {outcome}" + (f": {words}" if words else "")
    broken = [
        f"  broken: {text_at(item, 'column') or 'the table'}, {text_at(item, 'rule')}: {text_at(item, 'message')}"
        for item in items_at(last, "violations")
    ]
    return [f"{ended}.", *broken]


def _coming(dataset: Manifest, *, now: datetime) -> list[str]:
    status = at(dataset, "status")
    running = at(status, "currentRefresh")
    coming = []
    if running:
        why = _WHY.get(text_at(running, "trigger"), "for an unknown reason")
        lost = whole_at(running, "failures") or 0
        again = f", after {count(lost, 'attempt')} that did not come through" if lost else ""
        due = moment(time_at(running, "dueTime"), now=now)
        number, attempt = text_at(running, "number"), text_at(running, "attempt")
        coming.append(f"Refresh {number} is under way ({why}; due {due}), attempt {attempt}{again}.")
    asked = text_at(dataset, "metadata", "annotations", ANNOTATION_REFRESH)
    if asked and asked != text_at(status, "manualRefresh"):
        coming.append("A refresh was asked for by hand and has not begun yet.")
    planned, missed = time_at(status, "nextRefreshTime"), time_at(status, "missedTime")
    if is_suspended(dataset):
        coming.append("No refresh begins: spec.suspend is true.")
    elif planned:
        coming.append(f"Next refresh: due {moment(planned, now=now)}.")
    elif not at(dataset, "spec", "refresh"):
        coming.append("No refresh is planned: spec.refresh is not set, so it is read again only when asked.")
    if missed:
        coming.append(f"The refresh of the schedule due {moment(missed, now=now)} was missed and is not made up for.")
    return coming


def _advice(dataset: Manifest) -> list[str]:
    if is_suspended(dataset):
        return ["Set spec.suspend to false to let it refresh."]
    outcome = text_at(dataset, "status", "lastRefresh", "outcome")
    if outcome and outcome not in GOOD:
        return [f"Mend what the last refresh says, then: kubectl springtide refresh dset/{name_of(dataset)} --wait"]
    return []


def _tree(dataset: Manifest, namespace: Namespace, *, now: datetime) -> Node:  # noqa: ARG001  # the shape of every tree
    return dataset_node(dataset, text_at(dataset, "status", "latest", "digest"), now=now)


def dataset_node(dataset: Manifest, digest: str, *, now: datetime) -> Node:
    """A Dataset, and the snapshot of it that counts here, down to its source."""
    kept = items_at(dataset, "status", "snapshots")
    latest = at(dataset, "status", "latest")
    snapshot = next((item for item in [*kept, latest] if text_at(item, "digest") == digest), None)
    source = Node(f"source {source_of(at(dataset, 'spec', 'source'))}")
    if not digest:
        return Node(f"Dataset {name_of(dataset)}", ("it has no snapshot yet",), (source,))
    if snapshot is None:
        gone = Node(f"snapshot {digest}", ("the Dataset does not list it any more",), (source,), missing=True)
        return Node(f"Dataset {name_of(dataset)}", origins=(gone,))
    newer = (
        "" if text_at(latest, "digest") == digest else f"; not the latest, which is {short(text_at(latest, 'digest'))}"
    )
    details = (snapshot_words(snapshot, now=now) + newer, text_at(snapshot, "uri"))
    return Node(f"Dataset {name_of(dataset)}", origins=(Node(f"snapshot {digest}", details, (source,)),))


VIEW = View(
    kind="Dataset",
    columns=(
        Column("ROWS", lambda it, _: text_at(it, "status", "latest", "rows")),
        Column("SNAPSHOT", lambda it, _: short(text_at(it, "status", "latest", "digest"))),
        Column("LATEST", lambda it, now: age(time_at(it, "status", "latest", "createdTime"), now=now)),
        Column("CONTRACT", lambda it, _: text_at(condition(it, "ContractMet"), "status")),
        Column("FRESH", lambda it, _: text_at(condition(it, "Fresh"), "status")),
    ),
    explain=_explain,
    tree=_tree,
)

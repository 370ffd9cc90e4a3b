"""How answers look on a terminal. Everything that came from a server is made safe here, and never read as markup."""

from datetime import UTC, datetime
from typing import Any

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from springtide.cli.explain import Report
from springtide.cli.kinds import view_of
from springtide.cli.kinds.retrain_run import verdict_words
from springtide.cli.kinds.view import Namespace, Node
from springtide.cli.manifest import (
    Manifest,
    condition,
    is_suspended,
    is_unseen,
    items_at,
    name_of,
    number_at,
    text_at,
    time_at,
)
from springtide.cli.words import age, count, safe

_OUTCOMES = {"Passed": "green", "Failed": "red"}
_COLOURS = {"True": "green", "False": "red", "Unknown": "yellow"}


def console(*, stderr: bool = False) -> Console:
    """A console that takes text as it is."""
    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)


def plain(value: str, style: str = "") -> Text:
    """Text that is safe to print."""
    return Text(safe(value), style=style)


def status(namespace: Namespace, *, now: datetime) -> Group:
    """Everything in a namespace: a table for each kind that has objects."""
    parts: list[Any] = [
        _table(kind, objects, now=now) for kind, objects in sorted(namespace.objects.items()) if objects
    ]
    parts += [plain(f"{kind}: {why}", "red") for kind, why in sorted(namespace.unreadable.items())]
    if not parts:
        parts = [plain(f"Nothing of Springtide is in namespace {namespace.name}.")]
    return Group(plain(f"namespace {namespace.name}, {now.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC", "dim"), *parts)


def _table(kind: str, objects: tuple[Manifest, ...], *, now: datetime) -> Group:
    view = view_of(kind)
    shown = view.notable(objects)
    table = Table(title=plain(kind, "bold"), title_justify="left", box=None, pad_edge=False, expand=False)
    for title in ("NAME", "STATE", *(column.title for column in view.columns), "AGE"):
        table.add_column(title, no_wrap=True)
    table.add_column("MESSAGE", overflow="fold")
    for manifest in shown:
        facts = [plain(column.value(manifest, now)) for column in view.columns]
        created = age(time_at(manifest, "metadata", "creationTimestamp"), now=now)
        name, message = plain(name_of(manifest)), plain(view.message(manifest))
        table.add_row(name, _state(manifest, view.state(manifest)), *facts, plain(created), message)
    more = len(objects) - len(shown)
    return Group(table, *([plain(f"and {count(more, 'object')} that ended before", "dim")] if more else []))


def _state(manifest: Manifest, state: str) -> Text:
    marks = " (suspended)" if is_suspended(manifest) and state != "Suspended" else ""
    marks += " (edited)" if is_unseen(manifest) and state != "New" else ""
    return plain(state + marks, _COLOURS.get(text_at(condition(manifest, "Ready"), "status"), "yellow"))


def gates(run: Manifest) -> Group:
    """What a challenger showed at each gate, beside the champion."""
    table = Table(box=None, pad_edge=False, expand=False)
    for title in ("GATE", "OUTCOME", "CHALLENGER", "CHAMPION", "LOW", "HIGH"):
        table.add_column(title, no_wrap=True)
    table.add_column("MESSAGE", overflow="fold")
    for gate in items_at(run, "status", "verdict", "gates"):
        outcome = text_at(gate, "outcome")
        where = f" ({text_at(gate, 'slice')})" if text_at(gate, "slice") else ""
        numbers = [_number(number_at(gate, field)) for field in ("value", "champion", "low", "high")]
        style = _OUTCOMES.get(outcome, "yellow")
        name, words = plain(text_at(gate, "name") + where), plain(text_at(gate, "message"))
        table.add_row(name, plain(outcome, style), *numbers, words)
    return Group(plain(f"{name_of(run)}: {verdict_words(run)}", "bold"), table)


def _number(value: float | None) -> Text:
    return plain("" if value is None else f"{value:.4f}")


def tree(node: Node) -> Tree:
    """What led to an object, the object first."""
    drawn = Tree(_label(node))
    _grow(drawn, node)
    return drawn


def _grow(drawn: Tree, node: Node) -> None:
    for origin in node.origins:
        _grow(drawn.add(_label(origin)), origin)


def _label(node: Node) -> Text:
    label = plain(node.title + (" is not there" if node.missing else ""), "red" if node.missing else "bold")
    for detail in node.details:
        label.append("\n").append_text(plain(detail))
    return label


def report(explained: Report) -> Group:
    """Sentences under headings; a heading without a sentence is left out."""
    parts: list[Any] = [plain(explained.title, "bold")]
    for heading, sentences in explained.sections:
        if sentences:
            parts.append(plain(heading, "bold cyan"))
            parts += [Padding(plain(sentence), (0, 0, 0, 2), expand=False) for sentence in sentences]
    return Group(*parts)

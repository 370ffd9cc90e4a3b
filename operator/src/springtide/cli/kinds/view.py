"""What the command line has to know of a kind to show it well. A kind without a view is shown by its conditions."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from springtide.cli.manifest import Manifest, condition, name_of, text_at


@dataclass(frozen=True)
class Column:
    """A column of `status`. value: what it says of an object at a time."""

    title: str
    value: Callable[[Manifest, datetime], str]


@dataclass(frozen=True)
class Explanation:
    """Sentences about an object. facts: what is and was; coming: what it waits for and what comes next;
    advice: what a person can do."""

    facts: tuple[str, ...] = ()
    coming: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()


@dataclass(frozen=True)
class Node:
    """An object, or what is known of it, with what led to it. missing: it is referred to and is not there."""

    title: str
    details: tuple[str, ...] = ()
    origins: tuple["Node", ...] = ()
    missing: bool = False


@dataclass(frozen=True)
class Namespace:
    """Everything of Springtide in a namespace, by kind. unreadable: kinds that could not be listed, and why."""

    name: str
    objects: dict[str, tuple[Manifest, ...]] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)

    def of(self, kind: str) -> tuple[Manifest, ...]:
        """All objects of a kind."""
        return self.objects.get(kind, ())

    def find(self, kind: str, name: str) -> Manifest | None:
        """An object by name."""
        return next((item for item in self.of(kind) if name_of(item) == name), None)


def _by_conditions(_: Manifest, __: Namespace, *, now: datetime) -> Explanation:  # noqa: ARG001  # the shape of every explain
    return Explanation()


def _all(objects: tuple[Manifest, ...]) -> tuple[Manifest, ...]:
    return objects


def _alone(manifest: Manifest, namespace: Namespace, *, now: datetime) -> Node:  # noqa: ARG001  # the shape of every tree
    return Node(f"{manifest.get('kind')} {name_of(manifest)}")


@dataclass(frozen=True)
class View:
    """What is special about a kind.

    columns: key facts for `status`. speaks: the condition whose message `status` shows. notable: which of many objects
    `status` shows.
    """

    kind: str
    columns: tuple[Column, ...] = ()
    speaks: str = "Ready"
    notable: Callable[[tuple[Manifest, ...]], tuple[Manifest, ...]] = _all
    explain: Callable[..., Explanation] = _by_conditions
    tree: Callable[..., Node] = _alone

    def state(self, manifest: Manifest) -> str:
        """Its state in a word."""
        return text_at(condition(manifest, "Ready"), "reason") or "New"

    def message(self, manifest: Manifest) -> str:
        """Its state in a sentence."""
        spoken = text_at(condition(manifest, self.speaks), "message")
        return spoken or text_at(condition(manifest, "Ready"), "message") or "the operator has not seen it yet"

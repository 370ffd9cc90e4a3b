"""The parts of a running operator, and what flows between them."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from springtide.api.platform import Platform
from springtide.cluster.client import Client
from springtide.cluster.store import Key, Store
from springtide.core.decision import Manifest
from springtide.core.kind import ChildKind, Kind, Observed, Reference
from springtide.shell.kinds import KINDS
from springtide.shell.metrics import Metrics
from springtide.shell.queue import WorkQueue
from springtide.shell.watches import Watches


def wall_clock() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)


@dataclass
class Operator:
    """Everything that handlers, workers and probes share.

    identity: the name of this replica. now: the wall clock.
    """

    platform: Platform
    client: Client
    metrics: Metrics
    identity: str
    kinds: tuple[Kind[Any], ...] = KINDS
    store: Store = field(init=False)
    queue: WorkQueue[Key] = field(default_factory=lambda: WorkQueue(monotonic=time.monotonic))
    watches: Watches = field(default_factory=lambda: Watches(monotonic=time.monotonic))
    capabilities: frozenset[str] = frozenset()
    now: Callable[[], datetime] = wall_clock

    def __post_init__(self) -> None:
        self.store = Store(self._references)

    def _references(self, manifest: Manifest) -> tuple[Reference, ...]:
        kind = self.kind(manifest["kind"])
        return kind.references(manifest) if kind else ()

    def enqueue(self, key: Key) -> None:
        """An object has changed: work on it, on whatever refers to it, and on what it refers to, if that heeds it."""
        self.queue.add(key)
        for referrer in self.store.referrers(key):
            self.queue.add(referrer)
        for target in self.store.referred(key):
            if (kind := self.kind(target.kind)) and kind.heeds_referrers:
                self.queue.add(target)

    def observed(self, key: Key, parent: Manifest) -> Observed:
        """All that the store holds of an object."""
        referrers = (self.store.parent(referrer) for referrer in self.store.referrers(key))
        return Observed(
            parent=parent,
            children=tuple(self.store.children(key)),
            shared=tuple(self.store.shared(key)),
            references=tuple(self.store.references(key)),
            referrers=tuple(referrer for referrer in referrers if referrer is not None),
            platform=self.platform,
            capabilities=self.capabilities,
        )

    def child_kinds(self) -> list[ChildKind]:
        """The child kinds that are watched, of all kinds, each once."""
        return list(dict.fromkeys(child for kind in self.kinds for child in kind.children))

    def listed_kinds(self) -> list[ChildKind]:
        """The child kinds that are listed, of all kinds, each once."""
        return list(dict.fromkeys(child for kind in self.kinds for child in kind.listed))

    def kind(self, name: str) -> Kind[Any] | None:
        """The kind of this name, if it is one of ours."""
        return next((kind for kind in self.kinds if kind.resource.kind == name), None)

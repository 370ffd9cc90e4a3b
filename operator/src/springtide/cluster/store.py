"""What the operator knows of the cluster: our objects and their children, as they were last seen.

Kept as JSON bytes, which take a tenth of the memory of dictionaries: thousands of ended runs lie here and are looked
at once in five minutes. Older news never replaces newer; a deletion removes only the object that was deleted, not a
successor of the same name; a full list removes what it does not name.

A pod that is gone stays for a while, marked `gone`: it is gone before its Job tells that it failed, and how it ended is
in its last words only.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any, NamedTuple

from springtide.api.constants import GROUP, LABEL_KIND, LABEL_NAME
from springtide.core.decision import Manifest
from springtide.core.foreign import changeable
from springtide.core.kind import POD, Reference


class Key(NamedTuple):
    """A parent: what the queue and the workers go by."""

    kind: str
    namespace: str
    name: str


class _Id(NamedTuple):
    kind: str
    namespace: str
    name: str


@dataclass(slots=True)
class _Entry:
    uid: str
    version: int
    owner: Key | None
    document: bytes


class _Gone(NamedTuple):
    """An object that was deleted: what a slower list or answer tells of it is no news."""

    identity: _Id
    version: int
    listed: bool = False


class Store:
    """Objects by kind, namespace and name, with their ways from parent to child and to whoever refers to them.

    references: what an object of our own kinds refers to in its namespace.
    """

    def __init__(self, references: Callable[[Manifest], Iterable[Reference]] = lambda _: ()) -> None:
        self._references_of = references
        self._entries: dict[_Id, _Entry] = {}
        self._children: dict[Key, set[_Id]] = defaultdict(set)
        self._shared: dict[str, set[_Id]] = defaultdict(set)  # by namespace
        self._references: dict[Key, tuple[Key, ...]] = {}
        self._referrers: dict[Key, set[Key]] = defaultdict(set)
        self._gone: dict[str, _Gone] = {}  # by uid

    def __len__(self) -> int:
        return len(self._entries)

    def upsert(self, kind: str, manifest: Manifest) -> Key | None:
        """Take over an object as it was seen.

        Returns the parent that it concerns (itself, or its owner), or None where it was no news.
        """
        metadata = manifest["metadata"]
        identity = _Id(kind, metadata["namespace"], metadata["name"])
        version, owner = int(metadata["resourceVersion"]), _owner(manifest, identity)
        if LABEL_KIND not in _labels(manifest) and owner is None:
            return None  # of a kind that others make too
        old = self._entries.get(identity)
        gone = self._gone.get(metadata["uid"])
        if (gone and gone.version >= version) or (old and old.version >= version):
            return None
        if old and old.owner != owner:
            self._forget(identity)
        self._entries[identity] = _Entry(metadata["uid"], version, owner, _document(_essence(kind, manifest)))
        self._link(identity, owner, manifest)
        return owner

    def remove(self, kind: str, manifest: Manifest) -> Key | None:
        """Forget an object that was deleted; returns the parent that it concerns, None where it was no news."""
        metadata = manifest["metadata"]
        identity = _Id(kind, metadata["namespace"], metadata["name"])
        self._gone[metadata["uid"]] = _Gone(identity, int(metadata["resourceVersion"]))
        entry = self._entries.get(identity)
        if entry is None or entry.uid != metadata["uid"]:
            return None
        if kind == POD.kind:
            entry.document = _document(_essence(kind, manifest) | {"gone": True})
        else:
            self._forget(identity)
        return entry.owner

    def prune(self, kind: str, *, keep: Set[str], version: int, namespace: str | None) -> set[Key]:
        """Forget what a full list does not name.

        keep: uids that were listed.
        version: resourceVersion of the list; what is newer than the list is left alone.
        namespace: what was listed; None means all.
        Returns the parents that this concerns.
        """
        ghosts = [
            (identity, entry)
            for identity, entry in self._entries.items()
            if identity.kind == kind
            and entry.uid not in keep
            and entry.uid not in self._gone
            and entry.version <= version
            and namespace in (None, identity.namespace)
        ]
        for identity, _ in ghosts:
            self._forget(identity)
        self._bury(kind, version)
        return {entry.owner for _, entry in ghosts if entry.owner}

    def _bury(self, kind: str, version: int) -> None:
        """A list that is younger than a deletion cannot bring the object back; an answer under way still can.

        So what is gone is remembered for one more list.
        """
        old = [uid for uid, gone in self._gone.items() if gone.identity.kind == kind and gone.version <= version]
        for uid in old:
            gone = self._gone.pop(uid)
            if not gone.listed:
                self._gone[uid] = gone._replace(listed=True)
            elif (entry := self._entries.get(gone.identity)) and entry.uid == uid:
                self._forget(gone.identity)  # what a pod said last

    def parent(self, key: Key) -> dict[str, Any] | None:
        """The object itself, or None where there is none."""
        entry = self._entries.get(_Id(*key))
        return json.loads(entry.document) if entry else None

    def children(self, key: Key) -> Iterator[dict[str, Any]]:
        """The objects that carry the labels of the parent."""
        return (json.loads(self._entries[identity].document) for identity in self._children.get(key, ()))

    def shared(self, key: Key) -> Iterator[dict[str, Any]]:
        """The objects that were made for all that is in the namespace."""
        identities = self._shared.get(key.namespace, ())
        return (json.loads(self._entries[identity].document) for identity in identities)

    def references(self, key: Key) -> Iterator[dict[str, Any]]:
        """The objects that the parent refers to, as far as they are there."""
        found = (self.parent(target) for target in self._references.get(key, ()))
        return (manifest for manifest in found if manifest is not None)

    def referrers(self, key: Key) -> list[Key]:
        """The parents that refer to this one, whether or not it is there."""
        return sorted(self._referrers.get(key, ()))

    def referred(self, key: Key) -> tuple[Key, ...]:
        """What the parent refers to, whether or not it is there."""
        return self._references.get(key, ())

    def all(self, kind: str) -> Iterator[dict[str, Any]]:
        """The objects of a kind."""
        return (json.loads(entry.document) for identity, entry in self._entries.items() if identity.kind == kind)

    def holds(self, kind: str) -> bool:
        """Whether there is any object of a kind."""
        return any(identity.kind == kind for identity in self._entries)

    def keys(self, kind: str) -> list[Key]:
        """All parents of a kind."""
        return [Key(*identity) for identity in self._entries if identity.kind == kind]

    def reasons(self, kind: str) -> Iterator[str]:
        """The reason of Ready of every object of a kind, for metrics."""
        for identity, entry in self._entries.items():
            if identity.kind == kind:
                conditions = json.loads(entry.document).get("status", {}).get("conditions", ())
                yield next((item["reason"] for item in conditions if item["type"] == "Ready"), "")

    def _link(self, identity: _Id, owner: Key | None, manifest: Manifest) -> None:
        if owner is None:
            self._shared[identity.namespace].add(identity)
        elif owner != Key(*identity):
            self._children[owner].add(identity)
        else:
            self._refer(owner, self._references_of({"kind": identity.kind, **manifest}))

    def _refer(self, key: Key, references: Iterable[Reference]) -> None:
        """Replace what the parent refers to."""
        for target in self._references.pop(key, ()):
            self._referrers[target].discard(key)
            if not self._referrers[target]:
                del self._referrers[target]
        if targets := tuple(Key(target.kind, key.namespace, target.name) for target in references):
            self._references[key] = targets
            for target in targets:
                self._referrers[target].add(key)

    def _forget(self, identity: _Id) -> None:
        entry = self._entries.pop(identity)
        self._refer(Key(*identity), ())
        if entry.owner and entry.owner in self._children:
            self._children[entry.owner].discard(identity)
            if not self._children[entry.owner]:
                del self._children[entry.owner]
        for group in self._shared.values():
            group.discard(identity)


def _owner(manifest: Manifest, identity: _Id) -> Key | None:
    if str(manifest.get("apiVersion", "")).startswith(f"{GROUP}/"):
        return Key(*identity)
    labels = _labels(manifest)
    if LABEL_KIND not in labels or LABEL_NAME not in labels:
        return None
    return Key(labels[LABEL_KIND], identity.namespace, labels[LABEL_NAME])


def _labels(manifest: Manifest) -> dict[str, str]:
    """The labels that we gave: to the object, or to the Job whose pod template a Workload of Kueue repeats."""
    pod_sets = manifest.get("spec", {}).get("podSets", ())
    bearer = pod_sets[0]["template"] if pod_sets else manifest
    labels: dict[str, str] = bearer.get("metadata", {}).get("labels", {})
    return labels


def _document(essence: Mapping[str, Any]) -> bytes:
    return json.dumps(essence, separators=(",", ":")).encode()


_METADATA = (
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "labels",
    "ownerReferences",
    "creationTimestamp",
    "deletionTimestamp",
)


def _essence(kind: str, manifest: Manifest) -> dict[str, Any]:
    """What decisions are made from."""
    metadata, spec = manifest["metadata"], manifest.get("spec", {})
    essence: dict[str, Any] = {
        "kind": kind,
        "metadata": {name: metadata[name] for name in _METADATA if name in metadata},
        "status": manifest.get("status", {}),
    }
    # Of annotations only our own: others can be as large as the object.
    annotations = metadata.get("annotations") or {}
    if own := {name: text for name, text in annotations.items() if name.startswith(f"{GROUP}/")}:
        essence["metadata"]["annotations"] = own
    if str(manifest.get("apiVersion", "")).startswith(f"{GROUP}/"):
        return essence | {"apiVersion": manifest["apiVersion"], "spec": spec}
    return essence | {"spec": changeable(kind, spec)}

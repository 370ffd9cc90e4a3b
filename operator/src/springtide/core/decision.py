"""What one pass wants done."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from springtide.api.base import ApiModel
from springtide.api.constants import Reason

Manifest = Mapping[str, Any]
"""A Kubernetes object as JSON."""


@dataclass(frozen=True)
class Child:
    """An object to be there. With `owned`, it belongs to the parent and goes with it.

    force: what others have changed in it is changed back; only for what nobody else has a reason to change.
    """

    manifest: Manifest
    owned: bool = True
    force: bool = False


@dataclass(frozen=True)
class Deletion:
    """An object to be gone, and no successor of the same name: the uid is a precondition."""

    api_version: str
    kind: str
    name: str
    uid: str


@dataclass(frozen=True)
class Event:
    """Something that happened, for people who `kubectl describe`."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(frozen=True)
class Refusal:
    """The API server refused a child: nothing that trying again at once would mend.

    reason: Forbidden, RejectedByCluster or NameTaken.
    message: the server's words.
    """

    reason: Reason
    message: str


@dataclass(frozen=True)
class Decision:
    """Children first, then deletions, then the status, then events; each step only if those before succeeded.

    status: the whole status as it should be; None leaves it alone.
    requeue_after: seconds until the object must be looked at again though nothing happened.
    """

    children: tuple[Child, ...] = ()
    deletions: tuple[Deletion, ...] = ()
    status: ApiModel | None = None
    events: tuple[Event, ...] = ()
    requeue_after: float | None = None

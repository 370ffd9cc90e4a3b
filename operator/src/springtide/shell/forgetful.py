"""kopf's memory of objects, switched off.

For each event kopf copies the object several times over, to find out what changed and to clear its own notes from
the copy. We use none of it, and it took two thirds of the operator's time.
"""

from typing import Any

import kopf


class NoDiffBase(kopf.DiffBaseStorage):
    """Sees no content, so there is never a difference."""

    def build(self, **_: Any) -> Any:
        """The part of an object whose changes matter: nothing."""
        return {}

    def fetch(self, **_: Any) -> Any:
        """What was noted on the object: nothing."""
        return None

    def store(self, **_: Any) -> None:
        """Note nothing."""


class NoProgress(kopf.ProgressStorage):
    """Notes no progress of handlers: ours are done when they return."""

    def fetch(self, **_: Any) -> Any:
        """What was noted on the object: nothing."""
        return None

    def store(self, **_: Any) -> None:
        """Note nothing."""

    def purge(self, **_: Any) -> None:
        """There is nothing to remove."""

    def touch(self, **_: Any) -> None:
        """There is nothing to mark."""

    def clear(self, *, essence: Any, **_: Any) -> Any:
        """The essence has no notes in it."""
        return essence

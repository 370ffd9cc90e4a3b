"""Are the watches alive? A watch that is silent may be idle or dead; a full list tells which.

Whatever a list shows, the watch must deliver too, sooner or later. A version that it has not delivered in time, and
that the next list still shows, means that it is dead, though its connection may well be open. (What was deleted
between two lists is in none of the news of the watch.)
"""

from collections.abc import Callable

PATIENCE_SECONDS = 60.0


class Watches:
    """What the watches have delivered, and what they still owe. monotonic: seconds, only going forward."""

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._delivered: dict[str, int] = {}
        self._owed: dict[str, tuple[int, float]] = {}
        self._dead: set[str] = set()

    def delivered(self, plural: str, version: int) -> None:
        """The watch of this resource has delivered an object of this version."""
        self._delivered[plural] = max(version, self._delivered.get(plural, 0))
        owed = self._owed.get(plural)
        if owed and self._delivered[plural] >= owed[0]:
            del self._owed[plural]
            self._dead.discard(plural)

    def expect(self, plural: str, version: int) -> None:
        """A list has shown an object of this version, and none that is newer."""
        now = self._monotonic()
        owed, since = self._owed.get(plural, (0, now))
        if version <= self._delivered.get(plural, 0) or version < owed:
            self._owed.pop(plural, None)
            self._dead.discard(plural)
        elif not owed:
            self._owed[plural] = (version, now)
        elif now - since > PATIENCE_SECONDS:
            self._dead.add(plural)

    def dead(self) -> list[str]:
        """The resources whose watch owes something for too long."""
        return sorted(self._dead)

"""Reading objects as the API server has them, whichever version of Springtide wrote them.

They are not parsed into the API's models: an object of an older or newer version must be shown, not refused. Whatever
is missing or of another type than expected is as if it were not there.
"""

from datetime import UTC, datetime
from typing import Any

Manifest = dict[str, Any]
HUGE = 1e300
"""What JSON can have and a float cannot is no number to us."""


def at(value: Any, *path: str) -> Any:
    """What lies at a path, or None."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def text_at(value: Any, *path: str) -> str:
    """A string or number at a path as text; empty if there is none."""
    found = at(value, *path)
    return str(found) if isinstance(found, str | int | float) and not isinstance(found, bool) else ""


def whole_at(value: Any, *path: str) -> int | None:
    """A whole number at a path."""
    found = at(value, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def number_at(value: Any, *path: str) -> float | None:
    """A number at a path."""
    found = at(value, *path)
    if not isinstance(found, int | float) or isinstance(found, bool):
        return None
    return float(found) if abs(found) < HUGE else None


def items_at(value: Any, *path: str) -> list[Manifest]:
    """The objects in a list at a path."""
    found = at(value, *path)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def time_at(value: Any, *path: str) -> datetime | None:
    """A time at a path."""
    try:
        found = datetime.fromisoformat(text_at(value, *path))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def name_of(manifest: Manifest) -> str:
    """The name of an object."""
    return text_at(manifest, "metadata", "name")


def condition(manifest: Manifest, kind: str) -> Manifest:
    """A condition by its type; empty if there is none."""
    found = (item for item in items_at(manifest, "status", "conditions") if item.get("type") == kind)
    return next(found, {})


def is_suspended(manifest: Manifest) -> bool:
    """Whether its spec says that it must not act."""
    return at(manifest, "spec", "suspend") is True


def is_unseen(manifest: Manifest) -> bool:
    """Whether the operator has not acted upon the spec as it is now."""
    generation, seen = whole_at(manifest, "metadata", "generation"), whole_at(manifest, "status", "observedGeneration")
    return generation is not None and (seen is None or seen < generation)

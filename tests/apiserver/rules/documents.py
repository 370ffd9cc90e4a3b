"""Changes to documents by path."""

import copy
import re
from typing import Any


def changed(document: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A copy with other values at these paths, such as `spec.env[0].name` or `spec.requests{cpu}`; None removes."""
    document = copy.deepcopy(document)
    for path, value in changes.items():
        *parents, last = _steps(path)
        place: Any = document
        for step in parents:
            place = place.setdefault(step, {}) if isinstance(place, dict) else place[step]
        if value is None:
            del place[last]
        else:
            place[last] = copy.deepcopy(value)
    return document


def _steps(path: str) -> list[Any]:
    found = re.findall(r"\[(\d+)\]|\{([^}]+)\}|([^.\[\]{}]+)", path)
    return [int(index) if index else key or name for index, key, name in found]


def value_at(document: dict[str, Any], path: str) -> Any:
    """What lies at a path."""
    place: Any = document
    for step in _steps(path):
        place = place[step]
    return place

"""A measured figure, and one that could not be measured."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


def spread(seconds: Sequence[float]) -> str:
    """How long something took, measured several times."""
    return f"median {statistics.median(seconds):.1f} s, at most {max(seconds):.1f} s"


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    ours, peer: as a person reads them, with units; peer is empty where there is nobody to compare with.
    goal: what was asked for; met: whether it holds, None where there is no goal or nothing was measured.
    note: what one must know to read the figure.
    """

    name: str
    ours: str
    peer: str = ""
    goal: str = ""
    met: bool | None = None
    note: str = ""


def not_measured(name: str, *, reason: str, goal: str = "") -> Figure:
    """A figure that is missing, and why: it is told, never guessed."""
    return Figure(name, "not measured", goal=goal, note=reason)

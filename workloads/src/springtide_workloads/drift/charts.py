"""Where the shapes of a page's drawings stand. Pure geometry, in the units of an SVG's view box."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from springtide.api.drift_monitor import WindowSummary

from springtide_workloads.drift.bins import ABOVE, BELOW, MISSING, SPECIAL, UNSEEN, ColumnCounts, Counts, NumberBins

WIDTH, HEIGHT = 360.0, 120.0
LABELS = 24
"""Windows of a timeline that have room for a date."""
CATEGORIES = 10
"""Categories that get a bar of their own; the others share one."""


@dataclass(frozen=True)
class Bars:
    """What is drawn for one bin, from `x` on: a bar for each side. title: what it says when asked."""

    x: float
    width: float
    reference: float
    window: float
    label: str
    title: str


@dataclass(frozen=True)
class Overlay:
    """The shares of a column's bins, in the reference and in the window. top: the share at the upper rim."""

    bars: tuple[Bars, ...]
    top: float
    width: float = WIDTH
    height: float = HEIGHT


@dataclass(frozen=True)
class Column:
    """A window in the timeline. height: of its bar; unset where no PSI is known."""

    x: float
    width: float
    height: float | None
    verdict: str
    label: str
    title: str


@dataclass(frozen=True)
class Timeline:
    """The largest PSI of each window. limit: height of the line from which it matters."""

    columns: tuple[Column, ...]
    limit: float
    top: float
    width: float = 2 * WIDTH
    height: float = HEIGHT


def overlay(reference: ColumnCounts, window: Counts) -> Overlay:
    """The drawing of one column. Slots that are empty on both sides are left out, but for bins of numbers."""
    shown = _shown(reference, window)
    before = np.array([one[1] for one in shown], dtype=np.float64) / max(reference.rows, 1)
    now = np.array([one[2] for one in shown], dtype=np.float64) / max(int(window.sum()), 1)
    top = max(float(before.max(initial=0)), float(now.max(initial=0)), 0.01)
    step = WIDTH / max(len(shown), 1)
    bars = tuple(
        Bars(
            x=round(place * step, 2),
            width=round(step, 2),
            reference=round(before[place] / top * HEIGHT, 2),
            window=round(now[place] / top * HEIGHT, 2),
            label=label,
            title=f"{label}: {before[place]:.1%} in the reference, {now[place]:.1%} in the window",
        )
        for place, (label, _, _) in enumerate(shown)
    )
    return Overlay(bars, top)


def timeline(windows: Sequence[WindowSummary], *, psi: float) -> Timeline:
    """The drawing of windows, the oldest first."""
    top = max([psi * 1.5, *(one.max_psi or 0.0 for one in windows)])
    step, labelled = 2 * WIDTH / len(windows), -(-len(windows) // LABELS)
    columns = tuple(
        Column(
            x=round(place * step, 2),
            width=round(step, 2),
            height=None if one.max_psi is None else round(max(one.max_psi / top * HEIGHT, 1.0), 2),
            verdict=one.verdict,
            label=f"{one.start:%m-%d}" if one.start is not None and place % labelled == 0 else "",
            title=_title(one),
        )
        for place, one in enumerate(windows)
    )
    return Timeline(columns, limit=round(psi / top * HEIGHT, 2), top=top)


def _title(window: WindowSummary) -> str:
    start = "" if window.start is None else f"{window.start:%Y-%m-%d %H:%M}: "
    psi = "no PSI" if window.max_psi is None else f"largest PSI {window.max_psi:.3f}"
    return f"{start}{window.verdict}, {window.rows:,} rows, {window.drifted_columns} columns, {psi}"


def _shown(reference: ColumnCounts, window: Counts) -> list[tuple[str, int, int]]:
    """Label, count in the reference, count in the window."""
    before = reference.vector
    if isinstance(reference.bins, NumberBins):
        return _numbers(reference.bins, before, window)
    named = [(slot, int(before[place]), int(window[place])) for place, slot in enumerate(reference.bins.slots)]
    special = [one for one in named[: UNSEEN + 1] if one[1] or one[2]]
    categories = sorted(named[UNSEEN + 1 :], key=lambda one: (-max(one[1], one[2]), one[0]))
    some, rest = categories[:CATEGORIES], categories[CATEGORIES:]
    if rest:
        some.append((f"{len(rest)} others", sum(one[1] for one in rest), sum(one[2] for one in rest)))
    return [*some, *special]


def _numbers(bins: NumberBins, before: Counts, window: Counts) -> list[tuple[str, int, int]]:
    def at(label: str, slot: int) -> tuple[str, int, int]:
        return label, int(before[slot]), int(window[slot])

    ends = [at("missing", MISSING), at("infinite", SPECIAL)]
    if bins.min is not None and bins.max is not None:
        bounds = [bins.min, *bins.edges, bins.max]
        names = [f"{_spelled(low)} to {_spelled(high)}" for low, high in pairwise(bounds)]
        inner = [at(name, BELOW + 1 + place) for place, name in enumerate(names)]
        below, above = at(f"< {_spelled(bins.min)}", BELOW), at(f"> {_spelled(bins.max)}", ABOVE)
        inner = [*([below] if any(below[1:]) else []), *inner, *([above] if any(above[1:]) else [])]
    else:
        inner = [at("finite", BELOW)]
    return [*inner, *(one for one in ends if one[1] or one[2])]


def _spelled(value: float) -> str:
    """Four digits, and no exponent below a million: 11,550 rather than 1.155e+04."""
    return f"{float(f'{value:.4g}'):,g}"

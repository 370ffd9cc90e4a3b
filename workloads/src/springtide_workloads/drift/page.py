"""The report as a page: one file, no script or style from elsewhere, readable without any script."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from springtide.api.drift_monitor import WindowSummary
from springtide.api.task import DriftTask

from springtide_workloads.drift.bins import MISSING, UNSEEN, ColumnCounts, Counts, NumberBins
from springtide_workloads.drift.charts import Overlay, Timeline, overlay, timeline
from springtide_workloads.drift.judging import MATTERS, Judged, ranked
from springtide_workloads.drift.layout import Layout
from springtide_workloads.drift.performance_page import PerformanceView
from springtide_workloads.drift.verdict import ColumnDrift
from springtide_workloads.pages import environment_of

PAGE_FILE = "index.html"
TEMPLATE = "page.html.j2"
UNKNOWN = "\N{EN DASH}"
DRAWN = 12
"""Columns whose distribution is drawn."""
TINY = 1e-99
"""Chances below this are all the same."""
SLICES = 200
"""Findings in slices that are listed; the table of verdicts has all."""


@dataclass(frozen=True)
class Page:
    """What the page shows.

    evidently: name of the other page, beside this one, with `evidently_origin`, which says of its rows what they are;
    None: evidently_problem says why there is none.
    """

    task: DriftTask
    layout: Layout
    newest: Judged
    counts: dict[str, Counts]
    windows: tuple[WindowSummary, ...]
    notes: tuple[str, ...]
    evidently: str | None
    evidently_problem: str | None
    evidently_origin: str
    performance: PerformanceView | None = None


@dataclass(frozen=True)
class Line:
    """A column in the table. before: shares in the reference, to read those of the window by."""

    rank: int
    drift: ColumnDrift
    missing_before: float | None
    unseen_before: float | None


def render(page: Page) -> str:
    """The page as HTML. Names and values of the data are escaped, wherever they stand."""
    environment = environment_of(Path(__file__).parent, {"share": _share, "number": _number, "chance": _chance})
    ordered = ranked(page.newest.columns)
    found_in_slices = [one for one in ranked(page.newest.slices) if one.verdict in MATTERS]
    text: str = environment.get_template(TEMPLATE).render(
        task=page.task,
        newest=page.newest,
        summary=page.newest.summary(),
        windows=page.windows,
        timeline=_timeline(page.task, (*page.task.earlier, *page.windows)),
        lines=[_line(rank, one, layout=page.layout) for rank, one in enumerate(ordered, start=1)],
        overlays=list(_overlays(page, ordered)),
        slices=found_in_slices[:SLICES],
        slices_in_all=len(found_in_slices),
        slices_judged=len(page.newest.slices),
        notes=page.notes,
        evidently=page.evidently,
        evidently_problem=page.evidently_problem,
        evidently_origin=page.evidently_origin,
        performance=page.performance,
    )
    return text


def _timeline(task: DriftTask, windows: tuple[WindowSummary, ...]) -> Timeline | None:
    return timeline(windows, psi=task.rules.psi) if len(windows) > 1 else None


def _overlays(page: Page, ordered: tuple[ColumnDrift, ...]) -> Iterator[tuple[ColumnDrift, Overlay]]:
    shown = [one for one in ordered if one.rows][:DRAWN]
    for one in shown:
        yield one, overlay(page.layout.columns[one.name], page.counts[one.name])


def _line(rank: int, drift: ColumnDrift, *, layout: Layout) -> Line:
    reference = layout.columns[drift.name]
    rows = reference.rows
    if not rows:
        return Line(rank, drift, None, None)
    return Line(rank, drift, reference.counts[MISSING] / rows, _unseen(reference) / rows)


def _unseen(reference: ColumnCounts) -> int:
    is_number = isinstance(reference.bins, NumberBins)
    return 0 if is_number else reference.counts[UNSEEN]


def _share(value: float | None) -> str:
    if value is None:
        return UNKNOWN
    return f"{value:.1%}" if value == 0 or value >= 0.001 else "<0.1%"


def _number(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.3f}"


def _chance(value: Any) -> str:
    if value is None:
        return UNKNOWN
    if value < TINY:
        return f"<{TINY:g}"
    return f"{value:.3f}" if value >= 0.001 else f"{value:.1e}"

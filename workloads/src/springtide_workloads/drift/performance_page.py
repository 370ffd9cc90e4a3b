"""Performance as a section of the report's page, or, where no window was judged, as the whole page."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from springtide.api.task import DriftTask

from springtide_workloads.drift.performance import Realised
from springtide_workloads.drift.performance_chart import PerformanceChart, draw_performance
from springtide_workloads.drift.realised import ModelWindow, Reading
from springtide_workloads.drift.windows import as_datetime
from springtide_workloads.pages import environment_of

TEMPLATE = "performance_page.html.j2"
UNKNOWN = "\N{EN DASH}"


@dataclass(frozen=True)
class Line:
    """A row of a table, spelled out. slice: empty for all rows."""

    window: str
    model: str
    slice: str
    outcome: str
    auc: str
    interval: str
    promised: str
    labelled: str
    rows: str
    message: str


@dataclass(frozen=True)
class PerformanceView:
    """What is shown. slices: of the newest window with labels, `slices_of`."""

    monitor: str
    labels: str
    min_rows: int
    max_drop: float
    problem: str
    chart: PerformanceChart | None
    lines: tuple[Line, ...]
    slices: tuple[Line, ...]
    slices_of: Line | None
    notes: tuple[str, ...]


def view_of(realised: Realised, *, task: DriftTask) -> PerformanceView:
    """What was measured, as it is shown."""
    labels = task.labels
    assert labels is not None, "performance is measured by labels"
    windows = realised.windows
    newest = next((one for one in windows if one.slices), None)
    return PerformanceView(
        monitor=task.owner.name,
        labels=labels.snapshot,
        min_rows=labels.min_rows,
        max_drop=labels.max_drop,
        problem=realised.problem.message if realised.problem else "",
        chart=draw_performance(windows, max_drop=labels.max_drop) if windows else None,
        lines=tuple(_line(one, one.overall) for one in windows),
        slices=tuple(_line(newest, reading) for reading in _worst(newest.slices)) if newest else (),
        slices_of=_line(newest, newest.overall) if newest else None,
        notes=realised.notes,
    )


def render_performance(performance: PerformanceView) -> str:
    """The page as HTML. Names and values of the data are escaped, wherever they stand."""
    text: str = environment_of(Path(__file__).parent, {}).get_template(TEMPLATE).render(performance=performance)
    return text


def _worst(slices: Sequence[Reading]) -> list[Reading]:
    rank = {"Dropped": 0, "Held": 1, "Inconclusive": 2}
    return sorted(slices, key=lambda one: (rank[one.outcome], -one.labelled, one.label))


def _line(window: ModelWindow, reading: Reading) -> Line:
    estimate = reading.estimate
    start, end = as_datetime(window.window.start), as_datetime(window.window.end)
    return Line(
        window=f"{start:%Y-%m-%d %H:%M} \N{EN DASH} {end:%Y-%m-%d %H:%M}",
        model=window.model,
        slice=reading.label or "",
        outcome=reading.outcome,
        auc=UNKNOWN if estimate is None else f"{estimate.value:.4f}",
        interval=UNKNOWN if estimate is None else f"{estimate.low:.4f} to {estimate.high:.4f}",
        promised=UNKNOWN if reading.promised is None else f"{reading.promised:.4f}",
        labelled=f"{reading.labelled:,}",
        rows=f"{window.rows:,}",
        message=reading.message,
    )

"""Where the shapes of the drawing of performance stand. Pure geometry, in the units of an SVG's view box."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from springtide_workloads.drift.charts import HEIGHT, WIDTH
from springtide_workloads.drift.realised import ModelWindow
from springtide_workloads.drift.windows import as_datetime

LEAST_SPAN = 0.05
TICKS = 5


@dataclass(frozen=True)
class Whisker:
    """A window of a model. middle: of its AUC, between `top` and `bottom`; None where there is none. line: of what is
    accepted; None where nothing was promised."""

    x: float
    width: float
    top: float | None
    middle: float | None
    bottom: float | None
    line: float | None
    outcome: str
    label: str
    title: str


@dataclass(frozen=True)
class PerformanceChart:
    """The windows from the oldest to the newest. ticks: AUC and where it stands."""

    whiskers: tuple[Whisker, ...]
    ticks: tuple[tuple[float, float], ...]
    width: float = 2 * WIDTH
    height: float = HEIGHT * 1.5


def draw_performance(windows: Sequence[ModelWindow], *, max_drop: float) -> PerformanceChart:
    """windows: newest first."""
    ordered = list(reversed(windows))
    scale = _scale_of(ordered, max_drop=max_drop)
    step = 2 * WIDTH / len(ordered)
    whiskers = tuple(
        _whisker(one, x=(number + 0.5) * step, width=step, max_drop=max_drop, scale=scale)
        for number, one in enumerate(ordered)
    )
    ticks = tuple((value, scale.place(value)) for value in np.linspace(scale.low, scale.high, TICKS).tolist())
    return PerformanceChart(whiskers, ticks)


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float

    def place(self, value: float) -> float:
        return round((self.high - value) / (self.high - self.low) * HEIGHT * 1.5, 2)


def _scale_of(windows: Sequence[ModelWindow], *, max_drop: float) -> _Scale:
    """From the lowest to the highest of what is drawn."""
    readings = [one.overall for one in windows]
    values = [value for one in readings if one.estimate for value in (one.estimate.low, one.estimate.high)]
    values += [one.promised - max_drop for one in readings if one.promised is not None]
    low, high = min(values, default=0.5), max(values, default=1.0)
    spare = max(LEAST_SPAN - (high - low), 0.0) / 2
    return _Scale(low - spare, high + spare)


def _whisker(window: ModelWindow, *, x: float, width: float, max_drop: float, scale: _Scale) -> Whisker:
    reading, estimate = window.overall, window.overall.estimate
    start = as_datetime(window.window.start)
    return Whisker(
        x=round(x, 2),
        width=round(width, 2),
        top=None if estimate is None else scale.place(estimate.high),
        middle=None if estimate is None else scale.place(estimate.value),
        bottom=None if estimate is None else scale.place(estimate.low),
        line=None if reading.promised is None else scale.place(reading.promised - max_drop),
        outcome=reading.outcome,
        label=f"{start:%m-%d}",
        title=f"{start:%Y-%m-%d %H:%M}: {reading.outcome}, {reading.message}, model {window.model[:19]}",
    )

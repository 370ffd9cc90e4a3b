"""The evidence as a page: one file with its plots inside, no script, nothing from elsewhere."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from springtide.api.task import EvaluateTask

from springtide_workloads.evaluation.evidence_plots import Plot
from springtide_workloads.pages import environment_of

PAGE_FILE = "report.html"
TEMPLATE = "evidence.html.j2"
UNKNOWN = "\N{EN DASH}"
SLICES = 100
"""Slices of a gate that are listed; the table has all."""


def render(task: EvaluateTask, *, document: dict[str, Any], plots: Sequence[Plot], folder: Path) -> str:
    """The page as HTML. Names and values of the data are escaped, wherever they stand."""
    environment = environment_of(Path(__file__).parent, {"number": _number, "bound": _bound})
    text: str = environment.get_template(TEMPLATE).render(
        task=task,
        evidence=document,
        gates=document["gates"],
        metrics=_beside(document["metrics"]),
        listed=SLICES,
        plots=[(one.title, base64.b64encode((folder / one.name).read_bytes()).decode()) for one in plots],
    )
    return text


def _beside(metrics: dict[str, float]) -> list[tuple[str, float | None, float | None]]:
    """Name, challenger's and champion's value of the metrics that models have."""
    names = [name for name in metrics if not name.startswith(("champion", "test"))]
    return [(name, metrics[name], metrics.get(f"champion{name[0].upper()}{name[1:]}")) for name in names]


def _number(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.4f}"


def _bound(gate: dict[str, Any]) -> str:
    if "min" in gate:
        return f"at least {gate['min']:g}"
    if "max" in gate:
        return f"at most {gate['max']:g}"
    versus = gate["versusChampion"]
    if "minDelta" in versus:
        return f"better by {versus['minDelta']:g}"
    return f"worse by at most {versus['maxRegression']:g}"

"""The plots of a judgement: both models' curves, and the intervals of each gate's slices. Drawn without a display."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from springtide_workloads.evaluation.gates import Finding, Judged
from springtide_workloads.evaluation.metrics import Values, auc, calibration, ece, roc
from springtide_workloads.evaluation.plots import INK, POINTS, SAND, SEA, SOFT, canvas, save, shortened
from springtide_workloads.evaluation.scoring import Scored

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 30
"""Slices in a plot: the worst; the table has all."""
COLORS = {"Passed": SEA, "Failed": "#c4232b", "Inconclusive": SOFT}


@dataclass(frozen=True)
class Plot:
    """A plot in the folder: its file, and what it shows."""

    name: str
    title: str


def draw_evidence(folder: Path, *, scored: Scored, judged: tuple[Judged, ...]) -> tuple[Plot, ...]:
    """Writes what can be drawn: curves need both classes and finite scores, slices need intervals."""
    drawn = []
    models = _models(scored)
    if models and 0 < scored.target.sum() < scored.rows:
        save(_roc(scored, models), folder / "roc.png")
        save(_calibration(scored, models), folder / "calibration.png")
        drawn += [Plot("roc.png", "ROC of both models"), Plot("calibration.png", "Calibration of both models")]
    for number, one in enumerate(judged, start=1):
        findings = [found for found in one.findings if found.label is not None and found.low is not None]
        if findings:
            name = f"slices-{number}.png"
            save(_slices(one, findings), folder / name)
            drawn.append(Plot(name, f"Slices of {one.gate.name}"))
    return tuple(drawn)


def _models(scored: Scored) -> list[tuple[str, Values, str]]:
    """Name, scores and color of each model that answered all rows, the champion first: the challenger lies on top."""
    both = [("champion", scored.champion, SAND), ("challenger", scored.challenger, SEA)]
    return [(name, score, color) for name, score, color in both if score is not None and np.isfinite(score).all()]


def _roc(scored: Scored, models: list[tuple[str, Values, str]]) -> "Figure":
    figure, axes = canvas("ROC on held-out rows", "false positive rate", "true positive rate")
    axes.plot([0, 1], [0, 1], color=SOFT, linewidth=1, linestyle=(0, (4, 4)))
    for name, score, color in models:
        false_rate, true_rate = roc(scored.target, score, scored.weight)
        keep = np.unique(np.linspace(0, false_rate.size - 1, min(POINTS, false_rate.size)).astype(int))
        label = f"{name}, AUC {auc(scored.target, score, scored.weight):.4f}"
        axes.plot(false_rate[keep], true_rate[keep], color=color, linewidth=2, label=label)
    axes.legend(frameon=False, labelcolor=INK, loc="lower right")
    axes.set(xlim=(0, 1), ylim=(0, 1.01))
    axes.set_aspect("equal")
    return figure


def _calibration(scored: Scored, models: list[tuple[str, Values, str]]) -> "Figure":
    figure, axes = canvas("Calibration on held-out rows", "mean score", "share of positives")
    axes.plot([0, 1], [0, 1], color=SOFT, linewidth=1, linestyle=(0, (4, 4)))
    for name, score, color in models:
        total, mean_score, mean_target = calibration(scored.target, score, scored.weight)
        label = f"{name}, ECE {ece(scored.target, score, scored.weight):.4f}"
        axes.plot(mean_score, mean_target, color=color, linewidth=1.5, label=label)
        axes.scatter(mean_score, mean_target, s=12 + 120 * total / total.max(), color=color, edgecolor="white")
    axes.legend(frameon=False, labelcolor=INK, loc="lower right")
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.set_aspect("equal")
    return figure


def _slices(judged: Judged, findings: list[Finding]) -> "Figure":
    """The interval of each slice beside the bound, the worst on top."""
    gate = judged.gate
    shown = findings[:SHOWN][::-1]
    what = (
        gate.metric if gate.versus_champion is None else f"gain in {gate.metric}: by how much the challenger is better"
    )
    height = max(2.4, 0.3 * len(shown) + 1.4)
    some = f" (the {SHOWN} worst of {len(findings)} slices)" if len(findings) > SHOWN else ""
    figure, axes = canvas(f"{shortened(gate.name)}{some}", what, "", height=height)
    for place, one in enumerate(shown):
        assert one.low is not None
        assert one.high is not None
        axes.plot([one.low, one.high], [place, place], color=COLORS[one.outcome], linewidth=3, solid_capstyle="round")
    axes.axvline(_bound(judged), color=INK, linewidth=1, linestyle=(0, (4, 4)))
    axes.set_yticks(range(len(shown)), [shortened(one.label or "") for one in shown])
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.08)
    return figure


def _bound(judged: Judged) -> float:
    gate = judged.gate
    if gate.versus_champion is not None:
        least = gate.versus_champion.min_delta
        return least if least is not None else -(gate.versus_champion.max_regression or 0.0)
    bound = gate.min if gate.min is not None else gate.max
    assert bound is not None, "one of the three is set"
    return bound

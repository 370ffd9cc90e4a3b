"""The plots people look at: ROC, calibration, scores by class, importance. Drawn without a display."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from springtide_workloads.evaluation.held_out import HeldOut
from springtide_workloads.evaluation.metrics import calibration, roc
from springtide_workloads.evaluation.report import Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, SOFT, GRID = "#1f2933", "#7b8794", "#e4e7eb"
SEA, SAND = "#0b7285", "#e8590c"
POINTS = 1_000
"""Of a curve: more are not seen, and make the file large."""
TOP = 20


def draw_plots(
    folder: Path, *, held_out: HeldOut, report: Report, importances: dict[str, float], measure: str, positive: str
) -> None:
    """Writes roc.png, calibration.png, scores.png and importance.png."""
    folder.mkdir(parents=True, exist_ok=True)
    save(_roc(held_out, report), folder / "roc.png")
    save(_calibration(held_out, report), folder / "calibration.png")
    save(_scores(held_out, positive), folder / "scores.png")
    save(_importance(importances, measure), folder / "importance.png")


def _roc(held_out: HeldOut, report: Report) -> "Figure":
    figure, axes = canvas("ROC on held-out rows", "false positive rate", "true positive rate")
    false_rate, true_rate = roc(held_out.target, held_out.score, held_out.weight)
    keep = np.unique(np.linspace(0, false_rate.size - 1, min(POINTS, false_rate.size)).astype(int))
    axes.plot([0, 1], [0, 1], color=SOFT, linewidth=1, linestyle=(0, (4, 4)))
    axes.fill_between(false_rate[keep], true_rate[keep], color=SEA, alpha=0.08, linewidth=0)
    axes.plot(false_rate[keep], true_rate[keep], color=SEA, linewidth=2)
    overall = report.overall
    interval = f"  (95 %: {overall['aucLow']:.3f} to {overall['aucHigh']:.3f})" if "aucLow" in overall else ""
    text = f"AUC {overall['auc']:.3f}{interval}\nKS {overall['ks']:.3f}"
    axes.text(0.97, 0.05, text, transform=axes.transAxes, ha="right", color=INK, fontsize=10, linespacing=1.5)
    axes.set(xlim=(0, 1), ylim=(0, 1.01))
    axes.set_aspect("equal")
    return figure


def _calibration(held_out: HeldOut, report: Report) -> "Figure":
    figure, axes = canvas("Calibration on held-out rows", "mean score", "share of positives")
    total, score, target = calibration(held_out.target, held_out.score, held_out.weight)
    axes.plot([0, 1], [0, 1], color=SOFT, linewidth=1, linestyle=(0, (4, 4)))
    axes.plot(score, target, color=SEA, linewidth=1.5, zorder=2)
    axes.scatter(score, target, s=20 + 240 * total / total.max(), color=SEA, edgecolor="white", linewidth=1.2, zorder=3)
    text = f"ECE {report.overall['ece']:.4f}\nBrier {report.overall['brier']:.4f}\narea of a point: its rows"
    axes.text(0.97, 0.05, text, transform=axes.transAxes, ha="right", color=INK, fontsize=10, linespacing=1.5)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.set_aspect("equal")
    return figure


def _scores(held_out: HeldOut, positive: str) -> "Figure":
    figure, axes = canvas("Scores by class on held-out rows", "score", "density")
    edges = np.linspace(0, 1, 51).tolist()
    for value, color, label in ((0, SEA, "not"), (1, SAND, "")):
        here = held_out.target == value
        weight = None if held_out.weight is None else held_out.weight[here]
        name = f"{label} {positive}".strip()
        axes.hist(held_out.score[here], edges, weights=weight, density=True, color=color, alpha=0.55, label=name)
    axes.legend(frameon=False, labelcolor=INK)
    axes.set_xlim(0, 1)
    return figure


def _importance(importances: dict[str, float], measure: str) -> "Figure":
    top = list(importances.items())[:TOP][::-1]
    height = max(2.4, 0.28 * len(top) + 1.2)
    shown = f"the {TOP} largest of {len(importances)}" if len(importances) > TOP else "all features"
    figure, axes = canvas(f"Importance ({shown})", measure, "", height=height)
    values = [value for _, value in top]
    axes.barh([shortened(name) for name, _ in top], values, color=SEA, height=0.66)
    for place, value in enumerate(values):
        place_of_text = (max(value, 0), place)
        axes.annotate(
            f"{value:.3f}", place_of_text, (4, 0), textcoords="offset points", va="center", color=SOFT, fontsize=8
        )
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.12)
    return figure


def canvas(title: str, x: str, y: str, *, height: float = 5.0) -> tuple["Figure", "Axes"]:
    """An empty plot in our style; the height is in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, height), dpi=130, layout="constrained", facecolor="white")
    axes = figure.subplots()
    axes.set_title(title, loc="left", color=INK, fontsize=12, pad=12, fontweight="bold")
    axes.set_xlabel(x, color=SOFT)
    axes.set_ylabel(y, color=SOFT)
    axes.grid(visible=True, color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(GRID)
    axes.tick_params(colors=SOFT, length=0)
    return figure, axes


def save(figure: "Figure", path: Path) -> None:
    """Writes a plot; equal plots are equal bytes."""
    # No software version or time in the file.
    metadata: dict[str, Any] = {"Software": None}
    figure.savefig(path, metadata=metadata)


def shortened(name: str) -> str:
    """A name that fits beside an axis, as it is spelled: a dollar would begin a formula."""
    return (name if len(name) <= 32 else f"{name[:31]}…").replace("$", r"\$")

"""Pictures of what happened: drift by month, how the models did by month, and what challengers showed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from live import Object
from story import measured

mpl.use("Agg")
from matplotlib import pyplot as plt

COLOURS = {"Stable": "#4c956c", "Drifted": "#e09f3e", "DataBroken": "#9e2a2b", "Inconclusive": "#bbbbbb"}
LINES = ("#335c67", "#9e2a2b", "#540b0e")


def draw_drift(windows: dict[str, dict[str, Any]], file: Path, *, limit: float) -> None:
    """The greatest PSI of a column by month, in the colour of the verdict."""
    months = sorted(windows)
    figure, axes = plt.subplots(figsize=(10, 4), layout="constrained")
    # Broken columns have no PSI to speak of: they get as much as there is room for.
    heights = [min(windows[month].get("maxPsi") or 0.0, 2.0) for month in months]
    axes.tick_params(axis="x", rotation=90)
    axes.bar(months, heights, color=[COLOURS[windows[month]["verdict"]] for month in months])
    axes.axhline(limit, color="black", linewidth=0.8, linestyle="--")
    for verdict, colour in COLOURS.items():
        if any(window["verdict"] == verdict for window in windows.values()):
            axes.bar([months[0]], [0], color=colour, label=verdict)
    axes.legend(frameon=False)
    axes.set(title="Who applies, beside whom the champion was trained on", ylabel="greatest PSI of a column (to 2)")
    _save(figure, axes, file)


def draw_performance(names: dict[str, str], file: Path) -> None:
    """Realised AUC by month and model with its 95 % interval, and what each promised. names: of models, by digest."""
    figure, axes = plt.subplots(figsize=(10, 4), layout="constrained")
    months = sorted({month for month, _ in measured})
    places = {month: place for place, month in enumerate(months)}
    for colour, (model, name) in zip(LINES, names.items(), strict=False):
        mine = {month: one for (month, of), one in sorted(measured.items()) if of == model and one.get("auc")}
        if not mine:
            continue
        x = [places[month] for month in mine]
        auc = [one["auc"] for one in mine.values()]
        below = [one["auc"] - one["low"] for one in mine.values()]
        above = [one["high"] - one["auc"] for one in mine.values()]
        axes.errorbar(x, auc, yerr=[below, above], fmt="o-", color=colour, capsize=3, label=f"{name}, realised")
        promised = next(iter(mine.values()))["promised"]
        axes.plot([x[0], x[-1]], [promised] * 2, "--", color=colour, label=f"{name}, promised")
    axes.set_xticks(range(len(months)), months, rotation=90)
    axes.legend(frameon=False)
    axes.set(title="How the models did, once outcomes were known", ylabel="AUC")
    _save(figure, axes, file)


def draw_gates(runs: Sequence[Object], file: Path) -> None:
    """By how much each challenger was better than its champion on the same rows, with the interval that decided."""
    figure, axes = plt.subplots(figsize=(10, 1.5 + 0.6 * len(runs)), layout="constrained")
    for place, run in enumerate(runs):
        gate = next(one for one in run.status["verdict"]["gates"] if one["name"] == "better")
        middle = gate["value"] - gate["champion"]
        colour = COLOURS["Stable"] if gate["outcome"] == "Passed" else COLOURS["DataBroken"]
        reach = [[middle - gate["low"]], [gate["high"] - middle]]
        axes.errorbar([middle], [place], xerr=reach, fmt="o", color=colour, capsize=4)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(range(len(runs)), [f"{run.name}\n{run.status['phase']}" for run in runs])
    axes.set_ylim(-0.5, len(runs) - 0.5)
    axes.set(title="Challengers beside champions, on the same held-out rows", xlabel="difference of the AUC")
    _save(figure, axes, file)


def _save(figure: Any, axes: Any, file: Path) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=130)
    plt.close(figure)

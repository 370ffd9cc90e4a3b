"""All figures about one model on its held-out rows: `metrics.json`."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from springtide_workloads.data.split import Role, Rows
from springtide_workloads.evaluation.held_out import HeldOut
from springtide_workloads.evaluation.intervals import auc_interval
from springtide_workloads.evaluation.metrics import all_metrics
from springtide_workloads.evaluation.slices import slice_metrics


@dataclass(frozen=True)
class Report:
    """overall: name to value, as in a result. slices: by column, then `values` and `omitted` by value."""

    overall: dict[str, float]
    slices: dict[str, dict[str, object]]
    notes: tuple[str, ...]

    def as_document(self) -> dict[str, Any]:
        """As JSON."""
        return {"overall": self.overall, "slices": self.slices, "notes": list(self.notes)}


def judge(held_out: HeldOut, *, rows: Rows, seed: int) -> Report:
    """Metrics with the interval of the AUC, overall and by slice."""
    target, score, weight = held_out.target, held_out.score, held_out.weight
    overall = all_metrics(target, score, weight)
    interval = auc_interval(target, score, weight, seed=seed)
    if interval is not None:
        overall |= {"aucLow": interval[0], "aucHigh": interval[1]}
    overall |= {
        "trainingRows": float(rows.count(Role.TRAIN) + rows.count(Role.VALIDATION)),
        "testRows": float(target.size),
        "droppedRows": float(rows.count(Role.DROPPED)),
        "testPositiveRate": float(np.average(target, weights=weight)),
    }
    slices = {
        column.name: slice_metrics(column, target=target, score=score, weight=weight, seed=seed)
        for column in held_out.slices
    }
    return Report(overall=overall, slices=slices, notes=held_out.notes)

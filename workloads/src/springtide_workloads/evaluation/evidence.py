"""The evidence of a judgement: a folder in the artifact store, named by its content.

evidence.json   the circumstances, every input by digest, every gate with every slice
gates.csv       the same gates and slices as a table
*.png           ROC and calibration of both models, and the slices of each gate that has some
report.html     all of it to be read, with the plots inside

Nothing in it says when or where it was made, but for the trigger: equal inputs give equal evidence.
"""

import csv
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from springtide.api.gate import Evidence
from springtide.api.task import EvaluateTask

from springtide_workloads.artifacts.manifest import Input, describe_folder
from springtide_workloads.artifacts.store import ArtifactStore
from springtide_workloads.evaluation.evidence_page import PAGE_FILE, render
from springtide_workloads.evaluation.evidence_plots import Plot, draw_evidence
from springtide_workloads.evaluation.gates import Judged, overall
from springtide_workloads.evaluation.scoring import Scored

EVIDENCE_FILE, GATES_FILE = "evidence.json", "gates.csv"
FORMAT = 1
FIELDS = ("rows", "positives", "value", "champion", "low", "high")


@dataclass(frozen=True)
class Case:
    """What was judged, on what, and what was found.

    inputs: digest of the data. metrics: of all held-out rows. thresholds: by model, of the decisions of gates that
    compare groups. notes: what a reader should bear in mind.
    """

    task: EvaluateTask
    inputs: str
    scored: Scored
    judged: tuple[Judged, ...]
    metrics: dict[str, float]
    thresholds: dict[str, float]
    notes: tuple[str, ...]


def publish(case: Case, folder: Path, *, store: ArtifactStore) -> Evidence:
    """Writes the folder and publishes it."""
    folder.mkdir()
    (folder / EVIDENCE_FILE).write_text(
        json.dumps(document_of(case), indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
    )
    _write_table(folder / GATES_FILE, case.judged)
    plots: tuple[Plot, ...] = draw_evidence(folder, scored=case.scored, judged=case.judged)
    page = render(case.task, document=document_of(case), plots=plots, folder=folder)
    (folder / PAGE_FILE).write_text(page, encoding="utf-8")
    manifest = describe_folder(folder, kind="Evidence", schema=(), inputs=tuple(_inputs(case)))
    return Evidence(uri=store.publish(folder, manifest=manifest), digest=manifest.digest)


def document_of(case: Case) -> dict[str, Any]:
    """`evidence.json`."""
    task = case.task
    return {
        "format": FORMAT,
        "circumstances": task.circumstances.to_wire(),
        "data": {"digest": case.inputs, "split": task.data.split.to_wire(), "target": task.target.to_wire()},
        "seed": task.seed,
        "challenger": {"version": task.challenger.version, "digest": task.challenger.digest},
        "champion": None
        if task.champion is None
        else {"version": task.champion.version, "digest": task.champion.digest},
        "outcome": overall(case.judged),
        "rows": case.scored.rows,
        "metrics": case.metrics,
        "thresholds": case.thresholds,
        "notes": list(case.notes),
        "gates": [_document_of_gate(one) for one in case.judged],
    }


def _document_of_gate(judged: Judged) -> dict[str, Any]:
    return {
        "gate": judged.gate.to_wire(),
        "outcome": judged.outcome,
        "message": judged.message,
        "findings": [
            {name: value for name, value in asdict(one).items() if value is not None and name != "room"}
            for one in judged.findings
        ],
        "leftOut": dict(judged.left_out),
    }


def _inputs(case: Case) -> list[Input]:
    found = [Input(name="data", digest=case.inputs), Input(name="challenger", digest=case.task.challenger.digest)]
    if case.task.champion is not None:
        found.append(Input(name="champion", digest=case.task.champion.digest))
    return found


def _write_table(path: Path, judged: tuple[Judged, ...]) -> None:
    """Every gate on every part; a slice that was left out has its rows and nothing else."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(["gate", "metric", "slice", "outcome", *FIELDS, "message"])
        for one in judged:
            begin = [one.gate.name, one.gate.metric]
            if not one.findings:
                table.writerow([*begin, "", one.outcome, *[""] * len(FIELDS), one.message])
            for found in one.findings:
                figures = [_spelled(getattr(found, name)) for name in FIELDS]
                table.writerow([*begin, found.label or "", found.outcome, *figures, found.message])
            for label, rows in one.left_out:
                table.writerow([*begin, label, "LeftOut", rows, *[""] * (len(FIELDS) - 1), ""])


def _spelled(value: float | None) -> str:
    return "" if value is None else repr(value)

"""What MLflow is told about a model, read from the model's folder: the same for a fresh model and for a known one."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from springtide.api.task import Owner

from springtide_workloads.model.folder import HISTORY_FILE, METRICS_FILE, MODEL_FILE, SIGNATURE_FILE

TAG = "springtide.dev"
MAX_SLICE_METRICS = 1_000
NOT_IN_NAMES = re.compile(r"[^\w\-. /]", flags=re.ASCII)


@dataclass(frozen=True)
class Record:
    """One run as MLflow shows it. steps: (step, name, value)."""

    name: str
    params: dict[str, str]
    metrics: dict[str, float]
    steps: tuple[tuple[int, str, float], ...]
    tags: dict[str, str]


def describe_run(folder: Path, *, owner: Owner, model_digest: str) -> Record:
    """The record of the model in `folder`, which `owner` made."""
    model = json.loads((folder / MODEL_FILE).read_text())
    signature = json.loads((folder / SIGNATURE_FILE).read_text())
    metrics = json.loads((folder / METRICS_FILE).read_text())
    history = json.loads((folder / HISTORY_FILE).read_text())
    overall = metrics["overall"]
    params = {
        "recipe": model["recipe"]["name"],
        "seed": model["seed"],
        "target": signature["target"],
        "features": len(signature["features"]),
        "trainingRows": int(overall["trainingRows"]),
        "testRows": int(overall["testRows"]),
        "droppedRows": int(overall["droppedRows"]),
        **{f"recipe.{name}": value for name, value in model["recipe"]["parameters"].items()},
        **{f"library.{name}": value for name, value in model["libraries"].items()},
    }
    return Record(
        name=owner.name,
        params={name: value if isinstance(value, str) else json.dumps(value) for name, value in params.items()},
        metrics={**overall, **model["fitted"], **_slice_metrics(metrics["slices"])},
        steps=tuple((step["step"], name, value) for step in history for name, value in step.items() if name != "step"),
        tags={
            f"{TAG}/run-uid": owner.uid,
            f"{TAG}/attempt": str(owner.attempt),
            f"{TAG}/kind": owner.kind,
            f"{TAG}/namespace": owner.namespace,
            f"{TAG}/name": owner.name,
            f"{TAG}/inputs-digest": model["inputs"],
            f"{TAG}/model-digest": model_digest,
        },
    )


def _slice_metrics(slices: dict[str, Any]) -> dict[str, float]:
    found = {
        NOT_IN_NAMES.sub("_", f"slice/{column}/{value}/{metric}")[:250]: figure
        for column, parts in slices.items()
        for value, metrics in parts["values"].items()
        for metric, figure in metrics.items()
    }
    return dict(list(found.items())[:MAX_SLICE_METRICS])

"""Models that are judged, in the store and beside a snapshot, trained quickly or made by hand."""

import shutil
import uuid
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from springtide.api.gate import Gate, VersusChampion
from springtide.api.retrain_policy import ModelFiles, Trigger
from springtide.api.task import Circumstances, EvaluateTask, Owner, Result, TaskData
from springtide.api.training_run import Features, Split, Target
from springtide_workloads.evaluation.evaluate import evaluate
from springtide_workloads.evaluation.samples import Measures
from springtide_workloads.evaluation.scoring import Scored
from springtide_workloads.evaluation.slices import SliceColumn
from springtide_workloads.process.progress import Silence

from tests.workloads.builders import Place, a_task
from tests.workloads.builders import do as train

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def an_evaluation(place: Place, data: str, challenger: ModelFiles, **fields: Any) -> EvaluateTask:
    """A task of the RetrainRun team/loop-4."""
    split = fields.pop("split", Split())
    asked = {
        "target": Target(column="defaulted"),
        "seed": 7,
        "gates": (Gate(name="auc", metric="AUC", min=0.5),),
        "evidence_uri": f"{place.store}/evidence/team.loop",
    }
    return EvaluateTask(
        owner=Owner(kind="RetrainRun", namespace="team", name="loop-4", uid="u", attempt=1),
        store_uri=place.store,
        result_uri=f"{place.store}/results/evaluate.json",
        data=TaskData(uri=data, split=split),
        challenger=challenger,
        circumstances=Circumstances(
            run="loop-4", policy="loop", generation=2, trigger=Trigger(type="Drift", time=NOW, message="3 windows")
        ),
        **asked | fields,
    )


def do(task: EvaluateTask, root: Path) -> Result:
    """Does a task in this process; its result passes through a termination message."""
    scratch = root / "scratch" / uuid.uuid4().hex
    scratch.mkdir(parents=True)
    result = evaluate(task, start_time=datetime.now(UTC), scratch=scratch, progress=Silence())
    return Result.model_validate_json(result.encode())


def a_model(place: Place, data: str, root: Path, **asked: Any) -> ModelFiles:
    """A model that was trained on the data."""
    result = train(a_task(place, data, **asked), root)
    assert result.model is not None, result.message
    return ModelFiles(version=str(result.model.version), digest=result.model.digest, uri=result.model.uri)


def without(*columns: str) -> Features:
    return Features(exclude=columns)


def copied(model: ModelFiles, root: Path) -> ModelFiles:
    """The same model elsewhere, to be damaged."""
    folder = root / "copies" / folder_of(model.uri).name
    shutil.copytree(folder_of(model.uri), folder)
    return model.model_copy(update={"uri": folder.as_uri()})


def folder_of(uri: str) -> Path:
    return Path(uri.removeprefix("file://"))


@cache
def world(rows: int = 4_000, *, seed: int = 1) -> dict[str, np.ndarray[Any, Any]]:
    """Rows whose chance of being positive is known: the best score there can be, and others that know less."""
    draw = np.random.default_rng(seed)
    signal, noise = draw.standard_normal(rows), draw.standard_normal(rows)
    best = 1 / (1 + np.exp(1 - 1.5 * signal))
    return {
        "target": (draw.random(rows) < best).astype(np.int8),
        "best": best,
        "good": 1 / (1 + np.exp(1 - 1.2 * (signal + 0.05 * noise))),
        "poor": 1 / (1 + np.exp(1 - 0.9 * (signal + 1.5 * noise))),
        "shuffled": draw.permutation(best),
        "group": draw.choice(3, rows, p=[0.6, 0.3, 0.1]),
    }


def scored(challenger: Any, champion: Any = None, *, rows: int = 4_000, seed: int = 1, **changed: Any) -> Scored:
    """Held-out rows with the scores of two models: names in `world`, or scores."""
    found = world(rows, seed=seed)

    def scores(name: Any) -> Any:
        return found[name] if isinstance(name, str) else name

    return Scored(
        target=changed.get("target", found["target"]),
        weight=changed.get("weight", np.ones(rows)),
        challenger=scores(challenger),
        champion=None if champion is None else scores(champion),
        slices={"group": SliceColumn("group", found["group"].astype(np.int32), ("a", "b", "c")), "id": None},
    )


def measures_of(rows: Scored) -> Measures:
    return Measures(rows, seed=7, progress=Silence())


def a_gate(metric: str = "AUC", **fields: Any) -> Gate:
    fields = {name: value for name, value in fields.items() if value is not None}
    versus = {name: fields.pop(name) for name in ("min_delta", "max_regression") if name in fields}
    if versus:
        fields["versus_champion"] = VersusChampion(**versus)
    return Gate(name=fields.pop("name", "gate"), metric=metric, **fields)  # type: ignore[arg-type]


def column_of_ids(rows: int) -> pa.Array:
    return pa.array([f"customer {number}" for number in range(rows)])

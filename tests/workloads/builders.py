"""Small tables and tasks for the tests of the workloads."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from springtide.api.task import Owner, Result, TaskData, TrainTask
from springtide.api.training_run import Evaluation, Features, Recipe, Split, Target
from springtide_workloads.process.progress import Silence
from springtide_workloads.training.train import train

QUICK = {"gbdt": {"numRounds": 20}, "mlp": {"epochs": 4, "hidden": [16], "batchSize": 64, "learningRate": 0.01}}


def a_table(rows: int = 2_000, *, seed: int = 1) -> pa.Table:
    """Loans: numbers, text, booleans, times, missing values; the target depends on income and grade."""
    draw = np.random.default_rng(seed)
    income = draw.lognormal(10, 0.5, rows)
    grade = draw.choice(["A", "B", "C", "D"], rows, p=[0.4, 0.3, 0.2, 0.1])
    risk = 1.5 * (10 - np.log(income)) + np.select([grade == "D", grade == "C"], [1.5, 0.7], 0.0)
    target = draw.random(rows) < 1 / (1 + np.exp(-risk))
    missing = draw.random(rows) < 0.1
    return pa.table(
        {
            "income": pa.array(income, mask=missing),
            "term": pa.array(draw.choice([36, 60], rows), pa.int16()),
            "grade": pa.array(grade, mask=draw.random(rows) < 0.05),
            "owner": pa.array(draw.random(rows) < 0.5),
            "branch": pa.array(draw.integers(0, 5, rows), pa.int64()),
            "applied_at": pa.array(np.arange(rows) * 60_000_000 + 1_700_000_000_000_000, pa.timestamp("us")),
            "year": pa.array(2015 + np.arange(rows) * 4 // rows, pa.int32()),
            "weight": pa.array(draw.uniform(0.5, 2, rows)),
            "defaulted": pa.array(target.astype(np.int8)),
        }
    )


def write(table: pa.Table, folder: Path, *, files: int = 2, row_group: int = 500) -> str:
    """Writes a table as several files and returns the folder's URI."""
    folder.mkdir(parents=True, exist_ok=True)
    size = -(-table.num_rows // files)
    for number in range(files):
        part = table.slice(number * size, size)
        pq.write_table(part, folder / f"part-{number}.parquet", row_group_size=row_group, write_page_checksum=True)
    return folder.as_uri()


@dataclass(frozen=True)
class Place:
    """Where a test keeps what it makes, and the MLflow it uses."""

    root: Path
    tracking_uri: str
    store_uri: str = ""

    @property
    def store(self) -> str:
        return self.store_uri or (self.root / "artifacts").as_uri()


@dataclass(frozen=True)
class Asked:
    """What a task may ask for."""

    recipe: str = "gbdt"
    parameters: dict[str, Any] | None = None
    split: Split = field(default_factory=Split)
    target: str = "defaulted"
    weight: str | None = None
    features: Features = field(default_factory=Features)
    slices: tuple[str, ...] = ()
    digest: str | None = None
    memoize: bool = True
    name: str = "run"
    uid: str = ""
    model: str = ""


def a_task(place: Place, data: str, **asked: Any) -> TrainTask:
    """A task of a run of its own."""
    ask = Asked(**asked)
    uid = ask.uid or uuid.uuid4().hex
    return TrainTask(
        owner=Owner(kind="TrainingRun", namespace="team", name=ask.name, uid=uid, attempt=1),
        store_uri=place.store,
        result_uri=f"{place.store}/results/{uid}/1.json",
        model_name=ask.model or f"model-{uid}",
        experiment="tests",
        tracking_uri=place.tracking_uri,
        data=TaskData(uri=data, digest=ask.digest, split=ask.split),
        recipe=Recipe(
            name=ask.recipe, parameters=QUICK.get(ask.recipe, {}) if ask.parameters is None else ask.parameters
        ),
        target=Target(column=ask.target, weight_column=ask.weight),
        features=ask.features,
        evaluation=Evaluation(slices=ask.slices),
        memoize=ask.memoize,
    )


def do(task: TrainTask, scratch: Path) -> Result:
    """Does a task in this process."""
    folder = scratch / uuid.uuid4().hex
    folder.mkdir(parents=True)
    return train(task, start_time=datetime.now(UTC), scratch=folder, progress=Silence())

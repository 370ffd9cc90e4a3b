"""Tasks to begin with, for `springtide-workloads example-task`."""

from datetime import UTC, datetime
from pathlib import Path

from springtide.api.gate import Gate, VersusChampion
from springtide.api.retrain_policy import ModelFiles, Trigger
from springtide.api.task import Circumstances, EvaluateTask, Owner, SnapshotTask, TaskData, TrainTask
from springtide.api.training_run import Recipe, Target

from springtide_workloads.artifacts.digests import digest_of_file
from springtide_workloads.artifacts.manifest import MANIFEST


def train_task(*, data: str, target: str, recipe: str, folder: Path) -> TrainTask:
    """A task that keeps everything below `folder`: artifacts, MLflow's database, the result."""
    root = folder.resolve()
    return TrainTask(
        owner=Owner(kind="TrainingRun", namespace="local", name="example", uid="local-example", attempt=1),
        store_uri=(root / "artifacts").as_uri(),
        result_uri=(root / "result.json").as_uri(),
        model_name="example",
        experiment="local",
        tracking_uri=f"sqlite:///{root / 'mlflow.db'}",
        data=TaskData(uri=_uri(data)),
        recipe=Recipe(name=recipe),
        target=Target(column=target),
    )


def snapshot_task(*, data: str, folder: Path) -> SnapshotTask:
    """A task that keeps everything below `folder`. Its contract is empty: name columns to have them checked."""
    root = folder.resolve()
    return SnapshotTask(
        owner=Owner(kind="Dataset", namespace="local", name="example", uid="local-example", attempt=1),
        store_uri=(root / "artifacts").as_uri(),
        result_uri=(root / "result.json").as_uri(),
        uri=_uri(data),
        format="Csv" if data.endswith((".csv", ".csv.gz")) else "Parquet",
    )


def evaluate_task(*, data: str, target: str, challenger: Path, champion: Path | None, folder: Path) -> EvaluateTask:
    """A task that holds a challenger to an AUC of 0.6, and to no loss against a champion."""
    root = folder.resolve()
    gates = [Gate(name="good enough", metric="AUC", min=0.6)]
    if champion is not None:
        gates.append(Gate(name="not worse", metric="AUC", versus_champion=VersusChampion(max_regression=0.005)))
    return EvaluateTask(
        owner=Owner(kind="RetrainRun", namespace="local", name="example", uid="local-example", attempt=1),
        store_uri=(root / "artifacts").as_uri(),
        result_uri=(root / "result.json").as_uri(),
        data=TaskData(uri=_uri(data)),
        target=Target(column=target),
        seed=7,
        challenger=_files(challenger, version="challenger"),
        champion=None if champion is None else _files(champion, version="champion"),
        gates=tuple(gates),
        circumstances=Circumstances(
            run="example", policy="example", generation=1, trigger=Trigger(type="Manual", time=datetime.now(UTC))
        ),
        evidence_uri=f"{(root / 'artifacts').as_uri()}/evidence/local.example",
    )


def _files(folder: Path, *, version: str) -> ModelFiles:
    digest, _ = digest_of_file(folder / MANIFEST)
    return ModelFiles(version=version, digest=digest, uri=folder.resolve().as_uri())


def _uri(data: str) -> str:
    return data if "://" in data else f"file://{Path(data).absolute()}"  # a glob stays as it is

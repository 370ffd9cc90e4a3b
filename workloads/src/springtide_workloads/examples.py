"""Tasks to begin with, for `springtide-workloads example-task`."""

from pathlib import Path

from springtide.api.task import Owner, SnapshotTask, TaskData, TrainTask
from springtide.api.training_run import Recipe, Target


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


def _uri(data: str) -> str:
    return data if "://" in data else f"file://{Path(data).absolute()}"  # a glob stays as it is

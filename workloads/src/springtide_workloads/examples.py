"""A task to begin with, for `springtide-workloads example-task`."""

from pathlib import Path

from springtide.api.task import Owner, TaskData, TrainTask
from springtide.api.training_run import Recipe, Target


def example_task(*, data: str, target: str, recipe: str, folder: Path) -> TrainTask:
    """A task that keeps everything below `folder`: artifacts, MLflow's database, the result."""
    root = folder.resolve()
    return TrainTask(
        owner=Owner(kind="TrainingRun", namespace="local", name="example", uid="local-example", attempt=1),
        store_uri=(root / "artifacts").as_uri(),
        result_uri=(root / "result.json").as_uri(),
        model_name="example",
        experiment="local",
        tracking_uri=f"sqlite:///{root / 'mlflow.db'}",
        data=TaskData(uri=data if "://" in data else Path(data).resolve().as_uri()),
        recipe=Recipe(name=recipe),
        target=Target(column=target),
    )

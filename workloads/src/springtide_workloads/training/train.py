"""From a training task to its result, in the order in which it happens.

The artifact store comes first, then MLflow, then the result: each step can be repeated, and a step that fails leaves
only what the next attempt finds and goes on from.
"""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from springtide.api.constants import Reason
from springtide.api.task import Result, TrainTask
from springtide.api.training_run import Inputs, Memo, RegisteredModel, Target, Tracking

from springtide_workloads.artifacts.manifest import Column, Input, Manifest, describe_folder
from springtide_workloads.artifacts.store import ArtifactStore
from springtide_workloads.data.chunks import ParquetTable
from springtide_workloads.data.columns import Columns, choose_columns
from springtide_workloads.data.encoding import Encoder
from springtide_workloads.data.opening import open_data
from springtide_workloads.data.profile import profile_features
from springtide_workloads.data.scan import scan_rows
from springtide_workloads.data.source import check_pinned
from springtide_workloads.data.split import Role
from springtide_workloads.errors import WorkloadError
from springtide_workloads.evaluation.held_out import predict_held_out
from springtide_workloads.evaluation.importance import importances
from springtide_workloads.evaluation.plots import draw_plots
from springtide_workloads.evaluation.report import judge
from springtide_workloads.model.baseline import describe_baseline
from springtide_workloads.model.folder import PLOTS, Contents, write_folder
from springtide_workloads.process.logs import log
from springtide_workloads.process.progress import Progress
from springtide_workloads.recipes.recipe import Parameters, Recipe, TrainingData
from springtide_workloads.recipes.registry import find_recipe, read_parameters
from springtide_workloads.tracking.mlflow_tracking import MlflowTracking
from springtide_workloads.tracking.probe import check_reachable
from springtide_workloads.training import memo


@dataclass(frozen=True)
class Work:
    """What a task asks for, understood, and the data it is asked of."""

    task: TrainTask
    target: Target
    recipe: Recipe
    parameters: Parameters
    table: ParquetTable
    columns: Columns
    manifest: Manifest

    @property
    def inputs(self) -> Inputs:
        """As a result reports it."""
        return Inputs(digest=self.manifest.digest, files=len(self.table.files), rows=self.table.rows)


def train(task: TrainTask, *, start_time: datetime, scratch: Path, progress: Progress) -> Result:
    """Does the work, or finds it done. Raises WorkloadError."""
    store = ArtifactStore(task.store_uri)
    tracking = MlflowTracking(tracking_uri=task.tracking_uri, experiment=task.experiment)
    recipe, parameters = _recipe_of(task)
    check_reachable(task.tracking_uri)
    store.check_writable()  # now rather than after hours of training
    work = _understand(task, recipe=recipe, parameters=parameters, scratch=scratch, progress=progress)
    resolved = parameters.model_dump(mode="json", by_alias=True)
    key = memo.memo_key(task, inputs_digest=work.inputs.digest, recipe=recipe, parameters=resolved)
    folder = scratch / "model"
    entry = memo.look_up(key, store=store, task=task, target=folder)
    if entry is None:
        shutil.rmtree(folder, ignore_errors=True)  # what a damaged model left
        entry = _make(work, folder=folder, store=store, tracking=tracking, progress=progress)
        memo.remember(key, entry, store=store)  # from here on nothing is trained again, even if MLflow is down

    run = _run_of(entry, folder=folder, task=task, tracking=tracking)
    uri = store.uri_of(entry.model_digest)
    version = tracking.register(task.model_name, run=run, model_digest=entry.model_digest, uri=uri)
    if entry.mlflow != run:
        memo.remember(key, entry.model_copy(update={"mlflow": run}), store=store)
    by_others = entry.owner.uid != task.owner.uid
    return Result(
        status="Succeeded",
        reason=Reason.MEMOIZED if by_others else Reason.SUCCEEDED,
        message=_sentence(task, version=version, entry=entry),
        start_time=start_time,
        end_time=datetime.now(UTC),
        inputs=work.inputs,
        memo=Memo(key=key, hit_from=f"{entry.owner.namespace}/{entry.owner.name}" if by_others else None),
        # Six digits, as `kubectl get` prints all of them; metrics.json and MLflow have the rest.
        metrics={name: round(value, 6) for name, value in entry.metrics.items()},
        model=RegisteredModel(name=task.model_name, version=version, digest=entry.model_digest, uri=uri),
        mlflow=run,
    )


def _recipe_of(task: TrainTask) -> tuple[Recipe, Parameters]:
    if task.recipe is None:
        raise WorkloadError(Reason.INVALID_SPEC, "recipe must be set: this program trains recipes only")
    recipe = find_recipe(task.recipe.name)
    return recipe, read_parameters(recipe, task.recipe.parameters)


def _understand(task: TrainTask, *, recipe: Recipe, parameters: Parameters, scratch: Path, progress: Progress) -> Work:
    if task.target is None:
        raise WorkloadError(Reason.INVALID_SPEC, "target must be set: it says what is predicted")
    if task.data.split.type == "Time" and task.data.split.column is None:
        raise WorkloadError(Reason.INVALID_SPEC, "data.split.column must name the time column when type is Time")
    table, manifest = open_data(task.data, scratch=scratch, progress=progress)
    files = table.files
    inputs = Inputs(digest=manifest.digest, files=len(files), rows=table.rows)
    check_pinned(inputs, expected=task.data.digest, uri=task.data.uri)
    log.info("data", digest=inputs.digest, files=inputs.files, rows=inputs.rows, columns=len(table.columns))
    columns = choose_columns(task, task.target, table=table)
    return Work(task, task.target, recipe, parameters, table, columns, manifest)


def _make(
    work: Work, *, folder: Path, store: ArtifactStore, tracking: MlflowTracking, progress: Progress
) -> memo.Entry:
    """Trains, judges and publishes a model."""
    task, table, columns = work.task, work.table, work.columns
    rows, classes = scan_rows(table, columns=columns, split=task.data.split, seed=task.seed, progress=progress)
    profile = profile_features(table, columns=columns, rows=rows, classes=classes, seed=task.seed, progress=progress)
    work.recipe.check(work.parameters, signature=profile.signature)
    notes = [*columns.notes, *profile.notes]
    dropped = rows.count(Role.DROPPED)
    if dropped:
        notes.append(f"{dropped} of {table.rows} rows have no target or no time and are not used")
    for note in notes:
        log.warning(note)
    encoder = Encoder(profile.signature)
    data = TrainingData(table=table, rows=rows, encoder=encoder, sample=profile.sample)
    tracking.import_early()
    fitted = work.recipe.fit(work.parameters, data, seed=task.seed, progress=progress)
    held_out = predict_held_out(
        fitted.model, table=table, rows=rows, columns=columns, encoder=encoder, progress=progress
    )
    report = judge(held_out, rows=rows, seed=task.seed)
    importance, measure = importances(
        fitted.model, rows=held_out.sample, target=held_out.sample_target, signature=profile.signature, seed=task.seed
    )
    tracking.finish_import()  # the plots import, too
    draw_plots(
        folder / PLOTS,
        held_out=held_out,
        report=report,
        importances=importance,
        measure=measure,
        positive=f"{columns.target} = {classes.positive}",
    )
    write_folder(
        folder,
        Contents(
            recipe=work.recipe,
            parameters=work.parameters.model_dump(mode="json", by_alias=True),
            seed=task.seed,
            split=task.data.split,
            times=rows.times,
            fitted=fitted,
            signature=profile.signature,
            inputs=work.manifest,
            golden=held_out.golden,
            golden_score=held_out.golden_score,
            baseline=describe_baseline(
                profile.sample,
                signature=profile.signature,
                scores=held_out.score,
                slices=task.evaluation.slices,
            ),
            metrics=report.as_document(),
            importances=importance,
            importance_measure=measure,
            notes=(*notes, *report.notes),
        ),
    )
    schema = tuple(Column(name=feature.name, type=feature.type) for feature in profile.signature.features)
    manifest = describe_folder(
        folder, kind="Model", schema=schema, inputs=(Input(name="data", digest=work.inputs.digest),)
    )
    log.info("publishing", digest=manifest.digest, bytes=manifest.size)
    store.publish(folder, manifest=manifest)
    return memo.Entry(owner=task.owner, inputs=work.inputs, model_digest=manifest.digest, metrics=report.overall)


def _run_of(entry: memo.Entry, *, folder: Path, task: TrainTask, tracking: MlflowTracking) -> Tracking:
    """The MLflow run of the model: the one it was made in, or, if that is gone or was never told, one of our own."""
    return tracking.find(entry.mlflow) or tracking.record(folder, owner=task.owner, model_digest=entry.model_digest)


def _sentence(task: TrainTask, *, version: str, entry: memo.Entry) -> str:
    metrics: dict[str, Any] = entry.metrics
    interval = f" ({metrics['aucLow']:.4f} to {metrics['aucHigh']:.4f})" if "aucLow" in metrics else ""
    rows = f"{metrics['testRows']:.0f} held-out rows"
    return f"{task.model_name} version {version}: AUC {metrics['auc']:.4f}{interval} on {rows}"

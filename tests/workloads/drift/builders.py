"""Baselines, snapshots and inference logs for the tests of looks, made without training."""

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from springtide.api.drift_monitor import WindowSummary
from springtide.api.task import DriftBaseline, DriftRows, DriftTask, Owner, Result
from springtide_workloads.artifacts.manifest import Input, describe_folder
from springtide_workloads.artifacts.store import ArtifactStore
from springtide_workloads.drift import tally
from springtide_workloads.drift.bins import BASELINE_FILE, Baseline, CategoryBins, ColumnCounts, SliceCounts
from springtide_workloads.drift.counting import count_column
from springtide_workloads.drift.freezing import freeze_numbers
from springtide_workloads.drift.look import look
from springtide_workloads.drift.tally_share import CountShare
from springtide_workloads.process import crew
from springtide_workloads.process.progress import Silence
from springtide_workloads.serving.log_losses import as_metadata

NOW = datetime(2026, 11, 24, tzinfo=UTC)
DAY = datetime(2026, 3, 1, tzinfo=UTC)
"""The first day of all logs."""
REGIONS = ("north", "south", "east")


def people(rows: int = 2_000, *, seed: int = 1, day: datetime = DAY) -> pa.Table:
    """A day of rows: two numbers, a category, a constant; the score goes with income."""
    draw = np.random.default_rng(seed)
    income = draw.lognormal(10, 0.5, rows)
    return pa.table(
        {
            "time": pa.array(
                [day + timedelta(seconds=second) for second in np.linspace(0, 86_399, rows)], pa.timestamp("us", "UTC")
            ),
            "income": pa.array(income),
            "age": pa.array(draw.integers(18, 90, rows), pa.int16()),
            "region": pa.array(draw.choice(REGIONS, rows, p=[0.5, 0.3, 0.2])),
            "constant": pa.array(np.ones(rows)),
            "prediction": pa.array((1 / (1 + income / 22_000)).astype(np.float32)),
        }
    )


def a_baseline(table: pa.Table | None = None, *, slices: bool = True) -> Baseline:
    """What a model that was trained on such rows carries."""
    table = people(20_000, seed=99) if table is None else table
    numbers = {name: freeze_numbers(table.column(name).to_numpy()) for name in ("income", "age", "constant")}
    bins = {**numbers, "region": CategoryBins(categories=REGIONS)}

    def counts(rows: pa.Table, name: str) -> tuple[int, ...]:
        return tuple(count_column(rows.column(name).combine_chunks(), bins=bins[name], column=name).tolist())

    frozen = [
        SliceCounts(
            column="region",
            value=value,
            counts=tuple(counts(table.filter(pa.compute.equal(table.column("region"), value)), name) for name in bins),
        )
        for value in REGIONS
    ]
    score = freeze_numbers(table.column("prediction").to_numpy())
    score_counts = count_column(table.column("prediction").combine_chunks(), bins=score, column="score")
    return Baseline(
        features=tuple(ColumnCounts(name=name, bins=bins[name], counts=counts(table, name)) for name in bins),
        score=ColumnCounts(name="score", bins=score, counts=tuple(score_counts.tolist())),
        slices=tuple(frozen) if slices else (),
    )


def publish_model(
    root: Path,
    baseline: Baseline | None,
    *,
    metrics: dict[str, Any] | None = None,
    trees: str = "trees",
    trained_on: DriftRows | None = None,
) -> DriftBaseline:
    """A model's folder in the store below `root`, with nothing in it but what a look needs."""
    folder = root / uuid.uuid4().hex
    folder.mkdir(parents=True)
    (folder / "model.txt").write_text(trees)
    if metrics is not None:
        (folder / "metrics.json").write_text(json.dumps(metrics))
    if baseline is not None:
        (folder / BASELINE_FILE).write_text(json.dumps(baseline.to_wire()))
    inputs = (Input(name="data", digest=str(trained_on.snapshot)),) if trained_on else ()
    manifest = describe_folder(folder, kind="Model", schema=(), inputs=inputs)
    uri = ArtifactStore(store_of(root)).publish(folder, manifest=manifest)
    return DriftBaseline(uri=uri, digest=manifest.digest)


def publish_snapshot(root: Path, tables: Sequence[pa.Table], *, row_group: int = 700) -> DriftRows:
    """A snapshot with a file for each table."""
    folder = root / uuid.uuid4().hex
    folder.mkdir(parents=True)
    for number, table in enumerate(tables):
        pq.write_table(table, folder / f"part-{number:05d}.parquet", row_group_size=row_group)
    manifest = describe_folder(folder, kind="Data", schema=(), inputs=())
    uri = ArtifactStore(store_of(root), section="datasets/team.people").publish(folder, manifest=manifest)
    return DriftRows(uri=uri, snapshot=manifest.digest)


def write_log(
    root: Path,
    table: pa.Table,
    *,
    model: str,
    name: str = "pod-1",
    row_group: int = 700,
    batch: int = 1,
    dropped: int = 0,
) -> DriftRows:
    """Adds rows to an inference log, by the hour of their event time.

    batch: rows of each request. dropped: rows that the log could not keep in the first minute of each hour.
    """
    rows = table.num_rows
    table = table.append_column("request_id", pa.array([f"{name}-{number // batch}" for number in range(rows)]))
    table = table.append_column("row", pa.array([number % batch for number in range(rows)], pa.int32()))
    table = table.append_column("model_digest", pa.array([model] * rows))
    hours = np.array([f"date={time:%Y-%m-%d}/hour={time:%H}" for time in table.column("time").to_pylist()])
    for hour in np.unique(hours).tolist():
        folder = root / "log" / hour
        folder.mkdir(parents=True, exist_ok=True)
        start = datetime.strptime(hour, "date=%Y-%m-%d/hour=%H").replace(tzinfo=UTC)
        losses = {int(start.timestamp()) // 60: dropped} if dropped else {}
        part = table.filter(pa.array(hours == hour)).replace_schema_metadata(as_metadata(losses))
        pq.write_table(part, folder / f"{name}-1.parquet", row_group_size=row_group)
    return DriftRows(uri=(root / "log").as_uri())


def log_of(root: Path, days: Sequence[pa.Table], *, model: str) -> DriftRows:
    """An inference log of which another pod wrote each day."""
    parts = [write_log(root, table, model=model, name=f"pod-{number}") for number, table in enumerate(days)]
    return parts[0]


def a_drift_task(root: Path, rows: DriftRows, model: DriftBaseline, **fields: Any) -> DriftTask:
    """A task of the monitor team/people."""
    store = store_of(root)
    return DriftTask(
        owner=Owner(kind="DriftMonitor", namespace="team", name="people", uid="u", attempt=1),
        store_uri=store,
        result_uri=f"{store}/results/1.json",
        data=rows,
        baseline=model,
        report_uri=f"{store}/drift/team.people/",
        **fields,
    )


def earlier(*rows: int) -> tuple[WindowSummary, ...]:
    """Stable windows of the days before `DAY` with so many rows."""
    days = [DAY - timedelta(days=number) for number in range(len(rows), 0, -1)]
    return tuple(
        WindowSummary(start=day, end=day + timedelta(days=1), rows=count, verdict="Stable", max_psi=0.01)
        for day, count in zip(days, rows, strict=True)
    )


def do(task: DriftTask, root: Path) -> Result:
    """Does a task in this process; its result passes through a termination message."""
    scratch = root / "scratch" / uuid.uuid4().hex
    scratch.mkdir(parents=True)
    return Result.model_validate_json(look(task, start_time=NOW, scratch=scratch, progress=Silence()).encode())


def on_three_processors(monkeypatch: pytest.MonkeyPatch) -> list[tuple[CountShare, int]]:
    """From now on little is worth three processes. What was counted, and by how many, will be in the list."""
    counted: list[tuple[CountShare, int]] = []

    def count(work: CountShare, shares: Any, *, processes: int) -> Any:
        counted.append((work, processes))
        return crew.in_processes(work, shares, processes=processes)

    monkeypatch.setattr(crew, "WORTH_A_PROCESS", 1)
    monkeypatch.setattr(crew, "available_cpus", lambda: 3)
    monkeypatch.setattr(tally, "in_processes", count)
    return counted


def store_of(root: Path) -> str:
    return (root / "artifacts").as_uri()


def report_folder(result: Result) -> Path:
    assert result.window is not None
    assert result.window.report_uri is not None
    return Path(result.window.report_uri.removeprefix("file://"))

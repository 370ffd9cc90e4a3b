"""Snapshot tasks of small tables for the tests."""

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from springtide.api.dataset import ColumnContract, Contract
from springtide.api.task import Owner, Result, SnapshotTask
from springtide_workloads.process.progress import Silence
from springtide_workloads.snapshot.refresh import take_snapshot

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def a_snapshot_task(root: Path, uri: str, *, store: str = "", **fields: Any) -> SnapshotTask:
    """A task of the Dataset team/loans, whose store lies below `root`."""
    place = store or (root / "artifacts").as_uri()
    return SnapshotTask(
        owner=Owner(kind="Dataset", namespace="team", name="loans", uid="u", attempt=1),
        store_uri=place,
        result_uri=f"{place}/results/1.json",
        uri=uri,
        **fields,
    )


def do(task: SnapshotTask, root: Path, *, now: datetime = NOW) -> Result:
    """Does a task in this process, and its result passes through a termination message."""
    scratch = root / "scratch" / uuid.uuid4().hex
    scratch.mkdir(parents=True)
    return Result.model_validate_json(take_snapshot(task, start_time=now, scratch=scratch, progress=Silence()).encode())


def contract(*columns: ColumnContract, **fields: Any) -> Contract:
    return Contract(columns=columns, **fields)


def folder_of(result: Result) -> Path:
    assert result.snapshot is not None
    return Path(result.snapshot.uri.removeprefix("file://"))


def rows_of(result: Result) -> pa.Table:
    """The rows of a snapshot, read without any code of ours."""
    return pa.concat_tables([pq.read_table(path) for path in sorted(folder_of(result).glob("*.parquet"))])


def profile_of(result: Result) -> dict[str, Any]:
    """Columns of the profile, by name."""
    document = json.loads((folder_of(result) / "profile.json").read_text())
    return {column["name"]: column for column in document["columns"]}


def published(root: Path) -> list[str]:
    """Digests of what a reader could take for a snapshot."""
    place = root / "artifacts" / "datasets" / "team.loans"
    return sorted(path.name.replace("-", ":", 1) for path in place.iterdir()) if place.exists() else []

"""A look at a wide snapshot: a whole process, beside reading the same files with pyarrow and beside Evidently's PSI.

python tests/bench/drift_speed.py [--rows ROWS] [--columns N]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from figures import Figure
from springtide.api.task import DriftBaseline, DriftRows, DriftTask, Owner
from springtide_workloads.artifacts.manifest import describe_folder
from springtide_workloads.artifacts.store import ArtifactStore
from springtide_workloads.drift.bins import BASELINE_FILE, Baseline, ColumnCounts
from springtide_workloads.drift.counting import count_numbers
from springtide_workloads.drift.freezing import freeze_numbers
from springtide_workloads.snapshot.parts import PartWriter

ROWS, COLUMNS, CHUNK, BY_EVIDENTLY = 1_000_000, 1_800, 8_192, 20
READ = """
import sys, pyarrow.parquet as pq
for path in sys.argv[1:]:
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            file.read_row_group(group, use_threads=True)
"""
EVIDENTLY = """
import sys, time, pyarrow.parquet as pq, pyarrow as pa
from evidently import Report, Dataset, DataDefinition
from evidently.metrics import ValueDrift
names = sys.argv[2].split(",")
table = pa.concat_tables([pq.read_table(path, columns=names) for path in sys.argv[3:]]).to_pandas()
half = len(table) // 2
definition = DataDefinition(numerical_columns=names)
begin = time.monotonic()
report = Report([ValueDrift(column=name, method="psi") for name in names])
report.run(Dataset.from_pandas(table, definition), Dataset.from_pandas(table.iloc[:half], definition)).dict()
print(time.monotonic() - begin)
"""


def run(*, rows: int = ROWS, columns: int = COLUMNS) -> Iterator[Figure]:
    """Needs rows x columns x 4 bytes of disk."""
    with tempfile.TemporaryDirectory(prefix="springtide-bench-") as folder:
        root = Path(folder)
        task, files = _prepare(root, rows=rows, columns=columns)
        read, _, _ = _measure([sys.executable, "-c", READ, *files])
        read, _, _ = _measure([sys.executable, "-c", READ, *files])  # files are in memory by now, for both
        ours, memory, _ = _measure([sys.executable, "-m", "springtide_workloads", "run", "--task", task])
        names = ",".join(f"x{number}" for number in range(BY_EVIDENTLY))
        _, _, text = _measure([sys.executable, "-W", "ignore", "-c", EVIDENTLY, "", names, *files])
        theirs = float(text.strip().splitlines()[-1]) / BY_EVIDENTLY
    size = f"{rows:,} rows x {columns:,} columns of float32"
    yield Figure(
        "look at a snapshot, wall time",
        f"{ours:.1f} s",
        f"{read:.1f} s (pyarrow reads the files)",
        note=f"{size}: {ours / read:.2f}x; ours also checks digests, judges and publishes the report with Evidently's",
    )
    yield Figure("look at a snapshot, peak memory", f"{memory:.2f} GiB", note=f"{size}, Evidently's process included")
    yield Figure(
        "PSI of one column",
        f"{ours / columns * 1000:.1f} ms",
        f"{theirs * 1000:.1f} ms (Evidently)",
        note=f"{rows:,} rows; Evidently's from {BY_EVIDENTLY} columns in memory, {theirs * columns:.0f} s for"
        f" {columns:,} if extrapolated; ours is the whole process by its columns",
    )


def _prepare(root: Path, *, rows: int, columns: int) -> tuple[Path, list[Path]]:
    """A snapshot as our artifacts layer writes it, a baseline, and the task that holds one against the other."""
    draw = np.random.default_rng(3)
    names = [f"x{number}" for number in range(columns)]
    schema = pa.schema([pa.field(name, pa.float32()) for name in names])
    folder = root / "new"
    folder.mkdir()
    with PartWriter(folder, schema) as writer:
        for start in range(0, rows, CHUNK):
            values = draw.standard_normal((columns, min(CHUNK, rows - start)), dtype=np.float32)
            writer.write(pa.RecordBatch.from_arrays([pa.array(one) for one in values], schema=schema))
    store = (root / "artifacts").as_uri()
    data = describe_folder(folder, kind="Data", schema=(), inputs=())
    uri = ArtifactStore(store, section="datasets/bench.wide").publish(folder, manifest=data)
    model = _publish_baseline(root, store, names=names, draw=draw)
    task = DriftTask(
        owner=Owner(kind="DriftMonitor", namespace="bench", name="wide", uid="bench", attempt=1),
        store_uri=store,
        result_uri=(root / "result.json").as_uri(),
        data=DriftRows(uri=uri, snapshot=data.digest),
        baseline=model,
        report_uri=f"{store}/drift/bench.wide",
    )
    path = root / "task.json"
    path.write_text(task.model_dump_json(by_alias=True, exclude_none=True))
    return path, sorted(Path(uri.removeprefix("file://")).glob("*.parquet"))


def _publish_baseline(root: Path, store: str, *, names: list[str], draw: np.random.Generator) -> DriftBaseline:
    features = []
    for name in names:
        values = draw.standard_normal(50_000, dtype=np.float32)
        bins = freeze_numbers(values)
        features.append(ColumnCounts(name=name, bins=bins, counts=tuple(count_numbers(values, bins=bins).tolist())))
    folder = root / "model"
    folder.mkdir()
    baseline = Baseline(features=tuple(features), score=features[0])
    (folder / BASELINE_FILE).write_text(json.dumps(baseline.to_wire()))
    manifest = describe_folder(folder, kind="Model", schema=(), inputs=())
    return DriftBaseline(uri=ArtifactStore(store).publish(folder, manifest=manifest), digest=manifest.digest)


def _measure(command: list[Any]) -> tuple[float, float, str]:
    """Seconds, GiB at the peak, and what it printed. Raises CalledProcessError."""
    begin = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if process.returncode:
        sys.stderr.write(text)
        raise subprocess.CalledProcessError(process.returncode, command)
    return wall, usage.ru_maxrss / 2**20, text


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--columns", type=int, default=COLUMNS)
    arguments = parser.parse_args()
    for figure in run(rows=arguments.rows, columns=arguments.columns):
        print(f"{figure.name:32} {figure.ours:>10}  {figure.peer:36} {figure.note}", flush=True)

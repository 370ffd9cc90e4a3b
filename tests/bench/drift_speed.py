"""A wide snapshot held against a baseline, beside reading the same files with pyarrow and beside Evidently's PSI.

The comparison is all from opened files to the verdicts on all columns. Each program times itself, so imports are in no
figure but that of the whole look: a process that also checks digests, writes tables and pages, and lets Evidently
draw its own. Read and compared in turn, several times, because a machine that others use is never the same twice; the
ratio is the median of the pairs.

python tests/bench/drift_speed.py [--rows ROWS] [--columns N]
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
from figures import Figure
from springtide.api.task import DriftBaseline, DriftRows, DriftTask, Owner
from springtide_workloads.artifacts.manifest import Input, describe_folder
from springtide_workloads.artifacts.store import ArtifactStore
from springtide_workloads.drift.bins import BASELINE_FILE, Baseline, ColumnCounts
from springtide_workloads.drift.counting import count_numbers
from springtide_workloads.drift.freezing import freeze_numbers
from springtide_workloads.snapshot.parts import PartWriter

ROWS, COLUMNS, CHUNK, BY_EVIDENTLY, PAIRS = 1_000_000, 1_800, 8_192, 20, 3
TIMED = """
import os, resource, sys, time
begin, before = time.monotonic(), sum(os.times()[:4])
{body}
memory = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 2**20
print(time.monotonic() - begin, sum(os.times()[:4]) - before, memory)
"""
READ = "import sys, pyarrow.parquet as pq" + TIMED.format(
    body="""
for path in sys.argv[2:]:
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            file.read_row_group(group, use_threads=True)
"""
)
COMPARE = """
import sys
from pathlib import Path
import scipy.special
from springtide.api.task import DriftTask
from springtide_workloads.data.source import DataFile
from springtide_workloads.drift.layout import lay_out
from springtide_workloads.drift.look import Work, judge_windows
from springtide_workloads.drift.opening import open_baseline
from springtide_workloads.drift.rows import SnapshotRows
from springtide_workloads.drift.windows import WHOLE
from springtide_workloads.process.progress import Silence
task = DriftTask.model_validate_json(Path(sys.argv[1]).read_text())
baseline = open_baseline(task.baseline)
""" + TIMED.format(
    body="""
layout, notes = lay_out(baseline, score=None, slices=(), exclude=())
rows = SnapshotRows(tuple(DataFile(path, Path(path), Path(path).stat().st_size, "") for path in sys.argv[2:]))
looked = judge_windows(Work(task, baseline, rows, layout, None, notes), (WHOLE,), progress=Silence())
assert len(looked.newest.columns) == len(baseline.features)
"""
)
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


@dataclass(frozen=True)
class Timed:
    """What a program said of itself, its processes included. seconds: of wall; memory: GiB at the peak."""

    seconds: float
    cpu: float
    memory: float


def run(*, rows: int = ROWS, columns: int = COLUMNS) -> Iterator[Figure]:
    """Needs twice rows x columns x 4 bytes of disk, and memory that holds the files."""
    with tempfile.TemporaryDirectory(prefix="springtide-bench-") as folder:
        root = Path(folder)
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:  # its memory would be inherited as others' peak
            task, files = pool.submit(_prepare, root, rows=rows, columns=columns).result()
        _timed(READ, task, files)  # from now on the files are in memory
        pairs = [(_timed(READ, task, files), _timed(COMPARE, task, files)) for _ in range(PAIRS)]
        look, memory, _ = _measure([sys.executable, "-m", "springtide_workloads", "run", "--task", task])
        names = ",".join(f"x{number}" for number in range(BY_EVIDENTLY))
        _, _, text = _measure([sys.executable, "-W", "ignore", "-c", EVIDENTLY, "", names, *files])
        theirs = float(text.strip().splitlines()[-1]) / BY_EVIDENTLY
    size = f"{rows:,} rows x {columns:,} columns of float32"
    read, ours = (median(side.seconds for side in sides) for sides in zip(*pairs, strict=True))
    read_cpu, ours_cpu = (median(side.cpu for side in sides) for sides in zip(*pairs, strict=True))
    ratios = [compared.seconds / just_read.seconds for just_read, compared in pairs]
    yield Figure(
        "comparison of a snapshot with a baseline",
        f"{ours:.1f} s",
        f"{read:.1f} s (pyarrow reads the files)",
        goal="<= 1.3x",
        met=median(ratios) <= 1.3,
        note=f"{size}: {median(ratios):.2f}x, the median of the pairs {', '.join(f'{one:.2f}' for one in ratios)};"
        f" CPU {ours_cpu:.1f} s and {read_cpu:.1f} s ({ours_cpu / read_cpu:.2f}x)",
    )
    yield Figure(
        "PSI, KS and Jensen-Shannon of one column",
        f"{ours / columns * 1000:.1f} ms",
        f"{theirs * 1000:.0f} ms (Evidently's PSI)",
        goal=">= 100x Evidently",
        met=theirs * columns >= 100 * ours,
        note=f"{theirs * columns / ours:.0f}x; {rows:,} rows, ours from files, Evidently's {BY_EVIDENTLY} columns from"
        f" memory: {theirs * columns:.0f} s for {columns:,} if extrapolated",
    )
    yield Figure(
        "a whole look, from start to result",
        f"{look:.1f} s",
        goal="< 25 s",
        met=look < 25,
        note=f"the same snapshot ({rows * columns * 4 / 1e9:.1f} GB), its digests checked, the report published",
    )
    most = max(memory, *(compared.memory for _, compared in pairs))
    yield Figure(
        "peak memory",
        f"{most:.2f} GiB",
        goal="<= 2 GiB",
        met=most <= 2,
        note="of the comparison or the whole look, Evidently's process included",
    )


def _timed(program: str, task: Path, files: list[Path]) -> Timed:
    _, _, text = _measure([sys.executable, "-W", "ignore", "-c", program, task, *files])
    return Timed(*(float(word) for word in text.strip().splitlines()[-1].split()))


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
    shutil.rmtree(folder)
    model = _publish_baseline(root, store, names=names, draw=draw, data=data.digest)
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


def _publish_baseline(
    root: Path, store: str, *, names: list[str], draw: np.random.Generator, data: str
) -> DriftBaseline:
    """data: digest of a snapshot; the look shows Evidently rows of it as if the model had been trained on it."""
    features = []
    for name in names:
        values = draw.standard_normal(50_000, dtype=np.float32)
        bins = freeze_numbers(values)
        features.append(ColumnCounts(name=name, bins=bins, counts=tuple(count_numbers(values, bins=bins).tolist())))
    folder = root / "model"
    folder.mkdir()
    baseline = Baseline(features=tuple(features), score=features[0])
    (folder / BASELINE_FILE).write_text(json.dumps(baseline.to_wire()))
    manifest = describe_folder(folder, kind="Model", schema=(), inputs=(Input(name="data", digest=data),))
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
        print(
            f"{figure.name:42} {figure.ours:>10}  {figure.peer:36} {figure.goal:16} {figure.met} {figure.note}",
            flush=True,
        )

"""Training beside a plain script on the same data: whole processes, in turn, their wall time and peak memory.

Ours does more than the script in that time: it pins and splits the data, judges the model with intervals, draws plots,
freezes the baseline, publishes and verifies the model, and logs it to MLflow.

    python tests/bench/training.py [--rows ROWS] [--pairs N] [--stream ROWS]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from figures import Figure, not_measured
from springtide.api.task import Owner, TaskData, TrainTask
from springtide.api.training_run import Recipe, Target
from training_data import TARGET, table_folder

HERE = Path(__file__).parent
ROWS, STREAMED_ROWS, COLUMNS, PAIRS = 1_000_000, 10_000_000, 100, 5
WALL_GOAL, MEMORY_GOAL = 1.05, 1.5


@dataclass(frozen=True)
class Peer:
    """A recipe and the script that does the same by hand."""

    recipe: str
    script: str
    parameters: dict[str, Any]
    by_hand: dict[str, Any]


PEERS = (
    Peer(
        "gbdt",
        "plain_lightgbm.py",
        {"numRounds": 200, "numLeaves": 63, "learningRate": 0.1, "earlyStoppingRounds": 0},
        {
            "rounds": 200,
            "num_leaves": 63,
            "learning_rate": 0.1,
            "min_data_in_leaf": 50,
            "feature_fraction": 0.8,
            "lambda_l2": 1.0,
        },
    ),
    Peer(
        "mlp",
        "plain_torch.py",
        {"hidden": [256, 128], "epochs": 5, "batchSize": 2048, "patience": 0, "categoryMasking": 0},
        {"hidden": [256, 128], "epochs": 5, "batch": 2048},
    ),
)


@dataclass(frozen=True)
class Measured:
    """One process: seconds, GiB at its peak, the AUC it found."""

    wall: float
    memory: float
    auc: float


def run(*, rows: int = ROWS, pairs: int = PAIRS, streamed: int = STREAMED_ROWS) -> Iterator[Figure]:
    """Every training figure. Needs about 5 GB of disk in the cache and 2 GiB of memory."""
    with tempfile.TemporaryDirectory(prefix="springtide-bench-") as folder:
        scratch = Path(folder)
        for peer in PEERS:
            yield from _beside(peer, table_folder(rows, COLUMNS), rows=rows, pairs=pairs, scratch=scratch)
        if streamed:
            yield _streamed(table_folder(streamed, COLUMNS), rows=streamed, scratch=scratch)


def _beside(peer: Peer, data: Path, *, rows: int, pairs: int, scratch: Path) -> Iterator[Figure]:
    _ours(peer.recipe, {**peer.parameters, **_shortest(peer.recipe)}, data, scratch)  # warms files and the database
    ours, theirs = [], []
    command = [sys.executable, HERE / peer.script, data, json.dumps(peer.by_hand), scratch]
    for _ in range(pairs):
        ours.append(_ours(peer.recipe, peer.parameters, data, scratch))
        theirs.append(_measure(command, scratch=scratch, auc=_printed_auc))
        print(f"  {peer.recipe}: {ours[-1].wall:.1f} s beside {theirs[-1].wall:.1f} s", flush=True)
    ratios = [our.wall / their.wall for our, their in zip(ours, theirs, strict=True)]
    ratio = statistics.median(ratios)
    note = (
        f"{rows:,} rows x {COLUMNS} columns: {ratio:.2f}x, the median of the pairs"
        f" {', '.join(f'{one:.2f}' for one in ratios)}; AUC {ours[-1].auc:.4f} and {theirs[-1].auc:.4f}"
    )
    yield Figure(
        f"{peer.recipe}, wall time",
        f"{statistics.median(one.wall for one in ours):.1f} s",
        f"{statistics.median(one.wall for one in theirs):.1f} s ({peer.script})",
        goal=f"<= {WALL_GOAL}x",
        met=ratio <= WALL_GOAL,
        note=note,
    )
    yield Figure(
        f"{peer.recipe}, peak memory",
        f"{max(one.memory for one in ours):.2f} GiB",
        f"{max(one.memory for one in theirs):.2f} GiB ({peer.script})",
        note=f"{rows:,} rows x {COLUMNS} columns of float32 are {rows * COLUMNS * 4 / 2**30:.2f} GiB",
    )


def _streamed(data: Path, *, rows: int, scratch: Path) -> Figure:
    name = "mlp, streamed, peak memory"
    goal = f"<= {MEMORY_GOAL} GiB"
    try:
        one = _ours("mlp", {"hidden": [64], "epochs": 1, "batchSize": 8192, "patience": 0}, data, scratch)
    except subprocess.CalledProcessError as error:
        return not_measured(name, goal=goal, reason=f"the training ended with {error.returncode}")
    return Figure(
        name,
        f"{one.memory:.2f} GiB",
        goal=goal,
        met=one.memory <= MEMORY_GOAL,
        note=f"{rows:,} rows x {COLUMNS} columns ({rows * COLUMNS * 4 / 2**30:.1f} GiB), one epoch, {one.wall:.0f} s",
    )


def _shortest(recipe: str) -> dict[str, int]:
    return {"numRounds": 1} if recipe == "gbdt" else {"epochs": 1}


def _ours(recipe: str, parameters: dict[str, Any], data: Path, scratch: Path) -> Measured:
    uid = uuid.uuid4().hex
    result = scratch / f"{uid}.json"
    task = TrainTask(
        owner=Owner(kind="TrainingRun", namespace="bench", name=recipe, uid=uid, attempt=1),
        store_uri=(scratch / "artifacts").as_uri(),
        result_uri=result.as_uri(),
        model_name=recipe,
        experiment="bench",
        tracking_uri=f"sqlite:///{scratch}/mlflow.db",
        data=TaskData(uri=data.as_uri()),
        recipe=Recipe(name=recipe, parameters=parameters),
        target=Target(column=TARGET),
        memoize=False,
    )
    file = scratch / f"{uid}-task.json"
    file.write_text(task.model_dump_json(by_alias=True, exclude_none=True))
    command = [sys.executable, "-m", "springtide_workloads", "run", "--task", file]
    return _measure(command, scratch=scratch, auc=lambda _: float(json.loads(result.read_text())["metrics"]["auc"]))


def _measure(command: list[Any], *, scratch: Path, auc: Any) -> Measured:
    """Runs a process to its end, as the kernel accounts for it. Raises CalledProcessError."""
    with (scratch / "output").open("w") as output:
        begin = time.monotonic()
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    text = (scratch / "output").read_text()
    if process.returncode:
        sys.stderr.write(text)
        raise subprocess.CalledProcessError(process.returncode, command)
    return Measured(wall=wall, memory=usage.ru_maxrss / 2**20, auc=auc(text))


def _printed_auc(text: str) -> float:
    return float(text.strip().splitlines()[-1])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--stream", type=int, default=STREAMED_ROWS, help="0: not")
    arguments = parser.parse_args()
    for figure in run(rows=arguments.rows, pairs=arguments.pairs, streamed=arguments.stream):
        print(
            f"{figure.name:28} {figure.ours:>10}  {figure.peer:34} {figure.goal:12} {figure.met}  {figure.note}",
            flush=True,
        )

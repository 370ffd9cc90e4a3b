"""What the platform adds around the training itself: from `kubectl apply` to the first line of training code, and from
its last line to `Succeeded`.

In the local cluster, with real kubelets and containers, one run after another, of the recipe `gbdt` on a small file.
Warm: the image is on the node, as it is after the first run of a day. Lines carry their own times, and the cluster's
nodes share this machine's clock.
"""

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import local_cluster
from api_server import CACHE
from figures import Figure, not_measured, spread

NAMESPACE = "springtide-bench"
RUNS = 8
WARM_UPS = 2
BEFORE, AFTER = "from apply to the first line of training code", "from its last line to Succeeded"
BEFORE_GOAL, AFTER_GOAL = 5.0, 2.0

_MAKE_DATA = """
import numpy, pyarrow, pyarrow.parquet
draw = numpy.random.default_rng(7)
columns = {f"x{number}": draw.normal(size=5000) for number in range(8)}
columns["default"] = (columns["x0"] + draw.normal(size=5000) > 0).astype("int64")
pyarrow.parquet.write_table(pyarrow.table(columns), "/data/rows.parquet")
"""


@dataclass(frozen=True)
class Overhead:
    """Of one run, in seconds: before its first line, after its last one, and in between."""

    before: float
    after: float
    training: float


def run(*, runs: int = RUNS) -> Iterator[Figure]:
    """Measure so many runs, after two that warm up. Without an operator in the cluster nothing is measured."""
    if problem := local_cluster.problem():
        yield not_measured(BEFORE, goal=f"< {BEFORE_GOAL:.0f} s", reason=problem)
        yield not_measured(AFTER, goal=f"< {AFTER_GOAL:.0f} s", reason=problem)
        return
    _kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found")
    try:
        _apply(*_data())
        _kubectl("-n", NAMESPACE, "wait", "job/data", "--for=condition=Complete", "--timeout=120s")
        for number in range(WARM_UPS):
            _measure(f"warm-up-{number}")
        measured = [_measure(f"run-{number}") for number in range(runs)]
    finally:
        _kubectl("delete", "namespace", NAMESPACE, "--wait=false", "--ignore-not-found")
    yield _figure(BEFORE, [one.before for one in measured], BEFORE_GOAL)
    yield _figure(AFTER, [one.after for one in measured], AFTER_GOAL)


def _figure(name: str, seconds: list[float], goal: float) -> Figure:
    return Figure(
        name,
        spread(seconds),
        goal=f"< {goal:.0f} s",
        met=max(seconds) < goal,
        note=f"{len(seconds)} runs, one after another, warm",
    )


def _measure(name: str) -> Overhead:
    begin = time.time()
    _apply(_training_run(name))
    _kubectl("-n", NAMESPACE, "wait", f"trainingrun/{name}", "--for=condition=Succeeded", "--timeout=180s")
    end = time.time()
    first, last = _first_and_last_line(name)
    overhead = Overhead(before=first - begin, after=end - last, training=last - first)
    print(
        f"  {name}: {overhead.before:.2f} s, {overhead.training:.2f} s of training, {overhead.after:.2f} s", flush=True
    )
    return overhead


def _first_and_last_line(name: str) -> tuple[float, float]:
    """The times of a run's first and last log line, in seconds of the wall clock."""
    log = _kubectl("-n", NAMESPACE, "logs", f"job/{name}-a1")
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    times = [datetime.fromisoformat(line["timestamp"]).timestamp() for line in lines]
    return min(times), max(times)


def _training_run(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "springtide.dev/v1alpha1",
        "kind": "TrainingRun",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "model": {"name": "overhead"},
            "data": {"source": {"volume": {"claimName": "data", "path": "rows.parquet"}}},
            "recipe": {"name": "gbdt", "parameters": {"numRounds": 20}},
            "target": {"column": "default"},
            "memoize": False,
            "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "2Gi"}},
        },
    }


def _data() -> Iterator[dict[str, Any]]:
    """A namespace with a volume, and the Job that puts a Parquet file onto it."""
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    metadata = {"name": "data", "namespace": NAMESPACE}
    yield {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata,
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "100Mi"}}},
    }
    container = {
        "name": "main",
        "image": _workloads_image(),
        "command": ["python", "-c", _MAKE_DATA],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    pod = {
        "restartPolicy": "Never",
        "securityContext": {"runAsUser": 10001, "fsGroup": 10001},
        "containers": [container],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
    }
    job = {"backoffLimit": 2, "template": {"spec": pod}}
    yield {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": job}


def _workloads_image() -> str:
    lines = dict(line.split("=", 1) for line in (CACHE / "images.env").read_text().splitlines())
    return lines["WORKLOADS_IMAGE"]


def _apply(*documents: dict[str, Any]) -> None:
    _kubectl("apply", "-f", "-", standard_input="\n---\n".join(map(json.dumps, documents)))


def _kubectl(*arguments: str, standard_input: str | None = None) -> str:
    command = ["kubectl", *arguments]
    answer = subprocess.run(command, input=standard_input, check=False, capture_output=True, text=True)
    if answer.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {answer.returncode}: {answer.stderr.strip()[-1000:]}")
    return answer.stdout


if __name__ == "__main__":
    for figure in run():
        print(figure)

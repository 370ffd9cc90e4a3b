"""What came of it: the models compared, the same work asked for again, and what MLflow keeps."""

import logging
import os
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kubectl import ENVIRONMENT, SYSTEM, TYPED, apply, kubectl, read
from live import read_runs
from rich.table import Table
from tell import DemoError, command, console, say

METRICS = {
    "auc": "AUC (95 % interval)",
    "logLoss": "log loss",
    "brier": "Brier score",
    "ece": "calibration error",
    "ks": "KS",
}
ANSWER_SECONDS = 120


def show_comparison(names: Sequence[str]) -> None:
    """A table of the metrics of the runs, which they have from `status.metrics`."""
    runs = [read("trainingrun", name)["status"] for name in names]
    table = Table(box=None, padding=(0, 3, 0, 2), header_style="bold")
    table.add_column(f"on {runs[0]['metrics']['testRows']:,.0f} people of 2018")
    for name in names:
        table.add_column(name, no_wrap=True)
    for metric, title in METRICS.items():
        table.add_row(title, *(_figure(metric, run["metrics"]) for run in runs))
    table.add_row("model version", *(f"{run['model']['name']} version {run['model']['version']}" for run in runs))
    table.add_row("its files", *(run["model"]["digest"][:19] + "…" for run in runs))
    console.print(table)
    say(_verdict(names, [run["metrics"] for run in runs]))


def _figure(metric: str, metrics: dict[str, float]) -> str:
    text = f"{metrics[metric]:.4f}"
    return f"{text} ({metrics['aucLow']:.4f} to {metrics['aucHigh']:.4f})" if metric == "auc" else text


def _verdict(names: Sequence[str], metrics: Sequence[dict[str, float]]) -> str:
    first, second = sorted(zip(names, metrics, strict=True), key=lambda pair: -pair[1]["auc"])
    if first[1]["aucLow"] > second[1]["aucHigh"]:
        return f"{first[0]} ranks people better: the intervals of the AUC do not overlap."
    return f"{first[0]} is ahead, but the intervals of the AUC overlap: no reason yet to prefer one."


def show_repetition(documents: list[dict[str, Any]], *, name: str) -> None:
    """Ask for the same work under another name. Raises DemoError if it is not answered."""
    renamed = [document | {"metadata": {"name": name}} for document in documents]
    kubectl("delete", "trainingrun", name, "--ignore-not-found")
    began = time.monotonic()
    apply(
        renamed,
        show=f"sed 's/name: employment-gbdt/name: {name}/' examples/training-run-gbdt.yaml | {TYPED} apply -f -",
    )
    command(f"{TYPED} wait --for=condition=Ready trun/{name}")
    kubectl("wait", "--for=condition=Ready", f"trainingrun/{name}", f"--timeout={ANSWER_SECONDS}s")
    seconds = time.monotonic() - began
    run = read_runs([name])[0]
    status = read("trainingrun", name)["status"]
    if run.reason != "Memoized":
        raise DemoError(
            f"{name} was expected to be answered from memory, but its reason is {run.reason}: {run.message}"
        )
    say(f"{run.reason} after {seconds:.0f} s: data, recipe, seed and code are equal, so it is the model of")
    say(f"{status['memo']['hitFrom']}, version {status['model']['version']}, and nothing was trained")


def download_plots(names: Sequence[str], folder: Path) -> dict[str, str]:
    """Write the plots of each run to folder/run; returns the page of each run in MLflow, without its host."""
    pages = {}
    with _port_forward() as url:
        for name in names:
            tracked = read("trainingrun", name)["status"]["mlflow"]
            pages[name] = f"#/experiments/{tracked['experimentId']}/runs/{tracked['runId']}"
            for path in ("plots", "metrics.json"):
                _download(url, run_id=tracked["runId"], path=path, folder=folder / name)
    written = sorted(file for name in names for file in (folder / name).rglob("*") if file.is_file())
    for file in written:
        say(os.path.relpath(file))
    return pages


def _download(url: str, *, run_id: str, path: str, folder: Path) -> None:
    os.environ |= {"MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false", "GIT_PYTHON_REFRESH": "quiet"}
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        download_artifacts(run_id=run_id, artifact_path=path, dst_path=str(folder), tracking_uri=url)
    except (MlflowException, OSError) as error:
        raise DemoError(
            f"MLflow does not hand out {path} of run {run_id}: {error};"
            f" look at: kubectl --namespace {SYSTEM} logs deployment/springtide-mlflow"
        ) from error


@contextmanager
def _port_forward() -> Iterator[str]:
    """The URL of MLflow on a free port of this machine, as long as the context lasts."""
    process = subprocess.Popen(
        ["kubectl", "--namespace", SYSTEM, "port-forward", "service/springtide-mlflow", ":5000"],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not (found := re.search(r"127\.0\.0\.1:(\d+)", line)):
            raise DemoError(f"MLflow cannot be reached through kubectl port-forward: {line.strip()}")
        yield f"http://127.0.0.1:{found[1]}"
    finally:
        process.terminate()
        process.wait()

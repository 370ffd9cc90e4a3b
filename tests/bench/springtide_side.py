"""Our operator against an API server, as in a pod but for the container."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from api_server import REPOSITORY, ApiServer
from process import stop
from prometheus_client.parser import text_string_to_metric_families

METRICS_PORT = 19480
RUNS = "/apis/springtide.dev/v1alpha1/namespaces/default/trainingruns"
WRITES = frozenset({"create", "update", "patch", "delete"})
SERVED = frozenset({("trainingruns", "status"), ("jobs", "")})
"""What nobody else writes, as (resource, subresource): the API server counts no requests by client."""


@dataclass(frozen=True)
class Running:
    """An operator that runs. log: where its log goes; in_sync: seconds from its start until it was in sync."""

    process: "subprocess.Popen[bytes]"
    log: Path
    in_sync: float


def custom_resources() -> list[dict[str, Any]]:
    """Our CRDs."""
    return [yaml.safe_load(path.read_text()) for path in sorted((REPOSITORY / "crds").glob("*.yaml"))]


@contextmanager
def operator(server: ApiServer, **settings: object) -> Iterator[Running]:
    """The operator, in sync; ended with SIGTERM afterwards. settings: of the platform beyond what is needed."""
    platform = {
        "workloadsImage": "none",
        "trackingUri": "http://mlflow:5000",
        "artifactsUri": "s3://springtide/artifacts",
        "artifactsVolume": None,
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
        **settings,
    }
    settings_file, log = server.state / "platform.yaml", server.state / "operator.log"
    settings_file.write_text(yaml.safe_dump(platform))
    options = ["--platform", str(settings_file), "--port", str(METRICS_PORT)]
    command = [sys.executable, "-m", "springtide.shell.main", *options]
    environment = os.environ | {"KUBECONFIG": str(server.kubeconfig), "POD_NAMESPACE": "default", "POD_NAME": "bench"}
    with log.open("wb") as output:
        begin = time.monotonic()
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        try:
            _wait_for(log, "in sync", process, seconds=120)
            yield Running(process, log, in_sync=time.monotonic() - begin)
        finally:
            stop(process)


def _wait_for(log: Path, words: str, process: "subprocess.Popen[bytes]", *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while words not in log.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            raise TimeoutError(f"the operator did not say {words!r} in {seconds} s; its log: {log.read_text()[-2000:]}")
        time.sleep(0.02)


async def writes() -> Counter[str]:
    """What the operator has written so far, as "verb resource code", by its own metrics. The Lease is left out: it is
    renewed every two seconds, whatever else happens."""
    counts: Counter[str] = Counter()
    for label, value in await _samples("springtide_api_requests_total"):
        if label["verb"] in WRITES and label["resource"] != "leases":
            counts[f"{label['verb']} {label['resource']} {label['code']}"] += value
    return counts


async def passes() -> int:
    """How many passes over objects there were so far."""
    return sum(value for _, value in await _samples("springtide_reconcile_total"))


async def _samples(name: str) -> list[tuple[dict[str, str], int]]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{METRICS_PORT}/metrics") as answer:
        text = await answer.text()
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return [(sample.labels, int(sample.value)) for sample in samples if sample.name == name]


def training_run(index: int) -> dict[str, Any]:
    """One of many equal runs."""
    return {
        "apiVersion": "springtide.dev/v1alpha1",
        "kind": "TrainingRun",
        "metadata": {"name": f"run-{index:05d}", "namespace": "default"},
        "spec": {
            "model": {"name": "credit-default"},
            "data": {"source": {"uri": "s3://lake/credit/2024/"}},
            "recipe": {"name": "gbdt"},
            "target": {"column": "default"},
        },
    }


def job_of(name: str) -> str:
    """The name of the first Job of a run."""
    return f"{name}-a1"


def has_ended(run: dict[str, Any]) -> bool:
    """Whether the run says that it has succeeded."""
    conditions = run.get("status", {}).get("conditions", ())
    return any(item["type"] == "Succeeded" and item["status"] == "True" for item in conditions)

"""What five thousand ended TrainingRuns cost: nothing is written for them, and a restart is short.

They are made cheaply: controllers, scheduler and kwok stand still while each run, its Job and its pod are written as
they are at the end. The status of a run is what the operator's own decision makes of its Job and its pod.
"""

import asyncio
import json
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
import api_server
import springtide_side
from api_server import ApiServer, send
from figures import Figure
from process import usage
from springtide.api.platform import Platform
from springtide.core.kind import Observed
from springtide.core.training_run import KIND
from springtide.core.training_run.job import attempt_job

COUNT = 5000
IDLE_SECONDS = 60.0
SETTINGS = {"resyncSeconds": 25}
"""Twice in the idle minute everything is listed anew and every run is looked at; by default that takes five minutes."""
PLATFORM = Platform(
    workloads_image="none", tracking_uri="http://mlflow:5000", artifacts_uri="s3://springtide/a", artifacts_volume=None
)
JOBS, PODS = "/apis/batch/v1/namespaces/default/jobs", "/api/v1/namespaces/default/pods"
MERGE = "application/merge-patch+json"


@dataclass(frozen=True)
class Start:
    """One start of the operator. Seconds until it was in sync, MiB, and its writes; passes: over runs, since."""

    seconds: float
    rss: float
    peak_rss: float
    writes: Counter[str]
    passes: int


def run(*, count: int = COUNT, idle_seconds: float = IDLE_SECONDS) -> Iterator[Figure]:
    """Make the ended runs, start the operator twice, and yield the figures."""
    with api_server.fresh() as server:
        asyncio.run(_make(server, count))
        before = asyncio.run(_served(server))
        first = asyncio.run(_start(server, idle_seconds))
        print(f"  first start: {first}", flush=True)
        second = asyncio.run(_start(server, idle_seconds / 2))
        print(f"  restart: {second}", flush=True)
        served = asyncio.run(_served(server)) - before
    written = sum(served[key] for key in served if key[0] not in ("GET", "LIST", "WATCH"))
    yield Figure(
        f"{count} ended runs: writes in {idle_seconds:.0f} s idle, and after a restart",
        f"{first.writes.total()}, {second.writes.total()}",
        goal="0",
        met=first.writes.total() == second.writes.total() == 0,
        note=f"in {first.passes} and {second.passes} passes; by the API server's count {written}; the Lease aside",
    )
    yield Figure(
        "restart: from the start of the process until in sync",
        f"{second.seconds:.1f} s",
        goal="< 10 s",
        met=second.seconds < 10,
        note=f"the first start, while the cluster took notice of what was made: {first.seconds:.1f} s",
    )
    peak = max(first.peak_rss, second.peak_rss)
    yield Figure(
        "memory of the operator, at most",
        f"{peak:.0f} MiB",
        goal="< 200 MiB",
        met=peak < 200,
        note=f"{first.rss:.0f} MiB at the end",
    )


async def _start(server: ApiServer, idle_seconds: float) -> Start:
    with springtide_side.operator(server, **SETTINGS) as running:
        await asyncio.sleep(idle_seconds)  # what is measured is that nothing happens
        used = usage(running.process.pid)
        return Start(
            seconds=round(running.in_sync, 2),
            rss=used.rss,
            peak_rss=used.peak_rss,
            writes=await springtide_side.writes(),
            passes=await springtide_side.passes(),
        )


async def _served(server: ApiServer) -> Counter[tuple[str, str, str]]:
    async with server.session() as session:
        counts = await api_server.requests_served(session)
    return Counter({key: number for key, number in counts.items() if (key[1], key[2]) in springtide_side.SERVED})


async def _make(server: ApiServer, count: int) -> None:
    begin = time.perf_counter()
    async with server.session() as session:
        await api_server.prepare(session, springtide_side.custom_resources())
        gate = asyncio.Semaphore(50)

        async def one(index: int) -> None:
            async with gate:
                await _ended_run(session, index)

        with _standing_still(server):
            await asyncio.gather(*(one(index) for index in range(count)))
    print(f"  {count} ended runs made in {time.perf_counter() - begin:.0f} s", flush=True)


@contextmanager
def _standing_still(server: ApiServer) -> Iterator[None]:
    """Nobody acts upon what is half made."""
    pids = [server.pid(name) for name in ("controllers", "scheduler", "kwok")]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


async def _ended_run(session: aiohttp.ClientSession, index: int) -> None:
    run = await send(session, "POST", springtide_side.RUNS, springtide_side.training_run(index))
    snapshot = KIND.observe(Observed(run, (), (), (), (), PLATFORM, frozenset()))
    job = await send(session, "POST", JOBS, attempt_job(snapshot, 1).manifest)
    job = await _with_status(session, JOBS, job, _job_status())
    pod = await send(session, "POST", PODS, _pod(job, index))
    pod = await _with_status(session, PODS, pod, _pod_status(run))
    children = ({"kind": "Job", **job}, {"kind": "Pod", **pod})
    decision = KIND.decide(KIND.observe(Observed(run, children, (), (), (), PLATFORM, frozenset())), datetime.now(UTC))
    assert decision.status is not None, "an ended pod ends its run"
    await _with_status(session, springtide_side.RUNS, run, decision.status.to_wire())


async def _with_status(session: aiohttp.ClientSession, path: str, made: Any, status: Any) -> Any:
    address = f"{path}/{made['metadata']['name']}/status"
    return await send(session, "PATCH", address, {"status": status}, **{"Content-Type": MERGE})


def _job_status() -> dict[str, Any]:
    now = _now()
    conditions = [
        {"type": kind, "status": "True", "reason": "CompletionsReached", "lastTransitionTime": now}
        for kind in ("SuccessCriteriaMet", "Complete")
    ]
    return {"startTime": now, "completionTime": now, "succeeded": 1, "conditions": conditions}


def _pod(job: dict[str, Any], index: int) -> dict[str, Any]:
    metadata, template = job["metadata"], job["spec"]["template"]
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": metadata["name"], "uid": metadata["uid"]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{metadata['name']}-{index:05d}",
            "labels": template["metadata"]["labels"],
            "ownerReferences": [owner | {"controller": True, "blockOwnerDeletion": True}],
        },
        "spec": template["spec"] | {"nodeName": f"fake-{index % 10 + 1}"},
    }


def _pod_status(run: dict[str, Any]) -> dict[str, Any]:
    now = _now()
    message = json.dumps(_result(run["metadata"]["name"]))
    ended = {"exitCode": 0, "reason": "Completed", "message": message, "startedAt": now, "finishedAt": now}
    container = {
        "name": "main",
        "image": "none",
        "imageID": "none",
        "ready": False,
        "restartCount": 0,
        "started": False,
        "state": {"terminated": ended},
    }
    return {"phase": "Succeeded", "startTime": now, "containerStatuses": [container]}


def _result(name: str) -> dict[str, Any]:
    """A result of the size that the recipes write."""
    digest = f"sha256:{'5' * 64}"
    metrics = ("auc", "logLoss", "brier", "ece", "ks", "averagePrecision", "accuracy", "baseRate")
    return {
        "status": "Succeeded",
        "reason": "Trained",
        "message": "trained on 200000 rows; AUC 0.91",
        "startTime": _now(),
        "endTime": _now(),
        "inputs": {"digest": digest, "files": 12, "rows": 200000},
        "memo": {"key": digest},
        "metrics": dict.fromkeys(metrics, 0.912345),
        "model": {"name": "default.credit-default", "version": "7", "digest": digest, "uri": f"s3://springtide/{name}"},
        "mlflow": {"runId": "5" * 32, "experimentId": "1"},
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--idle", type=float, default=30.0)
    chosen = parser.parse_args()
    for figure in run(count=chosen.count, idle_seconds=chosen.idle):
        print(figure)

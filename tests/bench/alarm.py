"""How soon an alarm becomes a training: a DriftMonitor says that its newest window drifted, and a policy heeds it.

What is written is the status that the operator's own code makes of such a window. From that request to the moment when
the pod of the challenger's TrainingRun is seen running there are three of our kinds, the Job controller and the
scheduler; what pulling an image takes is not in it.
"""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import api_server
import loops
from api_server import ApiServer, send
from finished_runs import PLATFORM
from springtide.api.drift_monitor import DriftedColumn, PastWindow
from springtide.core.drift_monitor import KIND
from springtide.core.drift_monitor.status import write
from springtide.core.kind import Observed

PATIENCE_SECONDS = 60.0


async def delays(server: ApiServer, count: int) -> list[float]:
    """Seconds from alarm to container, in each of so many loops at rest, one after another."""
    async with server.session() as session, loops.played(session):
        return [await _delay(session, loops.name_of(index)) for index in range(count)]


async def _delay(session: aiohttp.ClientSession, loop: str) -> float:
    """The challenger is the model that is served already, so its run ends with the training."""
    job, started = f"{loop}-2-a1", asyncio.Event()
    at = 0.0

    def see(event: dict[str, Any]) -> None:
        nonlocal at
        pod = event["object"]
        owners = [owner["name"] for owner in pod["metadata"].get("ownerReferences", ())]
        if job in owners and pod["status"].get("phase") == "Running" and not started.is_set():
            at = time.perf_counter()
            started.set()

    status = await _alarming(session, loop)
    watch = asyncio.create_task(api_server.watch(session, loops.PODS, see))
    try:
        await asyncio.sleep(1)  # the watch is there
        begin = time.perf_counter()
        address = f"{loops.PATH}/driftmonitors/{loop}/status"
        await send(session, "PATCH", address, {"status": status}, **{"Content-Type": loops.MERGE})
        async with asyncio.timeout(PATIENCE_SECONDS):
            await started.wait()
            await _until_over(session, loop)
    finally:
        watch.cancel()
    return at - begin


async def _alarming(session: aiohttp.ClientSession, loop: str) -> dict[str, Any]:
    """The status of the loop's monitor, with one window more: a column has drifted."""
    named = {
        "Dataset": f"datasets/{loop}",
        "TrainingRun": f"trainingruns/{loop}-1",
        "ModelService": f"modelservices/{loop}",
    }
    monitor = await _get(session, f"driftmonitors/{loop}")
    references = [{"kind": kind, **await _get(session, path)} for kind, path in named.items()]
    observed = KIND.observe(Observed(monitor, (), (), tuple(references), (), PLATFORM, frozenset()))
    before = observed.status.last_window
    assert before is not None, "a monitor at rest has judged a window"
    window = before.model_copy(
        update={
            "start": before.start and before.start + timedelta(days=1),
            "end": before.end and before.end + timedelta(days=1),
            "snapshot": before.snapshot and loops.digest(f"other data of {loop}"),
            "verdict": "Drifted",
            "max_psi": 0.41,
            "drifted_columns": 1,
            "drifted": (DriftedColumn(column="income", verdict="Drifted", reason="Shifted", psi=0.41),),
            "message": "1 of 100 columns drifted; the greatest PSI is 0.41",
        }
    )
    history = (PastWindow.model_validate(window.model_dump()), *observed.status.history)
    status = observed.status.model_copy(update={"last_window": window, "history": history})
    return write(observed, status, now=datetime.now(UTC)).to_wire()


async def _until_over(session: aiohttp.ClientSession, loop: str) -> None:
    """Until the run that the alarm began has ended, so that the next alarm finds the namespace at rest."""
    run: dict[str, Any] = {}
    while not run.get("status", {}).get("completionTime"):
        await asyncio.sleep(0.5)
        run = await _get(session, f"retrainruns/{loop}-2")
    assert run["spec"]["trigger"]["type"] == "Drift", f"{loop} retrains for another reason: {run['spec']['trigger']}"


async def _get(session: aiohttp.ClientSession, path: str) -> dict[str, Any]:
    async with session.get(f"{loops.PATH}/{path}") as reply:
        reply.raise_for_status()
        return dict(await reply.json())

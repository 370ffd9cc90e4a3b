"""Runs in a pod: asks a ModelService at a steady rate until it is told to stop, and then says what it got.

    python load.py URL MODEL REQUESTS_PER_SECOND FOLDER

FOLDER has Parquet files with the model's features. `/tmp/stop` ends it; the last line that it prints is JSON.
"""

import asyncio
import contextlib
import json
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.dataset as pads

ROWS = 8
BODIES = 200
CALLERS = 8
"""Each keeps connections of its own. One alone would stay at one server for as long as its connection lasts."""


def bodies(features: list[dict[str, Any]], folder: str) -> list[bytes]:
    """Requests with rows from anywhere: what two servers get differs by chance only, whoever gets which request."""
    columns = [feature["name"] for feature in features]
    rows = pads.dataset(folder)
    drawn = random.Random(7).sample(range(rows.count_rows()), ROWS * BODIES)  # noqa: S311 - nothing secret
    table = rows.take(drawn, columns=columns)
    return [
        json.dumps({"inputs": [_input(feature, table.slice(start, ROWS)) for feature in features]}).encode()
        for start in range(0, table.num_rows, ROWS)
    ]


def _input(feature: dict[str, Any], rows: pa.Table) -> dict[str, Any]:
    values = rows.column(feature["name"]).to_pylist()
    if feature["datatype"] != "BYTES":
        values = [None if value is None else float(value) for value in values]
    return {"name": feature["name"], "datatype": feature["datatype"], "shape": [len(values)], "data": values}


async def main(url: str, model: str, rate: float, folder: str) -> None:
    versions: Counter[str] = Counter()
    failed: list[str] = []
    async with contextlib.AsyncExitStack() as open_clients:
        callers = [httpx.AsyncClient(base_url=url, timeout=10, trust_env=False) for _ in range(CALLERS)]
        for caller in callers:
            await open_clients.enter_async_context(caller)
        features = (await callers[0].get(f"/v2/models/{model}")).raise_for_status().json()["inputs"]
        requests = bodies(features, folder)

        async def ask(caller: httpx.AsyncClient, body: bytes) -> None:
            try:
                answer = await caller.post(f"/v2/models/{model}/infer", content=body)
                versions[answer.raise_for_status().json()["model_version"]] += 1
            except httpx.HTTPError as error:
                failed.append(f"{type(error).__name__}: {error}")

        stopped = Path("/tmp/stop")  # noqa: S108 - the scratch folder of its own pod
        sent, clock = 0, asyncio.get_running_loop()
        began = clock.time()
        async with asyncio.TaskGroup() as under_way:
            while not stopped.exists():  # noqa: ASYNC240 - a look at one local file
                under_way.create_task(ask(callers[sent % CALLERS], requests[sent % len(requests)]))
                sent += 1
                await asyncio.sleep(max(0.0, began + sent / rate - clock.time()))
        seconds = clock.time() - began
    told = {"sent": sent, "seconds": seconds, "failures": len(failed), "failed": failed[:5], "versions": versions}
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4]))

"""Runs in a pod: asks a ModelService at a steady rate until it is told to stop, and then says what it got.

    python load.py URL MODEL REQUESTS_PER_SECOND FOLDER PARAMETERS

FOLDER has Parquet files with the model's features; PARAMETERS are those of each request, as JSON. `/tmp/stop` ends
it; the last line that it prints is JSON, with how many requests each version answered, and when it did last (seconds
since 1970).
"""

import asyncio
import contextlib
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pyarrow as pa
import pyarrow.dataset as pads

ROWS = 8
BODIES = 200
TIMEOUT = 30
"""Of a machine that trains and starts servers meanwhile: slow is not failed."""
JSON = {"Content-Type": "application/json"}
CALLERS = 8
"""Each keeps connections of its own. One alone would stay at one server for as long as its connection lasts."""


def bodies(features: list[dict[str, Any]], folder: str, parameters: dict[str, str]) -> list[bytes]:
    """Requests with rows from anywhere: what two servers get differs by chance only, whoever gets which request."""
    columns = [feature["name"] for feature in features]
    rows = pads.dataset(folder)
    drawn = random.Random(7).sample(range(rows.count_rows()), ROWS * BODIES)  # noqa: S311 - nothing secret
    table = rows.take(drawn, columns=columns)
    parts = (table.slice(start, ROWS) for start in range(0, table.num_rows, ROWS))
    inputs = ([_input(feature, part) for feature in features] for part in parts)
    return [json.dumps({"parameters": parameters, "inputs": one}).encode() for one in inputs]


def _input(feature: dict[str, Any], rows: pa.Table) -> dict[str, Any]:
    values = rows.column(feature["name"]).to_pylist()
    if feature["datatype"] != "BYTES":
        values = [None if value is None else float(value) for value in values]
    return {"name": feature["name"], "datatype": feature["datatype"], "shape": [len(values)], "data": values}


async def main(url: str, model: str, rate: float, folder: str, parameters: dict[str, str]) -> None:
    versions: Counter[str] = Counter()
    last: dict[str, float] = {}
    failed: list[str] = []
    timeout = aiohttp.ClientTimeout(total=TIMEOUT)
    async with contextlib.AsyncExitStack() as open_clients:
        callers = [
            await open_clients.enter_async_context(aiohttp.ClientSession(url, timeout=timeout, raise_for_status=True))
            for _ in range(CALLERS)
        ]
        async with callers[0].get(f"/v2/models/{model}") as metadata:
            features = (await metadata.json())["inputs"]
        requests = bodies(features, folder, parameters)

        async def ask(caller: aiohttp.ClientSession, body: bytes) -> None:
            try:
                async with caller.post(f"/v2/models/{model}/infer", data=body, headers=JSON) as answer:
                    version = (await answer.json())["model_version"]
                versions[version] += 1
                last[version] = time.time()
            except (aiohttp.ClientError, TimeoutError) as error:
                failed.append(f"at {time.strftime('%H:%M:%S')} {type(error).__name__}: {error}")

        stopped = Path("/tmp/stop")  # noqa: S108 - the scratch folder of its own pod
        sent, clock = 0, asyncio.get_running_loop()
        began = clock.time()
        async with asyncio.TaskGroup() as under_way:
            while not stopped.exists():  # noqa: ASYNC240 - a look at one local file
                under_way.create_task(ask(callers[sent % CALLERS], requests[sent % len(requests)]))
                sent += 1
                await asyncio.sleep(max(0.0, began + sent / rate - clock.time()))
            seconds = clock.time() - began
    outcome = {"failures": len(failed), "failed": failed[:5], "versions": versions, "last": last}
    print(json.dumps({"sent": sent, "seconds": seconds, **outcome}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4], json.loads(sys.argv[5])))

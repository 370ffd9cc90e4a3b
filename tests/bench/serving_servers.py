"""The servers of the serving figures, in processes of their own: ours, ours that logs, and the stock one."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from process import stop, usage
from serving_requests import MODEL
from springtide.api.serving import SERVING_VARIABLE, InferenceLogging, Serving

HERE = Path(__file__).parent
THREADS = 1
"""Of LightGBM, for each request: what KServe's own server for it has by default."""
START_SECONDS = 180
FLUSH_SECONDS = 1.0
"""Of the log. By default it is 30: then less would be written within the turn that caused it."""


@dataclass(frozen=True)
class Server:
    """One that is ready."""

    name: str
    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def peak_memory(self) -> float:
        """MiB."""
        return usage(self.process.pid).peak_rss

    def logged(self) -> dict[str, int]:
        """Rows of the inference log by outcome."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        mark = "springtide_server_log_rows_total{outcome="
        found = (line.removeprefix(mark).split() for line in lines if line.startswith(mark))
        return {outcome.strip('"}'): int(float(value)) for outcome, value in found}


@contextmanager
def stock(model: Path, *, scratch: Path) -> Iterator[Server]:
    """KServe's SDK alone."""
    port = _free_port()
    with _running("stock", port, [HERE / "stock_kserve.py", str(model), str(port)], {}, scratch) as server:
        yield server


@contextmanager
def ours(name: str, store: str, digest: str, *, log: Path | None, scratch: Path) -> Iterator[Server]:
    """Ours; log: where its inference log goes, all requests of it, or None for no log."""
    port = _free_port()
    serving = Serving(
        model_name=MODEL,
        version="1",
        store_uri=store,
        digest=digest,
        forget_seconds=0,
        log=InferenceLogging(uri=log.as_uri(), retention_seconds=86_400, flush_seconds=FLUSH_SECONDS) if log else None,
    )
    told = {SERVING_VARIABLE: serving.model_dump_json(by_alias=True)}
    command = ["-m", "springtide_workloads", "serve", "--port", str(port)]
    with _running(name, port, command, told, scratch) as server:
        yield server


@contextmanager
def _running(
    name: str, port: int, command: Sequence[str | Path], told: dict[str, str], scratch: Path
) -> Iterator[Server]:
    environment = os.environ | {"OMP_NUM_THREADS": str(THREADS)} | told
    output = scratch / f"{name.replace(' ', '-')}.log"
    with output.open("wb") as file:
        process = subprocess.Popen([sys.executable, *command], env=environment, stdout=file, stderr=file)
    try:
        _wait_until_ready(port, process, output)
        yield Server(name, port, process)
    finally:
        stop(process)


def _wait_until_ready(port: int, process: "subprocess.Popen[bytes]", output: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/models/{MODEL}/ready", timeout=10).close()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
        else:
            return
    raise RuntimeError(f"a server did not become ready: {output.read_text()[-1000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

"""Servers of this machine, each in a process of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from springtide.api.serving import SERVING_VARIABLE, Serving


@contextmanager
def running(serving: Serving) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    """A server that is ready, and a client of it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "springtide_workloads", "serve", "--port", str(port)],
        env=os.environ | {SERVING_VARIABLE: serving.model_dump_json(by_alias=True)},
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client:
            _wait_until_ready(client, process)
            yield process, client
    finally:
        process.kill()
        process.wait()


def _wait_until_ready(client: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server has ended"
        try:
            if client.get("/v2/health/ready").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("the server does not become ready")

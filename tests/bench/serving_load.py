"""Asks a server on this machine the same request over and over, and prints what it saw as JSON.

One connection a thread, whose bytes are made beforehand: asking costs little beside answering. After a warm-up it asks
for so many seconds or requests, whichever are over first.

serving_load.py PORT FILE CONNECTIONS WARM_UP SECONDS REQUESTS
"""

import json
import socket
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

LEAST = 2
"""Requests of a warm-up."""
TIMEOUT = 60
LAST_CHUNK = b"0\r\n\r\n"


@dataclass
class Connection:
    """What one connection has seen. warmed: requests that warmed up; times: seconds of each of the others; seconds: of
    all these."""

    warmed: int = 0
    seconds: float = 0.0
    times: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Load:
    """What each connection asks. warm_up, seconds: how long; requests: at most."""

    port: int
    message: bytes
    warm_up: float
    seconds: float
    requests: int
    started: threading.Barrier


def main() -> None:
    """Entry point."""
    port, path, connections, warm_up, seconds, requests = sys.argv[1:7]
    found = [Connection() for _ in range(int(connections))]
    load = Load(
        port=int(port),
        message=Path(path).read_bytes(),
        warm_up=float(warm_up),
        seconds=float(seconds),
        requests=int(requests) // len(found),
        started=threading.Barrier(len(found)),
    )
    threads = [threading.Thread(target=_ask, args=(load, one)) for one in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(
        json.dumps(
            {
                "asked": sum(one.warmed + len(one.times) for one in found),
                "times": [one.times for one in found],
                "rates": [len(one.times) / one.seconds for one in found],
            }
        )
    )


def _ask(load: Load, seen: Connection) -> None:
    connection = _connect(load.port)
    begin = time.perf_counter()
    while seen.warmed < LEAST or time.perf_counter() - begin < load.warm_up:
        connection = _once(connection, load.port, load.message)
        seen.warmed += 1
    load.started.wait(TIMEOUT)
    begin = now = time.perf_counter()
    while len(seen.times) < load.requests and now - begin < load.seconds:
        connection = _once(connection, load.port, load.message)
        before, now = now, time.perf_counter()
        seen.times.append(now - before)
    seen.seconds = now - begin
    connection.close()


def _connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _once(connection: socket.socket, port: int, message: bytes) -> socket.socket:
    """Asks once; the connection for the next time, which is a new one where the server ended this one."""
    connection.sendall(message)
    head, _, body = _until(connection, b"\r\n\r\n").partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    length = fields.get(b"content-length")  # without it the answer comes in chunks
    while len(body) < int(length) if length else not body.endswith(LAST_CHUNK):
        body += _some(connection)
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"the server answered {head!r} {body[:300]!r}")
    if fields.get(b"connection") == b"close":
        connection.close()
        return _connect(port)
    return connection


def _until(connection: socket.socket, mark: bytes) -> bytes:
    data = b""
    while mark not in data:
        data += _some(connection)
    return data


def _some(connection: socket.socket) -> bytes:
    part = connection.recv(1 << 16)
    if not part:
        raise ConnectionError("the server ended the connection before its answer was whole")
    return part


if __name__ == "__main__":
    main()

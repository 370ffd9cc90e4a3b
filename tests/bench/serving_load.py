"""Asks servers on this machine the same request over and over, in turns, and prints what it saw as JSON.

A thread for each connection, with bytes that are made beforehand: asking costs little beside answering. In each round
every server has its turn of so many seconds, and each round begins with the other end of the list.

serving_load.py FILE CONNECTIONS ROUNDS SECONDS PORT:PID...
"""

import json
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from process import usage

WARM_UP = 2
"""Requests on each connection, before the first turn."""
TIMEOUT = 60
LAST_CHUNK = b"0\r\n\r\n"


@dataclass(frozen=True)
class Turn:
    """What a server did in one turn: requests a second of all connections, the seconds that each took, and the server's
    own CPU seconds."""

    rate: float
    times: list[float]
    cpu: float


class Connection:
    """One that is kept, and made anew where the server ends it."""

    def __init__(self, port: int, message: bytes) -> None:
        self._port, self._message = port, message
        self._socket = _connect(port)
        for _ in range(WARM_UP):
            self._once()

    def ask(self, seconds: float) -> list[float]:
        """Asks one request after another for so long; the seconds that each took."""
        times = []
        begin = now = time.perf_counter()
        while now - begin < seconds:
            self._once()
            before, now = now, time.perf_counter()
            times.append(now - before)
        return times

    def _once(self) -> None:
        self._socket.sendall(self._message)
        head, _, body = _until(self._socket, b"\r\n\r\n").partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        length = fields.get(b"content-length")  # without it the answer comes in chunks
        while len(body) < int(length) if length else not body.endswith(LAST_CHUNK):
            body += _some(self._socket)
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"the server answered {head!r} {body[:300]!r}")
        if fields.get(b"connection") == b"close":
            self._socket.close()
            self._socket = _connect(self._port)


def main() -> None:
    """Entry point."""
    path, number, rounds, seconds, *places = sys.argv[1:]
    message = Path(path).read_bytes()
    servers = [(int(port), int(pid)) for port, pid in (place.split(":") for place in places)]
    connections = {port: [Connection(port, message) for _ in range(int(number))] for port, _ in servers}
    turns: dict[int, list[Turn]] = {port: [] for port, _ in servers}
    with ThreadPoolExecutor(int(number)) as threads:
        for each in range(int(rounds)):
            for port, pid in servers if each % 2 == 0 else servers[::-1]:
                turns[port].append(_turn(threads, connections[port], pid, float(seconds)))
    print(json.dumps({port: [asdict(turn) for turn in told] for port, told in turns.items()}))


def _turn(threads: ThreadPoolExecutor, connections: list[Connection], pid: int, seconds: float) -> Turn:
    before = usage(pid).cpu_seconds
    found = list(threads.map(lambda connection: connection.ask(seconds), connections))
    return Turn(
        rate=sum(len(times) / sum(times) for times in found),
        times=[time for times in found for time in times],
        cpu=usage(pid).cpu_seconds - before,
    )


def _connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
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

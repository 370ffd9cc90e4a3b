"""Our server beside the stock one of the KServe SDK, with the same LightGBM model, on this machine.

All servers stand side by side, and one of them is asked at a time, in short turns: what else the machine does hits all
alike, and what is compared are the medians of the rounds' ratios.

    python tests/bench/serving.py [--rounds N] [--seconds S]
"""

import argparse
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import lightgbm
import numpy as np
from figures import Figure
from process import usage
from serving_load import WARM_UP
from serving_model import publish_model
from serving_requests import Values, Way, http_request, read_scores
from serving_servers import HERE, THREADS, Server, ours, stock

TREES, FEATURES, BATCH, ROUNDS, SECONDS = 300, 1_800, 256, 5, 3.0
CONNECTIONS = 4
MOST_REQUESTS = 20_000
SPEED_GOAL, P99_GOAL, LOG_GOAL = 20.0, 0.5, 0.05
SETTLE_SECONDS = 90
"""The log is given so long to write down what waits."""
MATRIX, NAMED = Way(binary=True, by_name=False), Way(binary=True, by_name=True)
WAYS = (MATRIX, NAMED, Way(binary=False, by_name=False), Way(binary=False, by_name=True))


@dataclass(frozen=True)
class Turn:
    """What one server did in its turn: requests a second of all connections, CPU seconds of the server for each of
    them, and the seconds that each took."""

    rate: float
    cpu: float
    times: tuple[float, ...]


@dataclass
class Rounds:
    """The turns of each server, in the same order."""

    turns: dict[str, list[Turn]] = field(default_factory=dict)

    def ratios(self, name: str, other: str) -> list[float]:
        """Of the rates."""
        return [one.rate / two.rate for one, two in zip(self.turns[name], self.turns[other], strict=True)]

    def rate(self, name: str) -> float:
        """The median of the turns."""
        return statistics.median(turn.rate for turn in self.turns[name])

    def cpu(self, name: str) -> float:
        """Milliseconds of the server's CPU for a request: what else the machine does hardly matters to it."""
        return 1000 * statistics.median(turn.cpu for turn in self.turns[name])

    def quantile(self, name: str, share: float) -> float:
        """Milliseconds, of all requests of all turns."""
        return 1000 * float(np.quantile([time for turn in self.turns[name] for time in turn.times], share))

    def quantile_ratios(self, name: str, other: str, share: float) -> list[float]:
        """Of the turns' own quantiles."""
        pairs = zip(self.turns[name], self.turns[other], strict=True)
        return [float(np.quantile(one.times, share) / np.quantile(two.times, share)) for one, two in pairs]

    def requests(self, name: str) -> int:
        """In all turns."""
        return sum(len(turn.times) for turn in self.turns[name])

    def asked(self, name: str, connections: int) -> int:
        """Requests in all turns, with those that only warmed up."""
        return self.requests(name) + WARM_UP * connections * len(self.turns[name])


def run(*, rounds: int = ROUNDS, seconds: float = SECONDS) -> Iterator[Figure]:
    """Every serving figure. Needs 1 GiB of memory and of disk; the first time, it trains the model."""
    with tempfile.TemporaryDirectory(prefix="springtide-bench-") as folder, ExitStack() as running:
        scratch = Path(folder)
        store = (scratch / "artifacts").as_uri()
        digest, model = publish_model(store, trees=TREES, features=FEATURES)
        plain = running.enter_context(ours("ours", store, digest, log=None, scratch=scratch))
        logging = running.enter_context(ours("ours, logging", store, digest, log=scratch / "log", scratch=scratch))
        peer = running.enter_context(stock(model, scratch=scratch))
        bench = _Bench(scratch, (plain, logging, peer), rounds, seconds)
        _check_answers(bench, model)
        _settled(logging, {"written": 0, "dropped": 0}, len(WAYS) * (1 + BATCH))  # what was asked so far
        for way in (MATRIX, NAMED):
            yield from _batches(bench, way)
        for way in WAYS:
            yield from _single_rows(bench, way)
        yield Figure(
            "peak memory of the server",
            f"{plain.peak_memory:.0f} MiB, with the log {logging.peak_memory:.0f} MiB",
            f"{peer.peak_memory:.0f} MiB (stock)",
        )


@dataclass(frozen=True)
class _Bench:
    scratch: Path
    servers: tuple[Server, Server, Server]
    rounds: int
    seconds: float

    def ask(self, way: Way, *, rows: int, connections: int) -> Rounds:
        """Lets the servers take turns in so many rounds; each round begins with another one."""
        path = self.scratch / "request"
        path.write_bytes(http_request(way, _values(rows)))
        found = Rounds({server.name: [] for server in self.servers})
        for number in range(self.rounds):
            first = number % len(self.servers)
            for server in (*self.servers[first:], *self.servers[:first]):
                found.turns[server.name].append(self._turn(server, path, connections))
        rates = ", ".join(f"{name} {found.rate(name):.1f}/s" for name in found.turns)
        print(f"  {rows} rows, {way}: {rates}", flush=True)
        return found

    def _turn(self, server: Server, path: Path, connections: int) -> Turn:
        command = [HERE / "serving_load.py", server.port, path, connections, self.seconds, MOST_REQUESTS]
        limit = 120 + 20 * self.seconds
        before = usage(server.process.pid).cpu_seconds
        answer = subprocess.run(
            [sys.executable, *map(str, command)], check=True, stdout=subprocess.PIPE, timeout=limit
        ).stdout
        document = json.loads(answer)
        times = tuple(time for times in document["times"] for time in times)
        asked = len(times) + WARM_UP * connections
        cpu = (usage(server.process.pid).cpu_seconds - before) / asked
        return Turn(sum(document["rates"]), cpu, times)


def _batches(bench: _Bench, way: Way) -> Iterator[Figure]:
    logging = bench.servers[1]
    before = logging.logged()
    found = bench.ask(way, rows=BATCH, connections=CONNECTIONS)
    yield _speed(found, way)
    asked = BATCH * found.asked(logging.name, CONNECTIONS)
    yield _log_cost(f"batches of {BATCH} ({way})", found, _settled(logging, before, asked), asked)


def _speed(found: Rounds, way: Way) -> Figure:
    ratios = found.ratios("ours", "stock")
    ratio = statistics.median(ratios)
    return Figure(
        f"batches of {BATCH} ({way})",
        f"{found.rate('ours') * BATCH:,.0f} rows/s",
        f"{found.rate('stock') * BATCH:,.0f} rows/s (stock)",
        goal=f">= {SPEED_GOAL:.0f}x",
        met=ratio >= SPEED_GOAL,
        note=f"{ratio:.1f}x, the median of {_listed(ratios)}; {_cpu(found)}; {CONNECTIONS} connections,"
        f" {THREADS} thread of LightGBM",
    )


def _single_rows(bench: _Bench, way: Way) -> Iterator[Figure]:
    logging = bench.servers[1]
    before = logging.logged()
    found = bench.ask(way, rows=1, connections=1)
    ratios = found.quantile_ratios("ours", "stock", 0.99)
    ratio = statistics.median(ratios)
    yield Figure(
        f"single rows, p50 and p99 ({way})",
        f"{found.quantile('ours', 0.5):.2f} ms, {found.quantile('ours', 0.99):.2f} ms",
        f"{found.quantile('stock', 0.5):.2f} ms, {found.quantile('stock', 0.99):.2f} ms (stock)",
        goal=f"p99 <= {P99_GOAL:g}x",
        met=ratio <= P99_GOAL,
        note=f"p99 {ratio:.2f}x, the median of {_listed(ratios)};"
        f" {found.requests('ours'):,} and {found.requests('stock'):,} requests, one after another; {_cpu(found)}",
    )
    asked = found.asked(logging.name, 1)
    yield _log_cost(f"single rows ({way})", found, _settled(logging, before, asked), asked)


def _cpu(found: Rounds) -> str:
    return f"CPU for a request {found.cpu('ours'):.2f} and {found.cpu('stock'):.2f} ms"


def _log_cost(name: str, found: Rounds, rows: dict[str, int], asked: int) -> Figure:
    costs = [1 - ratio for ratio in found.ratios("ours, logging", "ours")]
    cost = statistics.median(costs)
    return Figure(
        f"cost of the inference log, {name}",
        f"{cost:.1%} fewer rows/s",
        goal=f"<= {LOG_GOAL:.0%}",
        met=cost <= LOG_GOAL,
        note=f"the median of {', '.join(f'{one:.1%}' for one in costs)}; CPU for a request, writing included,"
        f" {found.cpu('ours, logging'):.2f} and without {found.cpu('ours'):.2f} ms; of {asked:,} rows"
        f" {rows['written']:,} were written ({rows['written'] / asked:.0%}) and {rows['dropped']:,} dropped: a thread"
        " is at work for a twentieth of the time at most",
    )


def _settled(server: Server, before: dict[str, int], asked: int) -> dict[str, int]:
    """Rows that were written and dropped since, once that is all that were asked, or after `SETTLE_SECONDS`."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        now = server.logged()
        since = {outcome: now[outcome] - before[outcome] for outcome in now}
        if sum(since.values()) >= asked or time.monotonic() > deadline:
            return since
        time.sleep(1)


def _check_answers(bench: _Bench, model: Path) -> None:
    """Every server gives the booster's own scores, to the bit, in every way. Raises RuntimeError."""
    for rows in (1, BATCH):
        expected = lightgbm.Booster(model_file=str(model)).predict(_values(rows))
        for way in WAYS:
            request = http_request(way, _values(rows))
            for server in bench.servers:
                if not np.array_equal(_answer(server, request), expected):
                    raise RuntimeError(f"{server.name} gives other scores than the model ({rows} rows, {way})")


def _answer(server: Server, request: bytes) -> np.ndarray:
    head, _, body = request.partition(b"\r\n\r\n")
    fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("POST", head.split()[1].decode(), body=body, headers=fields)
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    if answer.status != http.client.OK:
        raise RuntimeError(f"{server.name} answered {answer.status}: {data[:300]!r}")
    return read_scores({key.lower(): value for key, value in answer.getheaders()}, data)


def _values(rows: int) -> Values:
    return np.random.default_rng(5).standard_normal((rows, FEATURES), dtype=np.float32)


def _listed(ratios: list[float]) -> str:
    return ", ".join(f"{one:.3g}" for one in ratios)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    arguments = parser.parse_args()
    for figure in run(rounds=arguments.rounds, seconds=arguments.seconds):
        print(
            f"{figure.name}\n    {figure.ours} | {figure.peer} | {figure.goal} {figure.met} | {figure.note}", flush=True
        )

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
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import lightgbm
import numpy as np
from figures import Figure
from serving_load import Turn
from serving_model import publish_model
from serving_requests import Values, Way, http_request, read_scores
from serving_servers import HERE, THREADS, Server, ours, stock
from springtide_workloads.serving.inference_log import SHARE

TREES, FEATURES, BATCH, ROUNDS, SECONDS = 300, 1_800, 256, 5, 3.0
LOG_ROUNDS, LOG_SECONDS = 120, 0.2
"""So short that what else the machine does hits both alike: a few per cent cannot be seen otherwise."""
CONNECTIONS = 4
SPEED_GOAL, P99_GOAL, LOG_GOAL = 20.0, 0.5, 0.05
MATRIX, NAMED = Way(binary=True, by_name=False), Way(binary=True, by_name=True)
WAYS = (MATRIX, NAMED, Way(binary=False, by_name=False), Way(binary=False, by_name=True))


@dataclass(frozen=True)
class Rounds:
    """The turns of each server, in the same order."""

    turns: dict[str, list[Turn]]

    def ratios(self, name: str, other: str) -> list[float]:
        """Of the rates."""
        return [one.rate / two.rate for one, two in zip(self.turns[name], self.turns[other], strict=True)]

    def rate(self, name: str) -> float:
        """The median of the turns."""
        return statistics.median(turn.rate for turn in self.turns[name])

    def cpu(self, name: str) -> float:
        """Milliseconds of the server's CPU for a request."""
        return 1000 * sum(turn.cpu for turn in self.turns[name]) / self.requests(name)

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
        for way in (MATRIX, NAMED):
            yield _speed(bench, way)
            yield _log_cost(bench, way, rows=BATCH, connections=CONNECTIONS)
        for way in WAYS:
            yield _single_rows(bench, way)
            yield _log_cost(bench, way, rows=1, connections=1)
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
        """Lets ours and the stock server take turns."""
        plain, _, peer = self.servers
        return self._asked((plain, peer), way, rows, connections, rounds=self.rounds, seconds=self.seconds)

    def ask_logging(self, way: Way, *, rows: int, connections: int) -> tuple[Rounds, dict[str, int]]:
        """Lets ours and ours that logs take turns; with the rows that were written and dropped meanwhile."""
        plain, logging, _ = self.servers
        before = logging.logged()
        found = self._asked((plain, logging), way, rows, connections, rounds=LOG_ROUNDS, seconds=LOG_SECONDS)
        return found, {outcome: rows - before[outcome] for outcome, rows in logging.logged().items()}

    def _asked(
        self, servers: tuple[Server, ...], way: Way, rows: int, connections: int, *, rounds: int, seconds: float
    ) -> Rounds:
        self._request.write_bytes(http_request(way, _values(rows)))
        command = [
            HERE / "serving_load.py", self._request, connections, rounds, seconds,
            *(f"{server.port}:{server.process.pid}" for server in servers),
        ]  # fmt: skip
        limit = 120 + 20 * len(servers) * rounds * seconds
        answer = subprocess.run(
            [sys.executable, *map(str, command)], check=True, stdout=subprocess.PIPE, timeout=limit
        ).stdout
        document = json.loads(answer)
        found = Rounds({server.name: [Turn(**turn) for turn in document[str(server.port)]] for server in servers})
        rates = ", ".join(f"{name} {found.rate(name):.1f}/s" for name in found.turns)
        print(f"  {rows} rows, {way}: {rates}", flush=True)
        return found

    @property
    def _request(self) -> Path:
        return self.scratch / "request"


def _speed(bench: _Bench, way: Way) -> Figure:
    found = bench.ask(way, rows=BATCH, connections=CONNECTIONS)
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


def _single_rows(bench: _Bench, way: Way) -> Figure:
    found = bench.ask(way, rows=1, connections=1)
    ratios = found.quantile_ratios("ours", "stock", 0.99)
    ratio = statistics.median(ratios)
    return Figure(
        f"single rows, p50 and p99 ({way})",
        f"{found.quantile('ours', 0.5):.2f} ms, {found.quantile('ours', 0.99):.2f} ms",
        f"{found.quantile('stock', 0.5):.2f} ms, {found.quantile('stock', 0.99):.2f} ms (stock)",
        goal=f"p99 <= {P99_GOAL:g}x",
        met=ratio <= P99_GOAL,
        note=f"p99 {ratio:.2f}x, the median of {_listed(ratios)};"
        f" {found.requests('ours'):,} and {found.requests('stock'):,} requests, one after another; {_cpu(found)}",
    )


def _cpu(found: Rounds) -> str:
    return f"CPU for a request {found.cpu('ours'):.2f} and {found.cpu('stock'):.2f} ms"


def _log_cost(bench: _Bench, way: Way, *, rows: int, connections: int) -> Figure:
    """In rows a second. What the log's thread does slows the other server's turns as well: it is added in full."""
    found, logged = bench.ask_logging(way, rows=rows, connections=connections)
    ratio = statistics.median(found.ratios("ours, logging", "ours"))
    cost = 1 - ratio * (1 - SHARE)
    asked = rows * found.requests("ours, logging")
    return Figure(
        f"cost of the inference log, {f'batches of {rows}' if rows > 1 else 'single rows'} ({way})",
        f"{cost:.1%} fewer rows/s",
        goal=f"<= {LOG_GOAL:.0%}",
        met=cost <= LOG_GOAL,
        note=f"{1 - ratio:.1%}, the median of {LOG_ROUNDS} pairs of turns of {LOG_SECONDS} s, and {SHARE:.0%} for the"
        f" thread that writes; CPU for a request, writing included, {found.cpu('ours, logging'):.3f} and without"
        f" {found.cpu('ours'):.3f} ms; of {asked:,} rows {logged['written']:,} were written meanwhile and"
        f" {logged['dropped']:,} dropped",
    )


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

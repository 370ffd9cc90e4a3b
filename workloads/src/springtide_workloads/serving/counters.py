"""What a server counts of its own answers, as Prometheus metrics. `measures` has their names and reads them."""

import numpy as np
import numpy.typing as npt
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

from springtide_workloads.serving.measures import (
    BOUNDS,
    LOG_OUTCOMES,
    LOG_ROWS,
    OUTCOMES,
    REQUESTS,
    SCORE_BINS,
    SCORES,
    SECONDS,
)


class Counters:
    """The metrics of one server."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        requests = Counter(REQUESTS, "Requests by outcome.", ["outcome"], registry=registry)
        self._requests = {outcome: requests.labels(outcome) for outcome in OUTCOMES}
        self._seconds = Histogram(SECONDS, "Seconds until a request is answered.", buckets=BOUNDS, registry=registry)
        scores = Counter(SCORES, "Rows by score, in equal bins from 0 to 1.", ["bin"], registry=registry)
        self._scores = [scores.labels(str(place)) for place in range(SCORE_BINS)]

        logged = Counter(LOG_ROWS, "Rows of the inference log by outcome.", ["outcome"], registry=registry)
        self._logged = {outcome: logged.labels(outcome) for outcome in LOG_OUTCOMES}

    def logged(self, rows: int, outcome: str) -> None:
        """So many rows were written to the inference log, or dropped because it could not keep up."""
        self._logged[outcome].inc(rows)

    def answered(self, code: int, seconds: float) -> None:
        """A request was answered with this HTTP code. Errors of clients are no measure of the server's speed."""
        outcome = "ok" if code < 400 else "client_error" if code < 500 else "server_error"
        self._requests[outcome].inc()
        if outcome != "client_error":
            self._seconds.observe(seconds)

    def scored(self, scores: npt.NDArray[np.float64]) -> None:
        """Rows were given these scores, from 0 to 1."""
        bins = np.minimum((scores * SCORE_BINS).astype(np.int64), SCORE_BINS - 1)
        counts = np.bincount(bins, minlength=SCORE_BINS)
        for place in np.flatnonzero(counts):
            self._scores[place].inc(int(counts[place]))

"""What servers count, by the names of their metrics, and arithmetic on it. A server shows these, a judge reads them.

Scores are counted in equal bins over [0, 1], the same for every model, so that two of them can be compared.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

REQUESTS = "springtide_server_requests"
"""Counter of requests, by `outcome`."""
OUTCOMES = ("ok", "client_error", "server_error")
SECONDS = "springtide_server_request_seconds"
"""Histogram of the time from the request's last byte to the answer's first."""
BOUNDS = tuple(float(value) for value in np.round(0.0005 * 1.35 ** np.arange(32), 7))
"""Upper bounds of its buckets in seconds: 0.5 ms to 5.5 s, each a third above the one before."""
SCORES = "springtide_server_scores"
"""Counter of scores, by `bin`."""
SCORE_BINS = 200
LOG_ROWS = "springtide_server_log_rows"
"""Counter of rows of the inference log, by `outcome`."""
LOG_OUTCOMES = ("written", "dropped")

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Counted:
    """What one or more servers counted.

    outcomes: requests, in the order of `OUTCOMES`. times: requests by bucket, the last one beyond all bounds.
    scores: rows by bin.
    """

    outcomes: Counts = field(default_factory=lambda: np.zeros(len(OUTCOMES), dtype=np.int64))
    times: Counts = field(default_factory=lambda: np.zeros(len(BOUNDS) + 1, dtype=np.int64))
    scores: Counts = field(default_factory=lambda: np.zeros(SCORE_BINS, dtype=np.int64))

    @property
    def requests(self) -> int:
        """All requests that the server could have answered: those that were wrong are not held against it."""
        return int(self.outcomes[0] + self.outcomes[2])

    def __add__(self, other: "Counted") -> "Counted":
        return Counted(self.outcomes + other.outcomes, self.times + other.times, self.scores + other.scores)

    def since(self, before: "Counted") -> "Counted":
        """What was counted after `before`; all of it where the server was started anew in between."""
        if (self.outcomes < before.outcomes).any():
            return self
        return Counted(self.outcomes - before.outcomes, self.times - before.times, self.scores - before.scores)


def counted(samples: Iterable[tuple[str, Mapping[str, str], float]]) -> Counted:
    """What the samples of one server's /metrics say. Each is name, labels and value; other metrics are skipped."""
    found, cumulative = Counted(), np.zeros(len(BOUNDS) + 1, dtype=np.int64)
    places = {f"{bound:g}": place for place, bound in enumerate(BOUNDS)} | {"+Inf": len(BOUNDS)}
    for name, labels, value in samples:
        if name == f"{REQUESTS}_total":
            found.outcomes[OUTCOMES.index(labels["outcome"])] = value
        elif name == f"{SECONDS}_bucket":
            bound = labels["le"]
            cumulative[places[bound if bound == "+Inf" else f"{float(bound):g}"]] = value
        elif name == f"{SCORES}_total":
            found.scores[int(labels["bin"])] = value
    found.times[:] = np.diff(cumulative, prepend=0)
    return found


def quantile(times: Counts, share: float) -> float:
    """Seconds that this share of the requests took at most, by the upper bound of its bucket; NaN without requests."""
    if not times.sum():
        return float("nan")
    place = int(np.searchsorted(times.cumsum(), share * times.sum()))
    return BOUNDS[place] if place < len(BOUNDS) else float("inf")


def deciles(reference: Counts, window: Counts) -> tuple[Counts, Counts]:
    """Both, in about ten groups of neighbouring bins that have equal shares of the reference."""
    total = reference.sum()
    group = np.minimum((reference.cumsum() - reference / 2) * 10 // max(total, 1), 9).astype(np.int64)
    _, group = np.unique(group, return_inverse=True)
    size = int(group.max()) + 1
    return (
        np.bincount(group, weights=reference, minlength=size).astype(np.int64),
        np.bincount(group, weights=window, minlength=size).astype(np.int64),
    )

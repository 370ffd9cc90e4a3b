"""The rows of one window that one model answered and that have a label, as they are found file by file."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from springtide_workloads.drift.labels import Places
from springtide_workloads.drift.windows import Times, Window

Scores = npt.NDArray[np.float32]
Codes = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Rows:
    """Rows that have a label. places: of their labels. codes: of the values of slice columns, by column."""

    places: Places
    times: Times
    scores: Scores
    codes: dict[str, Codes]

    def take(self, chosen: npt.NDArray[np.bool_] | Places) -> "Rows":
        """Some of them."""
        codes = {name: values[chosen] for name, values in self.codes.items()}
        return Rows(self.places[chosen], self.times[chosen], self.scores[chosen], codes)


@dataclass
class Answered:
    """What a model answered in a window. rows: all of them, with a label or without."""

    window: Window
    model: str
    rows: int = 0
    without_score: int = 0
    _parts: list[Rows] = field(default_factory=list)

    def add(self, found: Rows, *, rows: int) -> None:
        """Takes rows of a file; rows: those without a label counted in."""
        self.rows += rows
        has_score = np.isfinite(found.scores)
        self.without_score += int(has_score.size - has_score.sum())
        self._parts.append(found.take(has_score))

    @property
    def has_labels(self) -> bool:
        """Whether any row has a label."""
        return any(one.places.size for one in self._parts)

    def labelled(self) -> tuple[Rows, int]:
        """Each row once, and how many were there more than once: of those the newest answer counts.

        What comes out does not depend on the order in which files were read.
        """
        joined = _joined(self._parts)
        order = np.lexsort((joined.scores, joined.times, joined.places))
        places = joined.places[order]
        last = np.append(places[1:] != places[:-1], True)[: places.size]
        kept = joined.take(order[last])
        return kept, int(places.size - kept.places.size)


def _joined(parts: list[Rows]) -> Rows:
    empty = Rows(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32), {})
    names = parts[0].codes if parts else {}
    return Rows(
        np.concatenate([empty.places, *(one.places for one in parts)]),
        np.concatenate([empty.times, *(one.times for one in parts)]),
        np.concatenate([empty.scores, *(one.scores for one in parts)]),
        {name: np.concatenate([one.codes[name] for one in parts]) for name in names},
    )

"""Rows that wait to be written down, copied from the requests that brought them.

A request that is kept keeps all that came with it, and the next ones then get memory that was never touched, page by
page: that cost a fast server a tenth of its time. What is copied here lies in memory that is used over and over.
"""

from collections.abc import Set
from dataclasses import dataclass
from itertools import compress
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from springtide_workloads.data.chunks import ArrowArray
from springtide_workloads.data.encoding import Numbers, as_text
from springtide_workloads.data.signature import Signature
from springtide_workloads.serving.log_losses import HOUR, MINUTE
from springtide_workloads.serving.tensors import Rows

OWN_BYTES, WORD_BYTES = 64, 16
"""What a row takes beside its numbers, and what a word takes, about."""


class Answered(NamedTuple):
    """A request that was answered. time: its event time, microseconds since the epoch. scores: (rows,)."""

    request: str
    time: int
    rows: Rows
    scores: npt.NDArray[np.float64]


@dataclass(frozen=True)
class LoggedRows:
    """Rows of a file. request: place of each one's request in `requests`; row: its number there. times: microseconds.

    numbers: (rows, numeric features), those that the model computed on; words: (rows,) for each categorical feature, as
    they came.
    """

    requests: list[str]
    request: npt.NDArray[np.int32]
    row: npt.NDArray[np.int32]
    times: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float64]
    numbers: Numbers
    words: tuple[ArrowArray, ...]

    def by_minute(self) -> dict[int, int]:
        """How many rows each minute of event time has."""
        minutes, rows = np.unique(self.times // MINUTE, return_counts=True)
        return dict(zip(minutes.tolist(), rows.tolist(), strict=True))

    def where(self, chosen: npt.NDArray[np.bool_]) -> "LoggedRows":
        """Some of them."""
        if chosen.all():
            return self
        return LoggedRows(
            self.requests,
            self.request[chosen],
            self.row[chosen],
            self.times[chosen],
            self.scores[chosen],
            self.numbers[chosen],
            tuple(words.filter(pa.array(chosen)) for words in self.words),
        )


class Part(NamedTuple):
    """Rows of one request that lie one after another, from its row number `first` on."""

    request: str
    time: int
    first: int
    rows: int


class Block:
    """Room for `size` rows. Not to be shared by threads."""

    def __init__(self, signature: Signature, *, rows: int) -> None:
        self._parts: list[Part] = []
        self._scores = np.empty(rows)
        self._numbers = np.empty((rows, len(signature.numbers)), np.float64 if signature.wide_numbers else np.float32)
        self._words: list[list[ArrowArray]] = [[] for _ in signature.categories]
        self.size = rows
        self.rows = 0

    @classmethod
    def of_bytes(cls, signature: Signature, size: int) -> Self:
        """Room for about so many bytes; for one row at least."""
        width = 8 if signature.wide_numbers else 4
        row = OWN_BYTES + width * len(signature.numbers) + WORD_BYTES * len(signature.categories)
        return cls(signature, rows=max(1, size // row))

    @property
    def room(self) -> int:
        """So many rows more can be added."""
        return self.size - self.rows

    def add(self, answered: Answered, *, first: int) -> int:
        """Adds rows of a request from number `first` on, as many as there is room for; how many these are.

        It holds up the requests that come next: two arrays are copied, and everything else is left for later.
        """
        number = min(answered.scores.size - first, self.room)
        end, last = first + number, self.rows + number
        self._numbers[self.rows : last] = answered.rows.encoded.numbers[:, first:end].T
        self._scores[self.rows : last] = answered.scores[first:end]
        self._parts.append(Part(answered.request, answered.time, first, number))
        for words, column in zip(self._words, answered.rows.categories, strict=True):
            words.append(column.slice(first, number))  # numbers in one request may be words in another
        self.rows = last
        return number

    def by_hour(self) -> dict[int, LoggedRows]:
        """All rows by their hour of event time. They are valid until rows are added."""
        rows = self.all()
        hours = rows.times // HOUR
        return {int(hour): rows.where(hours == hour) for hour in np.unique(hours)}

    def keep(self, hours: Set[int]) -> None:
        """Forgets all rows but those of some hours. The room for them stays."""
        kept = [part.time // HOUR in hours for part in self._parts]
        rows = np.repeat(np.array(kept, dtype=bool), [part.rows for part in self._parts])
        numbers, scores = self._numbers[: self.rows][rows], self._scores[: self.rows][rows]
        self.rows = len(scores)
        self._numbers[: self.rows], self._scores[: self.rows] = numbers, scores
        self._parts = list(compress(self._parts, kept))
        self._words = [list(compress(parts, kept)) for parts in self._words]

    def all(self) -> LoggedRows:
        """All rows, likewise."""
        lengths = np.array([part.rows for part in self._parts], dtype=np.int64)
        request = np.repeat(np.arange(lengths.size, dtype=np.int32), lengths)
        begin = np.cumsum(lengths) - lengths - np.array([part.first for part in self._parts], dtype=np.int64)
        return LoggedRows(
            [part.request for part in self._parts],
            request,
            (np.arange(self.rows) - begin[request]).astype(np.int32),
            np.array([part.time for part in self._parts], dtype=np.int64)[request],
            self._scores[: self.rows],
            self._numbers[: self.rows],
            tuple(
                pa.chunked_array([as_text(part) for part in parts], pa.string()).combine_chunks()
                for parts in self._words
            ),
        )

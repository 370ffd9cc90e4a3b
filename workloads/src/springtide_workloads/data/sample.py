"""A random sample of rows whose number is not known beforehand: the same rows however they arrive.

Each row has a draw that follows from what it is or from its place; the rows with the smallest draws are kept
("bottom-k", Cohen and Kaplan, PODC 2007).
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Draws = npt.NDArray[np.float64]
"""One number in [0, 1) for each row."""


class RowSample:
    """Keeps `size` rows, and in passing up to three times as many. Of equal draws, those that came first are kept."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._limit = 1.0
        self._draws: list[Draws] = []
        self._rows: list[pa.RecordBatch] = []
        self._kept = 0

    def wanted(self, draws: Draws) -> npt.NDArray[np.int64]:
        """Places of the rows that the sample would take of those with these draws, ascending: `size` at most."""
        chosen = np.flatnonzero(draws < self._limit)
        return chosen if chosen.size <= self._size else chosen[_smallest(draws[chosen], self._size)]

    def add(self, rows: pa.RecordBatch, draws: Draws) -> None:
        """Takes rows. A row with a draw of 1 is never kept."""
        chosen = self.wanted(draws)
        if not chosen.size:
            return
        self._draws.append(draws[chosen])
        self._rows.append(rows.take(chosen))
        self._kept += chosen.size
        if self._kept > 2 * self._size:
            self._shrink()

    def table(self, schema: pa.Schema) -> pa.Table:
        """The sample, in the order in which the rows came."""
        if self._kept > self._size:
            self._shrink()
        return pa.Table.from_batches(self._rows, schema=schema).combine_chunks()

    def _shrink(self) -> None:
        draws = np.concatenate(self._draws)
        kept = _smallest(draws, self._size)
        self._limit = float(draws[kept].max())
        is_kept = np.zeros(draws.size, dtype=bool)
        is_kept[kept] = True
        rows = pa.Table.from_batches(self._rows).filter(pa.array(is_kept))
        self._rows = rows.combine_chunks().to_batches()  # a thousand small ones waste room
        self._draws = [draws[kept]]
        self._kept = self._size


def _smallest(draws: Draws, size: int) -> npt.NDArray[np.int64]:
    """Places of the smallest, ascending."""
    return np.sort(np.argsort(draws, kind="stable")[:size])

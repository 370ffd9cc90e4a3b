"""A random sample of rows whose number is not known beforehand: the same rows however they arrive.

Each row draws a number from its place in the table; the rows with the smallest draws are kept ("bottom-k", Cohen and
Kaplan, PODC 2007).
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from springtide_workloads.data.split import PROFILE, draw


class RowSample:
    """Keeps `size` rows, and in passing up to twice as many."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._limit = 1.0
        self._draws: list[npt.NDArray[np.float64]] = []
        self._rows: list[pa.RecordBatch] = []
        self._kept = 0

    def add(self, batch: pa.RecordBatch, *, first: int) -> None:
        """Takes the rows from number `first` of the table on."""
        draws = draw(batch.num_rows, seed=0, salt=PROFILE, first=first)
        chosen = np.flatnonzero(draws < self._limit)
        if not chosen.size:
            return
        self._draws.append(draws[chosen])
        self._rows.append(batch.take(chosen))
        self._kept += chosen.size
        if self._kept > 2 * self._size:
            self._shrink()

    def table(self, schema: pa.Schema) -> pa.Table:
        """The sample, in the order of the rows."""
        if self._kept > self._size:
            self._shrink()
        return pa.Table.from_batches(self._rows, schema=schema).combine_chunks()

    def _shrink(self) -> None:
        self._limit = float(np.partition(np.concatenate(self._draws), self._size)[self._size])
        chosen = [np.flatnonzero(draws < self._limit) for draws in self._draws]
        rows = [rows.take(places) for rows, places in zip(self._rows, chosen, strict=True)]
        draws = [draws[places] for draws, places in zip(self._draws, chosen, strict=True)]
        self._rows = pa.Table.from_batches(rows).combine_chunks().to_batches()  # a thousand small ones waste room
        self._draws = [np.concatenate(draws)]
        self._kept = self._size

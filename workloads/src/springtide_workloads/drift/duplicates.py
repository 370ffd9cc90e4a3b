"""How many rows of a log were written more than once: the same row of the same request, in bounded memory.

Rows are told apart by a hash; of more than `KEPT` rows those with the smallest hashes stand for all. Which these are
does not depend on the order of the rows, so the estimate is the same on any partitioning.
"""

import numpy as np
import numpy.typing as npt

from springtide_workloads.data.chunks import ArrowArray

KEPT = 1 << 20
Hashes = npt.NDArray[np.uint64]


class Duplicates:
    """Of one window."""

    def __init__(self) -> None:
        self._kept: list[Hashes] = []
        self._size = 0
        self._shift = 0

    def add(self, hashes: Hashes) -> None:
        """Takes rows."""
        self._keep(hashes)
        while self._size > KEPT:
            self._shift += 1
            kept, self._kept, self._size = self._kept, [], 0
            for one in kept:
                self._keep(one)

    @property
    def rows(self) -> int:
        """Rows that are there a second time or more; an estimate where there are more than `KEPT` rows."""
        if not self._kept:
            return 0
        hashes = np.concatenate(self._kept)
        return int(hashes.size - np.unique(hashes).size) << self._shift

    def _keep(self, hashes: Hashes) -> None:
        chosen = hashes[hashes <= np.uint64((1 << 64 - self._shift) - 1)]
        self._kept.append(chosen)
        self._size += chosen.size


def hash_rows(requests: ArrowArray, rows: ArrowArray) -> Hashes:
    """A hash for each row of a request, (rows,) uint64. The same in every process."""
    from pandas.util import hash_array

    ids = hash_array(np.asarray(requests.to_numpy(zero_copy_only=False), dtype=object), categorize=False)
    numbers = np.asarray(rows.fill_null(-1).to_numpy(zero_copy_only=False)).astype(np.uint64)
    # Fibonacci hashing parts neighbours; without it, the sum of an id's hash and a number could be another's.
    mixed: Hashes = (ids.astype(np.uint64) ^ (numbers * np.uint64(0x9E3779B97F4A7C15))) * np.uint64(0xFF51AFD7ED558CCD)
    return mixed ^ (mixed >> np.uint64(33))

"""What became of the requests: the labels of a snapshot, found by the key of a row of the inference log.

A key is the text `<request id>/<row>`, as the log has both; `<request id>` alone is its row 0. Keys are told apart by
64-bit hashes, so a label costs nine bytes; of more than `KEPT` labels those with the smallest hashes stand for all,
whichever order they come in.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from springtide.api import task as tasks
from springtide.api.constants import Reason

from springtide_workloads.data.chunks import ArrowArray, ParquetTable, open_table
from springtide_workloads.data.pinned import collect_snapshot
from springtide_workloads.errors import WorkloadError
from springtide_workloads.process.progress import Progress

KEPT = 1 << 23
NONE = -1
SHOWN = 5
ROW_KEY = r"/[0-9]+$"

Hashes = npt.NDArray[np.uint64]
Truths = npt.NDArray[np.int8]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Labels:
    """Labels by key, each once.

    hashes: (labels,) ascending. values: (labels,) 0 or 1. scale: each stands for so many.
    has_row_keys: whether any key may name a row. without_key: labels that name no request.
    """

    hashes: Hashes
    values: Truths
    scale: int
    has_row_keys: bool
    without_key: int

    def find(self, requests: ArrowArray, rows: ArrowArray) -> Places:
        """The place of each row's label, (rows,); `NONE` where there is none. A key that names the row comes first."""
        numbers = np.asarray(rows.fill_null(NONE).to_numpy(zero_copy_only=False))
        places = np.where(numbers == 0, self._places(hash_texts(requests)), NONE)
        if not self.has_row_keys:
            return places
        text = requests.cast(pa.string()) if pa.types.is_dictionary(requests.type) else requests
        exact = self._places(hash_texts(pc.binary_join_element_wise(text, rows.cast(pa.string()), "/")))
        return np.where(exact != NONE, exact, places)

    def _places(self, hashes: Hashes) -> Places:
        if not self.hashes.size:
            return np.full(hashes.size, NONE, dtype=np.int64)
        places = np.minimum(np.searchsorted(self.hashes, hashes), self.hashes.size - 1)
        return np.where(self.hashes[places] == hashes, places, NONE)


def read_labels(labels: tasks.Labels, *, scratch: Path, progress: Progress) -> Labels:
    """The labels of a snapshot, as they have arrived: those that are null have not. Of one key the last one counts.

    Raises ColumnNotFound, WrongType, TargetNotBinary, DataEmpty, DataCorrupt, DigestMismatch, AccessDenied,
    StoreUnavailable.
    """
    folder = scratch / "labels"
    folder.mkdir(parents=True, exist_ok=True)
    files, _ = collect_snapshot(labels.uri, digest=labels.snapshot, scratch=folder, progress=progress)
    table = open_table(files)
    _check(table, labels)
    found = _Reading()
    with progress.phase("reading labels", total=table.rows, unit="rows") as phase:
        for chunk, batch in table.scan([labels.key_column, labels.column]):
            keys = _as_text(batch.column(labels.key_column), column=labels.key_column)
            found.add(keys, _as_truths(batch.column(labels.column), column=labels.column))
            phase.advance(chunk.rows)
    return found.labels()


class _Reading:
    """Labels so far."""

    def __init__(self) -> None:
        self._parts: list[tuple[Hashes, Truths]] = []
        self._size = 0
        self._shift = 0
        self._has_row_keys = False
        self._without_key = 0

    def add(self, keys: ArrowArray, truths: Truths) -> None:
        has_key = np.asarray(keys.is_valid(), dtype=bool)
        arrived = truths != NONE
        self._without_key += int((arrived & ~has_key).sum())
        words = keys.dictionary if pa.types.is_dictionary(keys.type) else keys
        self._has_row_keys |= bool(pc.any(pc.match_substring_regex(words, ROW_KEY)).as_py())
        chosen = arrived & has_key
        self._keep(hash_texts(keys)[chosen], truths[chosen])
        while self._size > KEPT:
            self._shift += 1
            parts, self._parts, self._size = self._parts, [], 0
            for hashes, values in parts:
                self._keep(hashes, values)

    def labels(self) -> Labels:
        empty = (np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int8))
        hashes = np.concatenate([empty[0], *(part[0] for part in self._parts)])
        values = np.concatenate([empty[1], *(part[1] for part in self._parts)])
        order = np.argsort(hashes, kind="stable")
        hashes, values = hashes[order], values[order]
        last = np.append(hashes[1:] != hashes[:-1], True)[: hashes.size]
        return Labels(hashes[last], values[last], 1 << self._shift, self._has_row_keys, self._without_key)

    def _keep(self, hashes: Hashes, values: Truths) -> None:
        chosen = hashes <= np.uint64((1 << 64 - self._shift) - 1)
        self._parts.append((hashes[chosen], values[chosen]))
        self._size += int(chosen.sum())


def hash_texts(values: ArrowArray) -> Hashes:
    """A hash for each text, (rows,) uint64; of a null some hash. The same in every process."""
    from pandas.util import hash_array

    if not pa.types.is_dictionary(values.type):
        words = np.asarray(values.to_numpy(zero_copy_only=False), dtype=object)
        return hash_array(words, categorize=False).astype(np.uint64)
    words = np.asarray(values.dictionary.to_numpy(zero_copy_only=False), dtype=object)
    known = np.append(hash_array(words, categorize=False).astype(np.uint64), np.uint64(0))
    places = values.indices.cast(pa.int64()).fill_null(known.size - 1)
    hashes: Hashes = known[np.asarray(places.to_numpy(zero_copy_only=False))]
    return hashes


def _check(table: ParquetTable, labels: tasks.Labels) -> None:
    for field, name in (("column", labels.column), ("keyColumn", labels.key_column)):
        if name not in table.schema.names:
            listed = ", ".join(table.schema.names[:SHOWN])
            raise WorkloadError(
                Reason.COLUMN_NOT_FOUND,
                f"labels.{field}: the snapshot of the labels has no column {name}; it has {listed}",
            )


def _as_text(values: ArrowArray, *, column: str) -> ArrowArray:
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    if pa.types.is_string(kind):
        return values
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or pa.types.is_integer(kind):
        plain = values.dictionary_decode() if pa.types.is_dictionary(values.type) else values
        return plain.cast(pa.string())
    raise WorkloadError(
        Reason.WRONG_TYPE, f"labels.keyColumn: column {column} is {kind}; ids of requests are text or whole numbers"
    )


def _as_truths(values: ArrowArray, *, column: str) -> Truths:
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    kind = values.type
    if pa.types.is_null(kind):
        return np.full(len(values), NONE, dtype=np.int8)
    if pa.types.is_boolean(kind):
        values = values.cast(pa.int8())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        raise WorkloadError(
            Reason.WRONG_TYPE, f"labels.column: column {column} is {kind}; what happened is 0 or 1, or false or true"
        )
    numbers = np.asarray(values.cast(pa.float64()).to_numpy(zero_copy_only=False))
    known = ~np.isnan(numbers)
    strange = known & (numbers != 0) & (numbers != 1)
    if strange.any():
        shown = ", ".join(f"{value:g}" for value in np.unique(numbers[strange])[:SHOWN])
        raise WorkloadError(
            Reason.TARGET_NOT_BINARY,
            f"labels.column: column {column} has values such as {shown}; what happened is 0 or 1, or false or true",
        )
    return np.where(known, numbers, NONE).astype(np.int8)

"""From chunks of Parquet to a LightGBM dataset: one byte a value, and one chunk more, in memory."""

import re
from typing import Any, cast

import lightgbm
import numpy as np
import numpy.typing as npt

from springtide_workloads.data.chunks import Chunk, ChunkReader
from springtide_workloads.data.encoding import Encoded
from springtide_workloads.data.split import Role
from springtide_workloads.process.progress import Phase, Progress
from springtide_workloads.recipes.recipe import TrainingData

Matrix = npt.NDArray[np.float32] | npt.NDArray[np.float64]


def as_matrix(rows: Encoded) -> Matrix:
    """(rows, features), numbers first, then codes; a missing category is NaN as missing numbers are."""
    if not len(rows.codes):
        return cast("Matrix", np.ascontiguousarray(rows.numbers.T))  # no copy where rows came as a matrix
    matrix = np.empty((rows.rows, rows.numbers.shape[0] + rows.codes.shape[0]), dtype=rows.numbers.dtype)
    matrix[:, : rows.numbers.shape[0]] = rows.numbers.T
    codes = matrix[:, rows.numbers.shape[0] :]
    codes[:] = rows.codes.T
    codes[codes < 0] = np.nan
    return matrix


def _plain_names(names: tuple[str, ...]) -> list[str]:
    """Names for the model's text: LightGBM refuses characters that mean something in JSON, and equal names."""
    plain = [re.sub(r"\W", "_", name, flags=re.ASCII) for name in names]
    return [f"{name}_{index}" if plain.count(name) > 1 else name for index, name in enumerate(plain)]


class _Decoded:
    """The chunk that was read last, for the sequences that take turns with it."""

    def __init__(self, data: TrainingData, role: Role, phase: Phase) -> None:
        self._data, self._role, self._phase = data, role, phase
        self._reader = ChunkReader(data.table, data.encoder.columns)
        self._number = -1
        self._matrix: Matrix = np.empty((0, 0), dtype=np.float32)

    def rows_of(self, chunk: Chunk) -> Matrix:
        if chunk.number != self._number:
            mask = self._data.rows.roles[chunk.start : chunk.start + chunk.rows] == self._role
            encoded = self._data.encoder.encode(self._reader.read(chunk))
            self._matrix = as_matrix(encoded if mask.all() else encoded.take(mask))
            self._number = chunk.number
            self._phase.advance(len(self._matrix))
        return self._matrix


class _ChunkRows(lightgbm.Sequence):  # type: ignore[misc]  # LightGBM has no types
    """The rows of one chunk as LightGBM asks for them: one by one for its sample of values, then all at once."""

    def __init__(self, decoded: _Decoded, chunk: Chunk, rows: int) -> None:
        self._decoded, self._chunk, self._rows = decoded, chunk, rows
        self.batch_size = rows

    def __getitem__(self, index: Any) -> Any:
        rows = self._decoded.rows_of(self._chunk)[index]
        return rows if isinstance(index, slice) else rows.astype(np.float64)  # its sample is of doubles

    def __len__(self) -> int:
        return self._rows


def build_dataset(
    data: TrainingData, role: Role, *, settings: dict[str, Any], progress: Progress, reference: Any = None
) -> Any:
    """A `lightgbm.Dataset` of all rows of a role. With `reference`, its values fall into the same bins."""
    roles = data.rows.roles
    label, weight = data.all_labels(role)
    passes = 1 if reference is not None else 2  # a sample for the bins, then everything
    numbers = len(data.signature.numbers)
    with progress.phase(f"loading {role.name.lower()} rows", total=passes * len(label), unit="rows") as phase:
        decoded = _Decoded(data, role, phase)
        sequences = [
            _ChunkRows(decoded, chunk, int((roles[chunk.start : chunk.start + chunk.rows] == role).sum()))
            for chunk in data.chunks_with(role)
        ]
        dataset = lightgbm.Dataset(
            sequences,
            label=label,
            weight=weight,
            reference=reference,
            params=settings,
            feature_name=_plain_names(data.signature.names),
            categorical_feature=list(range(numbers, len(data.signature.names))),
        )
        return dataset.construct()

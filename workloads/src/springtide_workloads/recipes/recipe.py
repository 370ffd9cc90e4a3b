"""The interface of a recipe: parameters, fit, save, load. What a recipe need not know: stores, MLflow, Kubernetes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from springtide_workloads.data.chunks import Chunk, ChunkReader, ParquetTable
from springtide_workloads.data.encoding import Encoded, Encoder
from springtide_workloads.data.signature import Signature
from springtide_workloads.data.split import Role, Rows
from springtide_workloads.process.progress import Progress


class Parameters(BaseModel):
    """Parameters of a recipe: camelCase in a spec, bounded, and an unknown one is refused rather than ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


@dataclass(frozen=True)
class Labelled:
    """Encoded rows with their target (0 or 1) and weight."""

    features: Encoded
    target: npt.NDArray[np.float32]
    weight: npt.NDArray[np.float32] | None


@dataclass(frozen=True)
class TrainingData:
    """The rows that a recipe may see; the held-out ones are not among them."""

    table: ParquetTable
    rows: Rows
    encoder: Encoder
    sample: Encoded
    """Some training rows, for statistics."""

    @property
    def signature(self) -> Signature:
        """What the features are."""
        return self.encoder.signature

    def chunks_with(self, role: Role) -> list[Chunk]:
        """The chunks that have rows of a role."""
        roles = self.rows.roles
        return [chunk for chunk in self.table.chunks if (roles[chunk.start : chunk.start + chunk.rows] == role).any()]

    def stream(self, role: Role, *, order: Sequence[int] | None = None) -> Iterator[Labelled]:
        """All rows of a role, a chunk at a time; `order` is of chunk numbers."""
        reader = ChunkReader(self.table, self.encoder.columns)
        numbers = [chunk.number for chunk in self.chunks_with(role)] if order is None else order
        for number in numbers:
            chunk = self.table.chunks[number]
            mask = self.rows.roles[chunk.start : chunk.start + chunk.rows] == role
            encoded = self.encoder.encode(reader.read(chunk)).take(mask)
            yield Labelled(encoded, *self.labels(chunk, mask))

    def labels(
        self, chunk: Chunk, mask: npt.NDArray[np.bool_]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32] | None]:
        """Target and weight of some rows of a chunk."""
        here = slice(chunk.start, chunk.start + chunk.rows)
        weight = self.rows.weight[here][mask] if self.rows.weight is not None else None
        return self.rows.target[here][mask].astype(np.float32), weight

    def all_labels(self, role: Role) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32] | None]:
        """Target and weight of all rows of a role."""
        mask = self.rows.roles == role
        weight = self.rows.weight[mask] if self.rows.weight is not None else None
        return self.rows.target[mask].astype(np.float32), weight


@dataclass(frozen=True)
class Step:
    """What was measured after a step (a tree, an epoch), counted from 1."""

    number: int
    metrics: dict[str, float]


class Predictor(Protocol):
    """A fitted model."""

    def predict(self, rows: Encoded) -> npt.NDArray[np.float64]:
        """The probability of the positive class, (rows,)."""

    def save(self, folder: Path) -> None:
        """Writes the model's files: text, JSON or safetensors, nothing that runs code when it is read."""

    def importances(self) -> dict[str, float] | None:
        """Each feature's share of what the model gained, or None if it does not know."""


@dataclass(frozen=True)
class Fitted:
    """What `fit` returns. `notes` are worth a line in the log and in MLflow, such as the best iteration."""

    model: Predictor
    steps: tuple[Step, ...]
    notes: dict[str, float] = field(default_factory=dict)


class Recipe(Protocol):
    """A training program."""

    name: ClassVar[str]
    parameters: ClassVar[type[Parameters]]
    libraries: ClassVar[tuple[str, ...]]
    """Packages whose version can change the outcome."""

    def check(self, parameters: Any, *, signature: Signature) -> None:
        """Raises InvalidParameter for what only the data can tell, such as a constraint on a missing column."""

    def fit(self, parameters: Any, data: TrainingData, *, seed: int, progress: Progress) -> Fitted:
        """Trains a model. Equal arguments give an equal model."""

    def load(self, folder: Path, *, signature: Signature) -> Predictor:
        """Reads what `save` wrote."""

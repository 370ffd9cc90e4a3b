"""The network of `mlp`: standardised numbers with missing indicators, embedded categories, and plain layers."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from springtide_workloads.data.encoding import Encoded

CLIP = 10.0
"""Standard deviations beyond which a number says no more."""


@dataclass(frozen=True)
class Shape:
    """All that is needed to build the network again.

    categories: for each categorical feature the number of known categories; an embedding has two rows more, for
        unseen and for missing values.
    indicators: places of the numeric features that get a missing indicator.
    """

    numbers: int
    indicators: tuple[int, ...]
    categories: tuple[int, ...]
    embedding_sizes: tuple[int, ...]
    hidden: tuple[int, ...]
    dropout: float

    def as_document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def of_document(cls, document: dict[str, Any]) -> "Shape":
        """What `as_document` said."""
        plain: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
        }
        return cls(**plain)


def embedding_size(categories: int, *, largest: int) -> int:
    """The rule of thumb of fastai (Howard and Gugger, 2020): 1.6 n^0.56."""
    return int(min(largest, round(1.6 * (categories + 2) ** 0.56)))


class Network(nn.Module):
    """Rows to logits."""

    mean: torch.Tensor
    scale: torch.Tensor
    indicators: torch.Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("mean", torch.zeros(shape.numbers, dtype=torch.float64))
        self.register_buffer("scale", torch.ones(shape.numbers, dtype=torch.float64))
        self.register_buffer("indicators", torch.tensor(shape.indicators, dtype=torch.int64))
        self.embeddings = nn.ModuleList(
            nn.Embedding(count + 2, size) for count, size in zip(shape.categories, shape.embedding_sizes, strict=True)
        )
        width = shape.numbers + len(shape.indicators) + sum(shape.embedding_sizes)
        layers: list[nn.Module] = []
        for size in shape.hidden:
            layers += [nn.Linear(width, size), nn.ReLU()]
            layers += [nn.Dropout(shape.dropout)] if shape.dropout else []
            width = size
        self.layers = nn.Sequential(*layers, nn.Linear(width, 1))

    def forward(self, inputs: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        """inputs: (rows, numbers + indicators) from `prepare`; codes: (rows, categorical features). Logits, (rows,)."""
        parts = [inputs, *(embed(codes[:, place]) for place, embed in enumerate(self.embeddings))]
        joined = torch.cat(parts, dim=1) if len(parts) > 1 else inputs
        logits: torch.Tensor = self.layers(joined).squeeze(1)
        return logits

    def prepare(self, rows: Encoded) -> tuple[torch.Tensor, torch.Tensor]:
        """Standardised numbers with indicators (rows, numbers + indicators), and codes (rows, categorical features)."""
        source = torch.from_numpy(np.ascontiguousarray(rows.numbers))  # standardised before float32 could lose digits
        mean, scale = (value.to(source.dtype)[:, None] for value in (self.mean, self.scale))
        centred = (source - mean).mul_(scale).clamp_(-CLIP, CLIP)
        missing = ~torch.isfinite(source[self.indicators])
        inputs = torch.empty((rows.rows, source.shape[0] + missing.shape[0]))
        inputs[:, : source.shape[0]] = centred.nan_to_num_(0.0).T
        inputs[:, source.shape[0] :] = missing.T
        return inputs, self._places(rows.codes)

    def _places(self, codes: npt.NDArray[np.int32]) -> torch.Tensor:
        """Codes as embedding rows: missing (-1) comes after unseen."""
        counts = np.array(self.shape.categories, dtype=np.int32)[:, np.newaxis]
        placed = np.where(codes < 0, counts + 1, codes)
        return torch.from_numpy(np.ascontiguousarray(placed.T))


def mask_categories(
    codes: torch.Tensor, counts: torch.Tensor, *, share: float, generator: torch.Generator
) -> torch.Tensor:
    """Turns a share of the categories into "unseen", so that this embedding learns what to say of a new value."""
    if not codes.shape[1]:
        return codes
    hidden = torch.rand(codes.shape, generator=generator) < share
    return torch.where(hidden, counts, codes)

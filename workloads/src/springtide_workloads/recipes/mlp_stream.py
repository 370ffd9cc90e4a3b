"""Batches for `mlp`: streamed from Parquet, shuffled within a buffer of bounded size, prepared one buffer ahead."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

from springtide_workloads.data.split import Role
from springtide_workloads.recipes.mlp_network import Network
from springtide_workloads.recipes.recipe import Labelled, TrainingData

BUFFER_VALUES = 16_000_000
"""Values of a buffer: 64 MB of float32. There are two at once, and the one that is being shuffled."""
BUFFER_ROWS = 262_144


@dataclass(frozen=True)
class Batch:
    """Prepared rows.

    inputs: (rows, numbers + indicators) float32; codes: (rows, categorical features) int32; target and weight: (rows,)
        float32.
    """

    inputs: torch.Tensor
    codes: torch.Tensor
    target: torch.Tensor
    weight: torch.Tensor | None

    def part(self, index: torch.Tensor | slice) -> "Batch":
        """Some of the rows."""
        weight = self.weight[index] if self.weight is not None else None
        return Batch(self.inputs[index], self.codes[index], self.target[index], weight)

    def __len__(self) -> int:
        return int(self.target.shape[0])


def prepare(rows: Labelled, *, network: Network) -> Batch:
    """Standardised and ready for the network."""
    inputs, codes = network.prepare(rows.features)
    weight = torch.from_numpy(rows.weight) if rows.weight is not None else None
    return Batch(inputs, codes, torch.from_numpy(rows.target), weight)


def join(parts: list[Batch]) -> Batch:
    """Several batches as one."""
    if len(parts) == 1:
        return parts[0]
    weights = [part.weight for part in parts if part.weight is not None]
    return Batch(
        torch.cat([part.inputs for part in parts]),
        torch.cat([part.codes for part in parts]),
        torch.cat([part.target for part in parts]),
        torch.cat(weights) if weights else None,
    )


def buffer_rows(features: int) -> int:
    """Rows of a shuffle buffer: as many as `BUFFER_VALUES` allow, 1,024 to `BUFFER_ROWS`."""
    return min(max(BUFFER_VALUES // max(features, 1), 1024), BUFFER_ROWS)


def epoch(data: TrainingData, *, network: Network, batch_size: int, seed: int, number: int) -> Iterator[Batch]:
    """All training rows once, in an order that depends on the seed and the epoch's number only.

    Row groups come in random order, whole: their pages are decoded once. Rows are shuffled within the buffer. A last
    batch of one row is left out.
    """
    order = np.random.default_rng((seed, number))
    buffers = _buffers(data, network=network, chunks=_shuffled_chunks(data, order))
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="reader") as reader:
        ahead = reader.submit(next, buffers, None)
        while (buffer := ahead.result()) is not None:
            ahead = reader.submit(next, buffers, None)
            shuffle = torch.from_numpy(order.permutation(len(buffer)))
            for start in range(0, len(buffer), batch_size):
                index = shuffle[start : start + batch_size]
                if len(index) > 1:
                    yield buffer.part(index)


def _shuffled_chunks(data: TrainingData, order: np.random.Generator) -> list[int]:
    groups: dict[tuple[int, int], list[int]] = {}
    for chunk in data.chunks_with(Role.TRAIN):
        groups.setdefault((chunk.file, chunk.row_group), []).append(chunk.number)
    parts = list(groups.values())
    return [number for place in order.permutation(len(parts)) for number in parts[place]]


def _buffers(data: TrainingData, *, network: Network, chunks: list[int]) -> Iterator[Batch]:
    most = buffer_rows(len(data.signature.features))
    parts: list[Batch] = []
    have = 0
    for rows in data.stream(Role.TRAIN, order=chunks):
        parts.append(prepare(rows, network=network))
        have += len(parts[-1])
        if have >= most:
            yield join(parts)
            parts, have = [], 0
    if parts:
        yield join(parts)

"""`mlp`: a neural network over numbers and embedded categories, streamed from Parquet in bounded memory."""

import json
import math
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from safetensors.torch import load_file, save_file
from springtide.api.constants import Reason

from springtide_workloads.data.encoding import Encoded
from springtide_workloads.data.signature import Signature
from springtide_workloads.data.split import Role
from springtide_workloads.errors import WorkloadError
from springtide_workloads.process.cpus import available_cpus
from springtide_workloads.process.progress import Progress
from springtide_workloads.recipes.mlp_network import Network, Shape, embedding_size, mask_categories
from springtide_workloads.recipes.mlp_stream import Batch, epoch, join, prepare
from springtide_workloads.recipes.recipe import Fitted, Parameters, Step, TrainingData

WEIGHTS_FILE = "model.safetensors"
SHAPE_FILE = "network.json"
PREDICT_ROWS = 16_384


class MlpParameters(Parameters):
    """Sizes and rates of the network and its optimizer (AdamW: Loshchilov and Hutter, 2019)."""

    hidden: Annotated[
        tuple[Annotated[int, Field(ge=1, le=8192)], ...], Field(min_length=1, max_length=16, description="Layer sizes.")
    ] = (256, 128)
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    max_embedding: Annotated[int, Field(ge=1, le=1024, description="Largest embedding of a category.")] = 32
    epochs: Annotated[int, Field(ge=1, le=10_000)] = 10
    patience: Annotated[
        int, Field(ge=0, description="Stop after so many epochs without a better validation loss; 0: never.")
    ] = 3
    batch_size: Annotated[int, Field(ge=2, le=1_000_000)] = 1024
    learning_rate: Annotated[float, Field(gt=0, le=10)] = 0.001
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 0.01
    category_masking: Annotated[
        float, Field(ge=0, le=0.5, description="Share of categories shown as unseen, so that unseen ones are met well.")
    ] = 0.01


class Mlp:
    """See `recipe.Recipe`."""

    name: ClassVar[str] = "mlp"
    parameters: ClassVar[type[Parameters]] = MlpParameters
    libraries: ClassVar[tuple[str, ...]] = ("torch", "numpy")

    def check(self, parameters: Any, *, signature: Signature) -> None:
        """Nothing depends on the data."""

    def fit(self, parameters: MlpParameters, data: TrainingData, *, seed: int, progress: Progress) -> Fitted:
        torch.set_num_threads(available_cpus())
        torch.use_deterministic_algorithms(mode=True)
        torch.manual_seed(seed)
        network = _build(parameters, data)
        training = _Training(parameters, network, seed=seed)
        validation = join([prepare(rows, network=network) for rows in data.stream(Role.VALIDATION)])
        batches = math.ceil(data.rows.count(Role.TRAIN) / parameters.batch_size)
        with progress.phase("training", total=parameters.epochs * batches, unit="batches") as phase:
            for number in range(parameters.epochs):
                batch_stream = epoch(data, network=network, batch_size=parameters.batch_size, seed=seed, number=number)
                for batch in batch_stream:
                    loss = training.step(batch)
                    phase.advance(1, epoch=number + 1, **({"loss": loss} if loss is not None else {}))
                if training.has_converged(validation):
                    break
        training.restore_best()
        network.eval()
        return Fitted(
            model=MlpModel(network, data.signature),
            steps=tuple(training.steps),
            notes={"epochs": float(training.best_epoch)},
        )

    def load(self, folder: Path, *, signature: Signature) -> "MlpModel":
        document = json.loads((folder / SHAPE_FILE).read_text())
        network = Network(Shape.of_document(document))
        network.load_state_dict(load_file(folder / WEIGHTS_FILE))
        network.eval()
        return MlpModel(network, signature)


class MlpModel:
    """A network, saved as safetensors with its shape beside it."""

    def __init__(self, network: Network, signature: Signature) -> None:
        self._network = network
        self._signature = signature

    def predict(self, rows: Encoded) -> npt.NDArray[np.float64]:
        inputs, codes = self._network.prepare(rows)
        scores: npt.NDArray[np.float64] = torch.sigmoid(_logits(self._network, inputs, codes).double()).numpy()
        return scores

    def save(self, folder: Path) -> None:
        state = {name: tensor.contiguous() for name, tensor in self._network.state_dict().items()}
        save_file(state, folder / WEIGHTS_FILE)
        (folder / SHAPE_FILE).write_text(json.dumps(self._network.shape.as_document(), indent=2) + "\n")

    def importances(self) -> None:
        """A network does not know; see `evaluation.importance`."""


class _Training:
    """The state of one training: optimizer, losses, and the best weights so far."""

    CHECK_EVERY = 50
    """Batches between two looks at the loss: each look waits for the arithmetic."""

    def __init__(self, parameters: MlpParameters, network: Network, *, seed: int) -> None:
        self._network = network
        self._parameters = parameters
        self._optimizer = torch.optim.AdamW(
            network.parameters(), lr=parameters.learning_rate, weight_decay=parameters.weight_decay, foreach=True
        )
        self._generator = torch.Generator().manual_seed(seed)
        self._counts = torch.tensor(network.shape.categories, dtype=torch.int32)
        self._best: dict[str, torch.Tensor] = {}
        self._best_loss = math.inf
        self._total = torch.zeros((), dtype=torch.float64)
        self._batches = 0
        self.best_epoch = 0
        self.steps: list[Step] = []

    def step(self, batch: Batch) -> float | None:
        """One update. The loss, now and then; raises LossNotFinite."""
        masking = self._parameters.category_masking
        codes = mask_categories(batch.codes, self._counts, share=masking, generator=self._generator)
        loss = _loss(self._network(batch.inputs, codes), batch)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no type here
        self._optimizer.step()
        self._total += loss.detach()
        self._batches += 1
        if self._batches % self.CHECK_EVERY:
            return None
        return self._finite(float(loss.detach()))

    def has_converged(self, validation: Batch) -> bool:
        """Ends an epoch: measures the validation loss, keeps the best weights, and tells whether to stop."""
        number = len(self.steps) + 1
        training_loss = self._finite(float(self._total) / max(self._batches, 1))
        self._network.eval()
        loss = self._finite(float(_loss(_logits(self._network, validation.inputs, validation.codes), validation)))
        self._network.train()
        self.steps.append(Step(number, {"trainingLogLoss": training_loss, "validationLogLoss": loss}))
        self._total, self._batches = torch.zeros((), dtype=torch.float64), 0
        if loss < self._best_loss or not self._best:
            self._best_loss, self.best_epoch = loss, number
            self._best = {name: value.clone() for name, value in self._network.state_dict().items()}
        patience = self._parameters.patience
        return patience > 0 and number - self.best_epoch >= patience

    def restore_best(self) -> None:
        """Goes back to the weights of the best epoch."""
        self._network.load_state_dict(self._best)

    def _finite(self, loss: float) -> float:
        if not math.isfinite(loss):
            raise WorkloadError(
                Reason.LOSS_NOT_FINITE,
                f"the loss is {loss} in epoch {len(self.steps) + 1}: lower recipe.parameters.learningRate"
                f" ({self._parameters.learning_rate})",
            )
        return loss


def _logits(network: Network, inputs: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
    """Logits without gradients, in parts: the layers' outputs of all rows at once could be larger than the data."""
    with torch.inference_mode():
        parts = [
            network(inputs[start : start + PREDICT_ROWS], codes[start : start + PREDICT_ROWS])
            for start in range(0, len(inputs), PREDICT_ROWS)
        ]
    return torch.cat(parts) if parts else torch.empty(0)


def _loss(logits: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Mean log loss; with weights, their weighted mean."""
    if batch.weight is None:
        return torch.nn.functional.binary_cross_entropy_with_logits(logits, batch.target)
    losses = torch.nn.functional.binary_cross_entropy_with_logits(logits, batch.target, reduction="none")
    return (losses * batch.weight).sum() / batch.weight.sum().clamp_min(torch.finfo(torch.float32).tiny)


def _build(parameters: MlpParameters, data: TrainingData) -> Network:
    numbers = np.where(np.isfinite(data.sample.numbers), data.sample.numbers, np.nan).astype(np.float64)
    missing = np.isnan(numbers)
    counts = tuple(len(feature.categories) for feature in data.signature.categories)
    network = Network(
        Shape(
            numbers=numbers.shape[0],
            indicators=tuple(int(place) for place in np.flatnonzero(missing.any(axis=1))),
            categories=counts,
            embedding_sizes=tuple(embedding_size(count, largest=parameters.max_embedding) for count in counts),
            hidden=parameters.hidden,
            dropout=parameters.dropout,
        )
    )
    known = np.maximum((~missing).sum(axis=1), 1)
    filled = np.where(missing, 0.0, numbers)
    mean = filled.sum(axis=1) / known
    variance = np.where(missing, 0.0, (filled - mean[:, np.newaxis]) ** 2).sum(axis=1) / known
    network.mean.copy_(torch.from_numpy(mean))
    network.scale.copy_(torch.from_numpy(1 / np.where(variance > 0, np.sqrt(variance), 1.0)))
    return network

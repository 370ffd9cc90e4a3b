"""`gbdt`: gradient boosted trees (LightGBM), the champion to beat on tabular data."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ClassVar, cast

import lightgbm
import numpy as np
import numpy.typing as npt
from pydantic import Field
from springtide.api.constants import Reason

from springtide_workloads.data.encoding import Encoded
from springtide_workloads.data.signature import Signature
from springtide_workloads.data.split import Role
from springtide_workloads.errors import WorkloadError
from springtide_workloads.process.progress import Phase, Progress
from springtide_workloads.recipes.gbdt_dataset import as_matrix, build_dataset
from springtide_workloads.recipes.recipe import Fitted, Parameters, Step, TrainingData

MODEL_FILE = "model.txt"
LOSS = "binary_logloss"


class GbdtParameters(Parameters):
    """Named as LightGBM names them."""

    num_rounds: Annotated[int, Field(ge=1, le=100_000, description="Trees at most.")] = 500
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.05
    num_leaves: Annotated[int, Field(ge=2, le=131_072)] = 31
    max_depth: Annotated[int, Field(ge=-1, le=64, description="-1: no limit.")] = -1
    min_data_in_leaf: Annotated[int, Field(ge=1)] = 50
    feature_fraction: Annotated[float, Field(gt=0, le=1)] = 0.8
    bagging_fraction: Annotated[float, Field(gt=0, le=1)] = 1.0
    lambda_l1: Annotated[float, Field(ge=0)] = 0.0
    lambda_l2: Annotated[float, Field(ge=0)] = 1.0
    max_bin: Annotated[int, Field(ge=2, le=65_535)] = 255
    early_stopping_rounds: Annotated[
        int, Field(ge=0, description="Stop when the validation loss has not improved for so many rounds; 0: never.")
    ] = 50
    monotone: Annotated[
        dict[str, Annotated[int, Field(ge=-1, le=1)]],
        Field(description="1: the score may only rise with this feature, -1: only fall."),
    ] = Field(default={})


class Gbdt:
    """See `recipe.Recipe`."""

    name: ClassVar[str] = "gbdt"
    parameters: ClassVar[type[Parameters]] = GbdtParameters
    libraries: ClassVar[tuple[str, ...]] = ("lightgbm", "numpy")

    def check(self, parameters: GbdtParameters, *, signature: Signature) -> None:
        numbers = {feature.name for feature in signature.numbers}
        for name in parameters.monotone:
            if name not in numbers:
                raise WorkloadError(
                    Reason.INVALID_PARAMETER,
                    f"recipe.parameters.monotone.{name}: there is no numeric feature of this name",
                )

    def fit(self, parameters: GbdtParameters, data: TrainingData, *, seed: int, progress: Progress) -> Fitted:
        settings = _settings(parameters, signature=data.signature, seed=seed)
        training = build_dataset(data, Role.TRAIN, settings=settings, progress=progress)
        validation = build_dataset(data, Role.VALIDATION, settings=settings, progress=progress, reference=training)
        steps: list[Step] = []
        callbacks: list[Callable[..., None]] = []
        if parameters.early_stopping_rounds:
            callbacks.append(lightgbm.early_stopping(parameters.early_stopping_rounds, verbose=False))
        with progress.phase("training", total=parameters.num_rounds, unit="trees") as phase:
            booster = lightgbm.train(
                settings,
                training,
                num_boost_round=parameters.num_rounds,
                valid_sets=[validation],
                valid_names=["validation"],
                callbacks=[_watch(steps, phase), *callbacks],
            )
        best = booster.best_iteration or booster.current_iteration()
        return Fitted(model=GbdtModel(booster, data.signature, best), steps=tuple(steps), notes={"trees": float(best)})

    def load(self, folder: Path, *, signature: Signature) -> "GbdtModel":
        booster = lightgbm.Booster(model_file=str(folder / MODEL_FILE))
        return GbdtModel(booster, signature, booster.current_iteration())


class GbdtModel:
    """A booster, saved as LightGBM's text."""

    def __init__(self, booster: Any, signature: Signature, trees: int) -> None:
        self._booster = booster
        self._signature = signature
        self._trees = trees

    def predict(self, rows: Encoded) -> npt.NDArray[np.float64]:
        matrix = as_matrix(rows)
        return cast("npt.NDArray[np.float64]", self._booster.predict(matrix, num_iteration=self._trees))

    def save(self, folder: Path) -> None:
        self._booster.save_model(str(folder / MODEL_FILE), num_iteration=self._trees)

    def importances(self) -> dict[str, float]:
        gains = self._booster.feature_importance("gain", iteration=self._trees)
        total = float(gains.sum()) or 1.0
        return {name: float(gain) / total for name, gain in zip(self._signature.names, gains, strict=True)}


def _settings(parameters: GbdtParameters, *, signature: Signature, seed: int) -> dict[str, Any]:
    names = signature.names
    settings = parameters.model_dump(exclude={"num_rounds", "early_stopping_rounds", "monotone"})
    settings |= {
        "objective": "binary",
        "metric": LOSS,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,  # otherwise LightGBM tries both and may choose differently each time
        "bagging_freq": 1 if parameters.bagging_fraction < 1 else 0,
        "verbosity": -1,
    }
    if parameters.monotone:
        settings["monotone_constraints"] = [parameters.monotone.get(name, 0) for name in names]
    return settings


def _watch(steps: list[Step], phase: Phase) -> Callable[[Any], None]:
    """Writes down the validation loss of each round. Before early stopping, which leaves by an exception."""

    def callback(env: Any) -> None:
        loss = float(env.evaluation_result_list[0][2])
        if not np.isfinite(loss):
            raise WorkloadError(
                Reason.LOSS_NOT_FINITE,
                f"the validation loss is {loss} after {env.iteration + 1} trees: lower recipe.parameters.learningRate",
            )
        steps.append(Step(env.iteration + 1, {"validationLogLoss": loss}))
        phase.advance(1, loss=loss)

    callback.order = 5  # type: ignore[attr-defined]  # early stopping has 30
    return callback

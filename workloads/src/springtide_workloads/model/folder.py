"""Writing and loading a model's folder.

    model.txt | model.safetensors + network.json   the model, by its recipe
    model.json        recipe, parameters, seed, split and until when it learned, inputs, library versions
    signature.json    features in order, types, categories, the classes
    golden.json       requests with expected answers
    baseline.json     the frozen drift baseline
    metrics.json      overall, with intervals, and by slice
    history.json      metrics by step
    importance.json   features by importance
    inputs.json       the manifest of the data
    plots/*.png

Nothing in it says when, where or for whom: equal work gives an equal folder, and so an equal digest.
"""

import json
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from springtide.api.constants import Reason
from springtide.api.training_run import Split

from springtide_workloads.artifacts.manifest import Manifest
from springtide_workloads.data.encoding import Encoder
from springtide_workloads.data.signature import Signature
from springtide_workloads.data.split import Times
from springtide_workloads.drift.bins import BASELINE_FILE, Baseline
from springtide_workloads.errors import WorkloadError
from springtide_workloads.model.golden import GOLDEN_FILE, golden_document, read_golden
from springtide_workloads.recipes.recipe import Fitted, Predictor, Recipe
from springtide_workloads.recipes.registry import find_recipe

MODEL_FILE = "model.json"
SIGNATURE_FILE = "signature.json"
METRICS_FILE = "metrics.json"
HISTORY_FILE = "history.json"
IMPORTANCE_FILE = "importance.json"
INPUTS_FILE = "inputs.json"
PLOTS = "plots"
FORMAT = 1


@dataclass(frozen=True)
class LearnedUntil:
    """The newest time that a model learned from, by its split's column: an evaluation asks which rows it cannot know.

    type: Arrow type of the column. time: a number in its unit.
    """

    type: str
    time: float


@dataclass(frozen=True)
class Contents:
    """All that goes into a folder but the plots. times: of a split by time."""

    recipe: Recipe
    parameters: dict[str, Any]
    seed: int
    split: Split
    times: Times | None
    fitted: Fitted
    signature: Signature
    inputs: Manifest
    golden: pa.RecordBatch
    golden_score: npt.NDArray[np.float64]
    baseline: Baseline
    metrics: dict[str, Any]
    importances: dict[str, float]
    importance_measure: str
    notes: tuple[str, ...]


def write_folder(folder: Path, contents: Contents) -> None:
    """Writes everything and asks the golden requests of the model as it can be loaded again."""
    folder.mkdir(parents=True, exist_ok=True)
    contents.fitted.model.save(folder)
    history = [{"step": step.number, **step.metrics} for step in contents.fitted.steps]
    for name, document in (
        (MODEL_FILE, _model_document(contents)),
        (SIGNATURE_FILE, contents.signature.to_wire()),
        (GOLDEN_FILE, golden_document(contents.golden, contents.golden_score)),
        (BASELINE_FILE, contents.baseline.to_wire()),
        (METRICS_FILE, contents.metrics),
        (HISTORY_FILE, history),
        (IMPORTANCE_FILE, {"measure": contents.importance_measure, "features": contents.importances}),
        (INPUTS_FILE, contents.inputs.to_wire()),
    ):
        (folder / name).write_text(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    load_model(folder)


@dataclass(frozen=True)
class LoadedModel:
    """A model that answered its golden requests."""

    signature: Signature
    predictor: Predictor

    def predict(self, batch: pa.RecordBatch) -> npt.NDArray[np.float64]:
        """The probability of the positive class for each row. The batch has the signature's columns, in any order."""
        return self.predictor.predict(Encoder(self.signature).encode(batch))


def load_model(folder: Path) -> LoadedModel:
    """Loads a model's folder. Raises DigestMismatch where it answers its golden requests otherwise than it did."""
    document = json.loads((folder / MODEL_FILE).read_text())
    if document["format"] != FORMAT:
        raise WorkloadError(
            Reason.DIGEST_MISMATCH, f"{folder.name} has format {document['format']}; this program reads format {FORMAT}"
        )
    signature = Signature.model_validate_json((folder / SIGNATURE_FILE).read_text())
    predictor = find_recipe(document["recipe"]["name"]).load(folder, signature=signature)
    model = LoadedModel(signature=signature, predictor=predictor)
    batch, expected, tolerance = read_golden(folder, signature=signature)
    answers = model.predict(batch)
    worst = float(np.abs(answers - expected).max()) if expected.size else 0.0
    if not worst <= tolerance:
        raise WorkloadError(
            Reason.DIGEST_MISMATCH,
            f"{folder.name} answers its golden requests otherwise than when it was trained: by {worst:g}",
        )
    return model


def library_versions(recipe: Recipe) -> dict[str, str]:
    """Versions of Python and of the packages that can change a model."""
    return {"python": platform.python_version(), **{name: version(name) for name in (*recipe.libraries, "pyarrow")}}


def _learned_until(times: Times | None) -> dict[str, Any] | None:
    if times is None or times.learned_until is None:
        return None
    return asdict(LearnedUntil(type=times.type, time=times.learned_until))


def _model_document(contents: Contents) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "recipe": {"name": contents.recipe.name, "parameters": contents.parameters},
        "seed": contents.seed,
        "split": contents.split.to_wire(),
        "learnedUntil": _learned_until(contents.times),
        "inputs": contents.inputs.digest,
        "fitted": contents.fitted.notes,
        "libraries": library_versions(contents.recipe),
        "notes": list(contents.notes),
    }

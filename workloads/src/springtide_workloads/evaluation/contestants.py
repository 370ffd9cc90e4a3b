"""The models that are held against each other, opened by digest."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from springtide.api.constants import Reason
from springtide.api.retrain_policy import ModelFiles
from springtide.api.task import EvaluateTask
from springtide.api.training_run import Split

from springtide_workloads.artifacts.manifest import MANIFEST
from springtide_workloads.artifacts.store import decode_manifest, fetch_files, read_document
from springtide_workloads.data.chunks import ParquetTable
from springtide_workloads.data.target import Classes
from springtide_workloads.errors import WorkloadError
from springtide_workloads.model.folder import MODEL_FILE, LearnedUntil, LoadedModel, load_model


@dataclass(frozen=True)
class Contestant:
    """A model in its part. inputs, seed, split, learned_until: of its training.

    split: None for a model that is older than this being written down. learned_until: None where it was not by time.
    """

    part: Literal["challenger", "champion"]
    files: ModelFiles
    model: LoadedModel
    inputs: str
    seed: int
    split: Split | None
    learned_until: LearnedUntil | None

    @property
    def name(self) -> str:
        """As sentences call it."""
        return f"the {self.part} (version {self.files.version})"


def open_contestant(part: Literal["challenger", "champion"], files: ModelFiles, *, scratch: Path) -> Contestant:
    """The model, every byte of it verified, after its golden requests.

    Raises ModelNotFound, DigestMismatch, AccessDenied, StoreUnavailable, each naming the part.
    """
    folder = scratch / part
    with blaming(f"the {part} (version {files.version})"):
        text = read_document(f"{files.uri}/{MANIFEST}")
        if text is None:
            raise WorkloadError(Reason.MODEL_NOT_FOUND, f"there is no model at {files.uri}: it was removed")
        fetch_files(files.uri, decode_manifest(text, digest=files.digest, place=files.uri), target=folder)
        if not (folder / MODEL_FILE).exists():
            raise WorkloadError(
                Reason.MODEL_NOT_FOUND, f"the model at {files.uri} has no {MODEL_FILE}: only recipes' models are judged"
            )
        document = json.loads((folder / MODEL_FILE).read_text())
        split, until = document.get("split"), document.get("learnedUntil")
        return Contestant(
            part,
            files,
            load_model(folder),
            inputs=document["inputs"],
            seed=document["seed"],
            split=None if split is None else Split.model_validate(split),
            learned_until=None if until is None else LearnedUntil(**until),
        )


@contextmanager
def blaming(name: str) -> Iterator[None]:
    """Puts the name of the model before what went wrong with it."""
    try:
        yield
    except WorkloadError as error:
        raise WorkloadError(error.reason, f"{name}: {error.message}") from error


def check_held_out(challenger: Contestant, task: EvaluateTask, *, inputs: str) -> None:
    """Raises InvalidSpec where the rows that are held out now need not be those that the challenger did not see."""
    if challenger.inputs != inputs:
        raise WorkloadError(
            Reason.INVALID_SPEC,
            f"{challenger.name} was trained on {challenger.inputs}, but data is {inputs}: on other data nobody knows"
            " which rows it has not seen",
        )
    if challenger.split not in (None, task.data.split):
        raise WorkloadError(
            Reason.INVALID_SPEC,
            f"{challenger.name} was trained with {_spelled(challenger.split)}, but data.split is"
            f" {_spelled(task.data.split)}: other rows were held out",
        )
    if task.data.split.type == "Random" and challenger.seed != task.seed:
        raise WorkloadError(
            Reason.INVALID_SPEC,
            f"{challenger.name} was trained with seed {challenger.seed}, but seed is {task.seed}: other rows were held"
            " out",
        )


def _spelled(split: Split) -> str:
    by = f" by {split.column}" if split.column else ""
    return f"{split.type}{by}, {split.test_fraction:g} held out"


def check_fits(contestant: Contestant, *, table: ParquetTable, target: str, classes: Classes) -> None:
    """Raises ColumnNotFound or InvalidSpec where the model cannot answer these rows, or answers another question."""
    signature = contestant.model.signature
    missing = [name for name in signature.names if table.schema.get_field_index(name) < 0]
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise WorkloadError(
            Reason.COLUMN_NOT_FOUND, f"{contestant.name} needs column {missing[0]}{more}, which the data does not have"
        )
    known = classes.negative and classes.positive  # of two strings, one may not be among the rows
    asked = (target, classes.negative, classes.positive)
    predicted = (signature.target, signature.negative, signature.positive)
    if predicted[0] != asked[0] or (known and predicted != asked):
        raise WorkloadError(
            Reason.INVALID_SPEC,
            f"{contestant.name} tells {predicted[0]} = {predicted[2]} from {predicted[1]}, but the target is"
            f" {asked[0]} = {asked[2]}, not {asked[1]}",
        )

"""Was this very work done before? The key names everything that could change the outcome."""

from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from springtide.api.base import ApiModel, Digest
from springtide.api.constants import Reason
from springtide.api.task import Owner, TrainTask
from springtide.api.training_run import Inputs, Tracking

import springtide_workloads
from springtide_workloads.artifacts.digests import canonical, digest_of
from springtide_workloads.artifacts.store import ArtifactStore
from springtide_workloads.errors import WorkloadError
from springtide_workloads.model.folder import library_versions
from springtide_workloads.process.logs import log
from springtide_workloads.recipes.recipe import Recipe


class Entry(ApiModel):
    """What a key points to: the model that the work made, and who did it."""

    owner: Owner
    inputs: Inputs
    model_digest: Digest
    metrics: dict[str, float]
    mlflow: Tracking | None = Field(default=None, description="Unset while MLflow has not been told.")


def memo_key(task: TrainTask, *, inputs_digest: str, recipe: Recipe, parameters: dict[str, Any]) -> str:
    """Digest of the data, the work asked for, and the programs that do it."""
    document = {
        "inputs": inputs_digest,
        "recipe": {"name": recipe.name, "parameters": parameters},
        "target": task.target.to_wire() if task.target else None,
        "features": task.features.to_wire(),
        "evaluation": task.evaluation.to_wire(),
        "split": task.data.split.to_wire(),
        "seed": task.seed,
        "code": _code_digest(),
        "libraries": library_versions(recipe),
    }
    return digest_of(canonical(document))


def look_up(key: str, *, store: ArtifactStore, task: TrainTask, target: Path) -> Entry | None:
    """The earlier work, with its model copied to `target` and verified; None where there is none that can be trusted.

    An earlier attempt of the same run counts even if the task does not memoize: what is finished is not done again.
    """
    text = store.read_document(_document(key))
    if text is None:
        return None
    try:
        entry = Entry.model_validate_json(text)
    except ValidationError:
        log.warning("the memo cannot be read and is ignored", key=key)
        return None
    if not task.memoize and entry.owner.uid != task.owner.uid:
        return None
    try:
        store.fetch(entry.model_digest, target=target)
    except WorkloadError as error:
        if error.reason != Reason.DIGEST_MISMATCH:
            raise
        log.warning("the memo's model is gone or damaged, training again", key=key, message=error.message)
        return None
    return entry


def remember(key: str, entry: Entry, *, store: ArtifactStore) -> None:
    """Lets later tasks find this work."""
    store.write_document(_document(key), entry.model_dump_json(by_alias=True, exclude_none=True).encode())


@cache
def _code_digest() -> str:
    """Digest of this package's source: other code is other work, whatever its version says."""
    root = Path(springtide_workloads.__file__).parent
    files = {path.relative_to(root).as_posix(): digest_of(path.read_bytes()) for path in root.rglob("*.py")}
    return digest_of(canonical(files))


def _document(key: str) -> str:
    return f"memo/{key.removeprefix('sha256:')}.json"

"""What a model promised: its AUC on the rows that were held out at its training, from its own `metrics.json`."""

import json
from dataclasses import dataclass, field

from pydantic import BaseModel, ValidationError

from springtide_workloads.artifacts.digests import digest_of
from springtide_workloads.artifacts.manifest import MANIFEST
from springtide_workloads.artifacts.store import ArtifactStore, decode_manifest, read_document
from springtide_workloads.errors import WorkloadError

METRICS_FILE = "metrics.json"
"""As `model.folder` writes it; that module is not needed here, and neither are the recipes behind it."""


@dataclass(frozen=True)
class Promise:
    """AUC over all rows, and by slice column and value. problem: why the first is not known."""

    overall: float | None = None
    slices: dict[tuple[str, str], float] = field(default_factory=dict)
    problem: str = ""


class Promises:
    """Of the models in an artifact store. Each is read once."""

    def __init__(self, store_uri: str) -> None:
        self._store = ArtifactStore(store_uri)
        self._known: dict[str, Promise] = {}

    def of(self, model: str) -> Promise:
        """Of the model with this digest. Raises only what waiting can help: StoreUnavailable."""
        if model not in self._known:
            try:
                self._known[model] = _read(self._store.uri_of(model), digest=model)
            except WorkloadError as error:
                if error.retryable:
                    raise
                self._known[model] = Promise(problem=error.message)
        return self._known[model]


class _Overall(BaseModel):
    auc: float


class _Slice(BaseModel):
    values: dict[str, _Overall] = {}


class _Metrics(BaseModel):
    overall: _Overall
    slices: dict[str, _Slice] = {}


def _read(uri: str, *, digest: str) -> Promise:
    manifest_text = read_document(f"{uri}/{MANIFEST}")
    if manifest_text is None:
        return Promise(problem="the model is not in the artifact store any more")
    manifest = decode_manifest(manifest_text, digest=digest, place=uri)
    listed = next((file for file in manifest.files if file.name == METRICS_FILE), None)
    text = read_document(f"{uri}/{METRICS_FILE}") if listed else None
    if listed is None or text is None:
        return Promise(problem=f"the model has no {METRICS_FILE}")
    if digest_of(text) != listed.sha256:
        return Promise(problem=f"{METRICS_FILE} of the model is not what its manifest says")
    try:
        metrics = _Metrics.model_validate(json.loads(text))
    except (ValueError, ValidationError):
        return Promise(problem=f"{METRICS_FILE} of the model tells no AUC")
    slices = {
        (column, value): one.auc for column, found in metrics.slices.items() for value, one in found.values.items()
    }
    return Promise(metrics.overall.auc, slices)

"""What a model's folder says of its training: the baseline that was frozen with it, and which data it was."""

from pydantic import ValidationError
from springtide.api.constants import Reason
from springtide.api.task import DriftBaseline

from springtide_workloads.artifacts.digests import digest_of
from springtide_workloads.artifacts.manifest import MANIFEST, Manifest
from springtide_workloads.artifacts.store import decode_manifest, read_document
from springtide_workloads.drift.bins import BASELINE_FILE, Baseline
from springtide_workloads.errors import WorkloadError


def open_baseline(model: DriftBaseline) -> Baseline:
    """The baseline, whose bytes are what the model's digest says. Nothing else of the model is read.

    Raises BaselineNotFound, DigestMismatch, AccessDenied, StoreUnavailable.
    """
    manifest = _open_manifest(model)
    listed = next((file for file in manifest.files if file.name == BASELINE_FILE), None)
    if listed is None:
        raise WorkloadError(
            Reason.BASELINE_NOT_FOUND, f"the model at {model.uri} has no {BASELINE_FILE}: train it with a recipe"
        )
    text = read_document(f"{model.uri}/{BASELINE_FILE}")
    found = "is gone" if text is None else f"has {digest_of(text)}"
    if text is None or digest_of(text) != listed.sha256:
        raise WorkloadError(
            Reason.DIGEST_MISMATCH, f"{model.uri}/{BASELINE_FILE} {found}, but the manifest says {listed.sha256}"
        )
    try:
        return Baseline.model_validate_json(text)
    except ValidationError as error:
        raise WorkloadError(
            Reason.BASELINE_NOT_FOUND,
            f"{model.uri}/{BASELINE_FILE} is none that this program can read ({error.error_count()} fields): train the"
            " model again",
        ) from error


def data_of(model: DriftBaseline) -> str | None:
    """The digest of the data that the model was trained on; None where its folder does not say.

    Raises BaselineNotFound, DigestMismatch, AccessDenied, StoreUnavailable.
    """
    return next((one.digest for one in _open_manifest(model).inputs if one.name == "data"), None)


def _open_manifest(model: DriftBaseline) -> Manifest:
    text = read_document(f"{model.uri}/{MANIFEST}")
    if text is None:
        raise WorkloadError(
            Reason.BASELINE_NOT_FOUND, f"there is no model at {model.uri}: it was removed; name another run's model"
        )
    return decode_manifest(text, digest=model.digest, place=model.uri)

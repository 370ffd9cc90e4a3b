"""A model that has proved itself, ready to be asked."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from springtide.api.constants import Reason
from springtide.api.serving import Serving

from springtide_workloads.artifacts.store import ArtifactStore
from springtide_workloads.data.encoding import Encoded
from springtide_workloads.errors import WorkloadError
from springtide_workloads.model.folder import LoadedModel, load_model
from springtide_workloads.serving.tensors import Inputs


class Session:
    """One model. name, version: as requests and answers call it. inputs: what its signature makes of tensors."""

    def __init__(self, model: LoadedModel, *, name: str, version: str) -> None:
        self.name, self.version = name, version
        self.signature = model.signature
        self.inputs = Inputs(model.signature)
        self._predictor = model.predictor

    def score(self, rows: Encoded) -> npt.NDArray[np.float64]:
        """The probability of the positive class for each row, (rows,) float64."""
        if rows.rows == 0:
            return np.empty(0)
        return self._predictor.predict(rows)


def open_session(serving: Serving, *, scratch: Path) -> Session:
    """Fetches the model, verifies its digest, loads it and asks its golden requests.

    Raises DigestMismatch where any of these does not hold, and StoreUnavailable, AccessDenied.
    """
    folder = scratch / "model"
    folder.mkdir()
    ArtifactStore(serving.store_uri).fetch(serving.digest, target=folder)
    try:
        model = load_model(folder)
    except (ValueError, KeyError) as error:
        # Its bytes are what they were: it was made by another version of this program.
        raise WorkloadError(Reason.DIGEST_MISMATCH, f"model {serving.digest} cannot be read: {error}") from error
    return Session(model, name=serving.model_name, version=serving.version)

"""Golden requests: rows with the answers that the model gave when it was trained.

Whoever loads the model asks it these first; another answer means another model, library or machine than thought.
"""

import decimal
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from springtide.api.constants import Reason

from springtide_workloads.data.signature import Signature
from springtide_workloads.errors import WorkloadError

GOLDEN_FILE = "golden.json"
TOLERANCE = 1e-5
"""Of a probability: processors add up in different orders."""


def golden_document(batch: pa.RecordBatch, scores: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Requests column by column, and the expected probability of each row."""
    finite = np.ones(batch.num_rows, dtype=bool)  # JSON has no infinities
    for name in batch.schema.names:
        if pa.types.is_floating(batch.column(name).type):
            finite &= ~np.isinf(batch.column(name).to_numpy(zero_copy_only=False))
    batch = batch.filter(pa.array(finite))
    columns = {name: [_plain(value) for value in batch.column(name).to_pylist()] for name in batch.schema.names}
    return {"inputs": columns, "outputs": scores[finite].tolist(), "tolerance": TOLERANCE}


def read_golden(folder: Path, *, signature: Signature) -> tuple[pa.RecordBatch, npt.NDArray[np.float64], float]:
    """Requests, expected answers, and how far an answer may be off."""
    document = json.loads((folder / GOLDEN_FILE).read_text())
    batch = to_batch(document["inputs"], signature=signature)
    return batch, np.array(document["outputs"], dtype=np.float64), float(document["tolerance"])


def to_batch(columns: dict[str, list[Any]], *, signature: Signature) -> pa.RecordBatch:
    """JSON columns as the signature's types: numbers as float64, categories as text or as what they are."""
    arrays = {}
    for feature in signature.features:
        if feature.name not in columns:
            raise WorkloadError(Reason.COLUMN_NOT_FOUND, f"column {feature.name} is missing; the model needs it")
        values = columns[feature.name]
        if feature.kind == "Number":
            arrays[feature.name] = pa.array([None if value is None else float(value) for value in values], pa.float64())
        else:
            arrays[feature.name] = pa.array(values)
    return pa.RecordBatch.from_pydict(arrays)


def _plain(value: object) -> object:
    """As JSON has it; NaN is null."""
    if isinstance(value, float) and np.isnan(value):
        return None
    return float(value) if isinstance(value, decimal.Decimal) else value

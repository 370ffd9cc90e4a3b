"""The frozen drift baseline: how the features and the score were distributed when the model was trained.

Counts only, no rows. Missing values, values that training did not see, and infinities have bins of their own, so that
a monitor can tell a shift from a fault in the data.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from springtide_workloads.data.encoding import Encoded
from springtide_workloads.data.signature import Signature

DECILES = np.linspace(0, 1, 11)[1:-1]


def describe_baseline(sample: Encoded, *, signature: Signature, scores: npt.NDArray[np.float64]) -> dict[str, Any]:
    """The baseline as a document.

    sample: training rows; the counts are of these.
    scores: of the held-out rows, as the model will meet them.
    """
    features = [
        {"name": feature.name, "kind": feature.kind, **_of_numbers(values)}
        for feature, values in zip(signature.numbers, sample.numbers, strict=True)
    ]
    features += [
        {"name": feature.name, "kind": feature.kind, **_of_categories(codes, feature.categories)}
        for feature, codes in zip(signature.categories, sample.codes, strict=True)
    ]
    return {"rows": sample.rows, "features": features, "score": {"rows": int(scores.size), **_of_numbers(scores)}}


def _of_numbers(values: npt.NDArray[np.floating]) -> dict[str, Any]:
    """Bins are (-inf, edge 1), [edge 1, edge 2), ...; `unseen` counts what lies beyond `min` and `max`."""
    missing = np.isnan(values)
    special = np.isinf(values)
    plain = values[~missing & ~special].astype(np.float64)
    document = {"missing": int(missing.sum()), "special": int(special.sum()), "unseen": 0}
    if not plain.size:
        return {**document, "edges": [], "counts": [0], "min": None, "max": None}
    edges = np.unique(np.quantile(plain, DECILES, method="higher"))
    counts = np.bincount(np.searchsorted(edges, plain, side="right"), minlength=edges.size + 1)
    return {
        **document,
        "edges": edges.tolist(),
        "counts": counts.tolist(),
        "min": float(plain.min()),
        "max": float(plain.max()),
    }


def _of_categories(codes: npt.NDArray[np.int32], categories: tuple[str, ...]) -> dict[str, Any]:
    counts = np.bincount(codes + 1, minlength=len(categories) + 2)
    return {
        "missing": int(counts[0]),
        "special": 0,
        "unseen": int(counts[-1]),
        "categories": list(categories),
        "counts": counts[1:-1].tolist(),
    }

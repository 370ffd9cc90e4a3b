"""What a model looks at: its own account, or what shuffling a feature costs."""

import numpy as np
import numpy.typing as npt

from springtide_workloads.data.encoding import Encoded
from springtide_workloads.data.signature import Signature
from springtide_workloads.evaluation.metrics import auc
from springtide_workloads.recipes.recipe import Predictor

MOST_VALUES = 20_000_000
MOST_ROWS = 4_000


def importances(
    model: Predictor, *, rows: Encoded, target: npt.NDArray[np.int8], signature: Signature, seed: int
) -> tuple[dict[str, float], str]:
    """Importance by feature, largest first, and the name of the measure."""
    own = model.importances()
    if own is not None:
        return _sorted(own), "share of gain"
    return _sorted(_by_permutation(model, rows=rows, target=target, signature=signature, seed=seed)), "drop in AUC"


def _by_permutation(
    model: Predictor, *, rows: Encoded, target: npt.NDArray[np.int8], signature: Signature, seed: int
) -> dict[str, float]:
    """How much the AUC drops when one feature's values are shuffled among rows (Breiman, 2001; Fisher et al., 2019)."""
    features = len(signature.names)
    most = max(min(MOST_ROWS, MOST_VALUES // max(features**2, 1)), 500)
    draw = np.random.default_rng(seed)
    chosen = np.sort(draw.permutation(rows.rows)[:most])
    rows, target = rows.take(chosen), target[chosen]
    if target.min() == target.max():
        return dict.fromkeys(signature.names, 0.0)
    whole = auc(target, model.predict(rows))
    shuffle = draw.permutation(rows.rows)
    drops = {}
    for place, name in enumerate(signature.names):
        drops[name] = whole - auc(target, model.predict(_shuffled(rows, place, shuffle)))
    return drops


def _shuffled(rows: Encoded, place: int, shuffle: npt.NDArray[np.int64]) -> Encoded:
    numbers, codes = rows.numbers, rows.codes
    count = numbers.shape[0]
    if place < count:
        numbers = numbers.copy()
        numbers[place] = numbers[place][shuffle]
    else:
        codes = codes.copy()
        codes[place - count] = codes[place - count][shuffle]
    return Encoded(numbers, codes)


def _sorted(values: dict[str, float]) -> dict[str, float]:
    return dict(sorted(values.items(), key=lambda item: (-item[1], item[0])))

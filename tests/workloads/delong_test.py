"""The interval of an AUC in closed form."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from springtide_workloads.evaluation.delong import Z, estimate_auc
from springtide_workloads.evaluation.intervals import auc_interval

Drawn = tuple[npt.NDArray[np.int8], npt.NDArray[np.floating[Any]]]


def _draw(seed: int, *, rows: int, digits: int) -> Drawn:
    draw = np.random.default_rng(seed)
    target = (draw.random(rows) < 0.3).astype(np.int8)
    target[:4] = (0, 1, 0, 1)
    return target, np.round(target * 0.8 + draw.normal(size=rows), digits)


@settings(max_examples=50)
@given(seed=st.integers(0, 10_000), rows=st.integers(4, 300), digits=st.integers(0, 3))
def test_the_estimate_is_scikit_learns_and_lies_in_its_interval(seed: int, rows: int, digits: int) -> None:
    target, score = _draw(seed, rows=rows, digits=digits)
    found = estimate_auc(target, score)
    assert found.value == pytest.approx(roc_auc_score(target, score), abs=1e-12)
    assert 0 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= 1


def test_the_variance_is_that_of_all_pairs() -> None:
    target, score = _draw(3, rows=200, digits=1)
    positive, negative = score[target == 1], score[target == 0]
    wins = (positive[:, None] > negative) + (positive[:, None] == negative) / 2
    variance = wins.mean(axis=1).var(ddof=1) / positive.size + wins.mean(axis=0).var(ddof=1) / negative.size
    found = estimate_auc(target, score)
    middle = np.log(found.value / (1 - found.value))
    reach = Z * np.sqrt(variance) / (found.value * (1 - found.value))
    assert np.log(found.high / (1 - found.high)) - middle == pytest.approx(reach)
    assert middle - np.log(found.low / (1 - found.low)) == pytest.approx(reach)


def test_the_interval_is_about_that_of_the_bootstrap() -> None:
    target, score = _draw(5, rows=2_000, digits=6)
    found = estimate_auc(target, score)
    assert (found.low, found.high) == pytest.approx(auc_interval(target, score, seed=1, resamples=2_000), abs=0.003)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    shift, truth = 1.2, 0.8019  # the normal distribution function at shift / sqrt(2)
    draw = np.random.default_rng(11)
    covered = 0
    for _ in range(1_000):
        target = (draw.random(300) < 0.2).astype(np.int8)
        found = estimate_auc(target, target * shift + draw.normal(size=300))
        covered += found.low <= truth <= found.high
    assert 930 <= covered <= 970


def test_no_mistake_is_no_certainty() -> None:
    target = np.repeat([0, 1], [500, 10])
    found = estimate_auc(target, target.astype(np.float64))
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.025 ** (1 / 10))
    assert estimate_auc(target, -target.astype(np.float64)).high == pytest.approx(1 - 0.025 ** (1 / 10))


def test_a_class_with_one_row_is_refused() -> None:
    with pytest.raises(ValueError, match="1 positive and 3 negative rows"):
        estimate_auc(np.array([0, 0, 0, 1]), np.arange(4.0))

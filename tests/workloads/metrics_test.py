"""Our metrics against scikit-learn and scipy, on any rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score, roc_curve
from springtide_workloads.evaluation import metrics
from springtide_workloads.evaluation.intervals import auc_interval


@st.composite
def predictions(draw):
    """Target with both classes, scores with ties, weights or none."""
    rows = draw(st.integers(2, 200))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    target = (random.random(rows) < draw(st.floats(0.05, 0.95))).astype(np.int8)
    target[:2] = 0, 1
    score = random.random(rows)
    if draw(st.booleans()):
        score = score.round(draw(st.integers(0, 2)))
    weight = random.uniform(0.1, 5, rows) if draw(st.booleans()) else None
    return target, score, weight


@given(predictions())
def test_auc_is_that_of_scikit_learn(rows):
    target, score, weight = rows
    assert metrics.auc(target, score, weight) == pytest.approx(roc_auc_score(target, score, sample_weight=weight))


@given(predictions())
def test_log_loss_is_that_of_scikit_learn(rows):
    target, score, weight = rows
    assert metrics.log_loss(target, score, weight) == pytest.approx(log_loss(target, score, sample_weight=weight))


@given(predictions())
def test_brier_score_is_that_of_scikit_learn(rows):
    target, score, weight = rows
    assert metrics.brier(target, score, weight) == pytest.approx(brier_score_loss(target, score, sample_weight=weight))


@given(predictions())
def test_ks_without_weights_is_that_of_scipy_and_with_weights_that_of_the_roc_curve(rows):
    target, score, weight = rows
    assert metrics.ks(target, score) == pytest.approx(ks_2samp(score[target == 1], score[target == 0]).statistic)
    false_rate, true_rate, _ = roc_curve(target, score, sample_weight=weight, drop_intermediate=False)
    assert metrics.ks(target, score, weight) == pytest.approx(np.abs(true_rate - false_rate).max())


@given(predictions())
def test_calibration_error_is_what_its_definition_says(rows):
    target, score, weight = rows
    weight = np.ones(target.size) if weight is None else weight
    expected = 0.0
    for number in range(15):
        here = np.minimum(np.floor(score * 15), 14) == number
        if here.any():
            gap = np.average(score[here], weights=weight[here]) - np.average(target[here], weights=weight[here])
            expected += weight[here].sum() / weight.sum() * abs(gap)
    assert metrics.ece(target, score, weight) == pytest.approx(expected)


@given(predictions())
def test_a_row_of_weight_two_counts_as_two_rows(rows):
    target, score, _ = rows
    weight = 1.0 + (np.arange(target.size) % 3)
    repeat = weight.astype(int)
    repeated = metrics.all_metrics(np.repeat(target, repeat), np.repeat(score, repeat))
    assert metrics.all_metrics(target, score, weight) == pytest.approx(repeated)


@given(predictions())
def test_the_roc_curve_is_that_of_scikit_learn(rows):
    target, score, weight = rows
    false_rate, true_rate = metrics.roc(target, score, weight)
    theirs = roc_curve(target, score, sample_weight=weight, drop_intermediate=False)
    assert false_rate == pytest.approx(theirs[0])
    assert true_rate == pytest.approx(theirs[1])


@pytest.mark.parametrize(
    ("target", "score", "reason"),
    [
        ([], [], "no rows"),
        ([1, 1], [0.1, 0.2], "only one class"),
        ([0, 1], [np.nan, 0.2], "not finite"),
    ],
)
def test_what_cannot_be_measured_is_refused_by_name_and_is_never_nan(target, score, reason):
    with pytest.raises(ValueError, match=reason):
        metrics.auc(np.array(target, dtype=np.int8), np.array(score, dtype=np.float64))


@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_the_interval_of_the_auc_is_that_of_a_bootstrap_over_rows(seed, weighted):
    random = np.random.default_rng(seed)
    target = (random.random(400) < 0.3).astype(np.int8)
    score = 1 / (1 + np.exp(-(target + random.standard_normal(400))))
    weight = random.uniform(0.5, 2, 400) if weighted else None
    resampled = []
    for _ in range(600):
        rows = random.integers(0, 400, 400)
        resampled.append(metrics.auc(target[rows], score[rows], None if weight is None else weight[rows]))
    low, high = np.quantile(resampled, [0.025, 0.975])
    interval = auc_interval(target, score, weight, seed=1, resamples=2000)
    assert interval == pytest.approx((low, high), abs=0.02)


def test_the_interval_of_many_rows_is_as_wide_as_theory_says():
    """Hanley and McNeil (1982), which is exact enough for 200,000 rows."""
    random = np.random.default_rng(3)
    target = (random.random(200_000) < 0.2).astype(np.int8)
    score = 1 / (1 + np.exp(-(target + random.standard_normal(target.size))))
    area, positives = metrics.auc(target, score), int(target.sum())
    negatives = target.size - positives
    first, second = area / (2 - area), 2 * area**2 / (1 + area)
    variance = (area * (1 - area) + (positives - 1) * (first - area**2) + (negatives - 1) * (second - area**2)) / (
        positives * negatives
    )
    low, high = auc_interval(target, score, seed=1)
    assert (high - low) / 2 == pytest.approx(1.96 * variance**0.5, rel=0.15)
    assert low < area < high


def test_equal_seeds_give_equal_intervals():
    random = np.random.default_rng(5)
    target, score = (random.random(300) < 0.5).astype(np.int8), random.random(300)
    assert auc_interval(target, score, seed=4) == auc_interval(target, score, seed=4)

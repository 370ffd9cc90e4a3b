"""An interval holds the truth as often as it says, and is the same for equal seeds on any number of threads."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from springtide_workloads.evaluation import bootstrap, metrics
from springtide_workloads.evaluation.bootstrap import interval_of, interval_of_gain, resample, resamples_for
from springtide_workloads.evaluation.samples import MORE_IS_BETTER, NOISE
from springtide_workloads.evaluation.statistics import statistic

from tests.workloads.evaluation.builders import world

TRIALS, ROWS = 60, 500
LEAST = 50
"""Of 60 intervals that hold the truth with 95 %, fewer than 50 do once in 3,000 times (binomial)."""


def statistics(metric, rows, names):
    everything = np.arange(rows["target"].size)
    ones = np.ones(everything.size)
    return [statistic(metric, target=rows["target"], score=rows[name], weight=ones, rows=everything) for name in names]


@pytest.mark.parametrize("metric", ["AUC", "KS", "LogLoss", "Brier", "ECE"])
def test_intervals_hold_the_truth(metric):
    everybody = world(200_000, seed=99)
    truth = [one.on(np.ones(200_000)) for one in statistics(metric, everybody, ("good", "poor"))]
    sign = 1 if metric in MORE_IS_BETTER else -1
    held = np.zeros(2)
    for trial in range(TRIALS):
        rows = world(ROWS, seed=trial)
        found = resample(statistics(metric, rows, ("good", "poor")), weight=np.ones(ROWS), resamples=200, seed=trial)
        noise = NOISE.get(metric, "None")
        low, high = interval_of(found[0], confidence=0.95, noise=noise)
        held[0] += low <= truth[0] <= high
        low, high = interval_of_gain(*found, confidence=0.95, sign=sign, noise=noise)
        held[1] += low <= sign * (truth[0] - truth[1]) <= high
    assert held.min() >= LEAST, held


def test_the_interval_of_a_mean_is_as_wide_as_theory_says():
    rows = world(20_000)
    found = resample(statistics("Brier", rows, ("best",)), weight=np.ones(20_000), resamples=1_000, seed=1)
    low, high = interval_of(found[0], confidence=0.95, noise="None")
    deviation = np.std((rows["best"] - rows["target"]) ** 2) / np.sqrt(20_000)
    assert (high - low) / 2 == pytest.approx(1.96 * deviation, rel=0.1)


def test_pairs_of_rows_are_resampled_together():
    """The AUCs of two models that rank alike vary together: their difference is far surer than each of them."""
    rows = world()
    ours, theirs = resample(statistics("AUC", rows, ("best", "good")), weight=np.ones(4_000), resamples=400, seed=1)
    low, high = interval_of_gain(ours, theirs, confidence=0.95, sign=1, noise="None")
    alone = interval_of(ours, confidence=0.95, noise="None")
    assert high - low < (alone[1] - alone[0]) / 3


def test_a_weight_of_two_is_a_row_of_weight_two_in_every_resample():
    rows = world()
    weight = 1.0 + np.arange(4_000) % 2
    found = resample(statistics("AUC", rows, ("best",)), weight=weight, resamples=50, seed=1)[0]
    assert found.point == pytest.approx(metrics.auc(rows["target"], rows["best"], weight))
    assert found.values.mean() == pytest.approx(found.point, abs=0.01)


@pytest.mark.parametrize("threads", [1, 3])
def test_equal_seeds_give_equal_resamples_on_any_number_of_threads(threads, monkeypatch):
    rows = world()
    expected = resample(statistics("KS", rows, ("best",)), weight=np.ones(4_000), resamples=60, seed=5)[0].values
    monkeypatch.setattr(bootstrap, "BLOCK", 8_000)
    monkeypatch.setattr(bootstrap, "ThreadPoolExecutor", lambda _: ThreadPoolExecutor(threads))
    again = resample(statistics("KS", rows, ("best",)), weight=np.ones(4_000), resamples=60, seed=5)[0].values
    assert (again == expected).all()


def test_surer_intervals_take_more_resamples_and_no_end_of_them():
    assert [resamples_for(confidence) for confidence in (0.5, 0.95, 0.99, 0.999)] == [400, 400, 2_000, 4_000]


def test_an_interval_that_too_few_resamples_know_is_none():
    found = bootstrap.Resampled(0.5, np.array([0.5, np.nan, 0.4, np.nan]), np.zeros(4))
    assert interval_of(found, confidence=0.95, noise="None") is None

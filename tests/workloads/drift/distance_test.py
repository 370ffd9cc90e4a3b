"""Distances and significance against known answers, scipy and simulation."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import false_discovery_control, ks_2samp
from springtide_workloads.drift.bins import CategoryBins, NumberBins
from springtide_workloads.drift.counting import count_numbers
from springtide_workloads.drift.distance import (
    comparable,
    jensen_shannon_distance,
    kolmogorov_smirnov,
    population_stability_index,
)
from springtide_workloads.drift.freezing import freeze_numbers
from springtide_workloads.drift.significance import discoveries, psi_p_value, rise_p_value

COUNTS = st.lists(st.integers(0, 1000), min_size=2, max_size=12).map(lambda counts: np.array(counts, dtype=np.int64))


def psi_of(reference: np.ndarray, window: np.ndarray) -> float:
    bins = freeze_numbers(reference)
    return population_stability_index(
        *comparable(count_numbers(reference, bins=bins), count_numbers(window, bins=bins), bins=bins)
    )


def test_psi_of_a_known_example():
    """Two bins, 50:50 against 60:40: 0.1 ln 1.2 - 0.1 ln 0.8."""
    psi = population_stability_index(np.array([50, 50]), np.array([600, 400]))
    assert psi == pytest.approx(0.1 * math.log(1.2) - 0.1 * math.log(0.8), abs=1e-15)


@given(COUNTS, st.integers(1, 50))
def test_equal_shares_have_distance_nothing(counts, times):
    assume(counts.sum())
    assert population_stability_index(counts, counts) == 0
    assert jensen_shannon_distance(counts, counts) == 0
    if (counts > 0).all():
        assert population_stability_index(counts, counts * times) == pytest.approx(0, abs=1e-12)


@given(COUNTS, st.data())
def test_distances_are_symmetric_finite_and_not_negative(reference, data):
    window = np.array(data.draw(st.lists(st.integers(0, 1000), min_size=reference.size, max_size=reference.size)))
    assume(reference.sum())
    assume(window.sum())
    psi = population_stability_index(reference, window)
    assert 0 <= psi < math.inf
    assert psi == pytest.approx(population_stability_index(window, reference))
    js = jensen_shannon_distance(reference, window)
    assert js == pytest.approx(jensenshannon(reference, window, base=2), abs=1e-7)


def test_no_rows_have_no_distance():
    none, some = np.zeros(14, dtype=np.int64), np.ones(14, dtype=np.int64)
    for distance in (population_stability_index, jensen_shannon_distance, kolmogorov_smirnov):
        assert math.isnan(distance(none, some))
        assert math.isnan(distance(some, none))


def test_an_outlier_hardly_changes_the_psi_of_its_drifted_column():
    draw = np.random.default_rng(1)
    reference, window = draw.standard_normal(10_000), draw.standard_normal(10_000) + 1
    before = psi_of(reference, window)
    window[17] = 1e9
    assert before > 0.5
    assert abs(psi_of(reference, window) - before) < 0.01 * before


def test_values_beyond_the_range_are_drift_of_the_outer_bins():
    reference, bins = np.arange(1000.0), freeze_numbers(np.arange(1000.0))
    r, w = comparable(count_numbers(reference, bins=bins), count_numbers(reference + 1e6, bins=bins), bins=bins)
    assert (r.size, w.tolist()) == (10, [0] * 9 + [1000])


def test_rare_categories_are_compared_together_and_unseen_ones_apart():
    bins = CategoryBins(categories=tuple("ABCDEF"))
    reference, window = np.array([0, 0, 500, 490, 4, 3, 2, 1]), np.array([0, 7, 500, 480, 0, 9, 2, 2])
    r, w = comparable(reference, window, bins=bins)
    assert (r.tolist(), w.tolist()) == ([0, 10, 500, 490], [7, 13, 500, 480])


def test_ks_is_that_of_the_values_but_for_what_happens_within_a_bin():
    draw = np.random.default_rng(2)
    reference, window = draw.standard_normal(20_000), draw.standard_normal(5_000) * 1.3 + 0.4
    bins = freeze_numbers(reference)
    assert isinstance(bins, NumberBins)
    found = kolmogorov_smirnov(count_numbers(reference, bins=bins), count_numbers(window, bins=bins))
    exact = ks_2samp(reference, window).statistic
    assert exact - 0.05 < found <= exact + 1e-12


@pytest.mark.parametrize(("n", "m"), [(20_000, 5_000), (100_000, 1_000)])
def test_without_drift_p_values_are_evenly_spread(n, m):
    draw = np.random.default_rng(4)
    p_values = []
    for _ in range(400):
        reference, window = draw.multinomial(n, [0.1] * 10), draw.multinomial(m, [0.1] * 10)
        psi = population_stability_index(reference, window)
        p_values.append(psi_p_value(psi, bins=10, reference_rows=n, window_rows=m))
    found = np.array(p_values)
    assert np.mean(found < 0.05) == pytest.approx(0.05, abs=0.03)
    assert np.mean(found) == pytest.approx(0.5, abs=0.05)


def test_what_cannot_be_tested_has_no_p_value():
    assert math.isnan(psi_p_value(0.1, bins=1, reference_rows=10, window_rows=10))
    assert math.isnan(psi_p_value(0.1, bins=10, reference_rows=0, window_rows=10))
    assert math.isnan(rise_p_value(0, 0, 1, 1))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_discoveries_are_those_of_scipy(p_values):
    found = discoveries(np.array(p_values), false_discovery_rate=0.05)
    adjusted = false_discovery_control(p_values, method="bh")
    clear = np.abs(adjusted - 0.05) > 1e-12
    assert (found == (adjusted <= 0.05))[clear].all()


def test_what_was_no_test_neither_counts_nor_alarms():
    nan = math.nan
    assert discoveries(np.array([nan, 0.009, nan, nan]), false_discovery_rate=0.01).tolist() == [0, 1, 0, 0]
    assert not discoveries(np.array([nan]), false_discovery_rate=0.01).any()

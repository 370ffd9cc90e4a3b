"""Verdicts: drift, faults of the data, and what nothing can be said of, each by name."""

import numpy as np
import pyarrow as pa
import pytest
from springtide.api.drift_monitor import Rules
from springtide_workloads.drift.bins import CategoryBins, ColumnCounts, NumberBins
from springtide_workloads.drift.counting import count_column
from springtide_workloads.drift.freezing import freeze_numbers
from springtide_workloads.drift.verdict import ColumnDrift, Reference, Unusable, judge, judge_volume, overall

ROWS = 5_000
DRAW = np.random.default_rng(5)
INCOME = DRAW.lognormal(10, 0.5, 20_000)
GRADES = DRAW.choice(["A", "B", "C"], 20_000, p=[0.5, 0.3, 0.2])


def column(name: str, values: object, bins: NumberBins | CategoryBins) -> ColumnCounts:
    return ColumnCounts(name=name, bins=bins, counts=tuple(count_column(pa.array(values), bins=bins, column=name)))


INCOME_REFERENCE = column("income", INCOME, freeze_numbers(INCOME))
GRADE_REFERENCE = column("grade", GRADES, CategoryBins(categories=("A", "B", "C")))


def verdict(values: object, *, reference: ColumnCounts = INCOME_REFERENCE) -> ColumnDrift:
    counts = count_column(pa.array(values), bins=reference.bins, column=reference.name)
    (drift,) = judge([Reference(reference)], [counts], rules=Rules())
    return drift


def some(rows: int = ROWS, *, seed: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).lognormal(10, 0.5, rows)


def test_a_window_of_the_same_population_is_stable():
    drift = verdict(some())
    assert (drift.verdict, drift.reason) == ("Stable", "Stable")
    assert drift.psi < 0.02


def test_a_shift_that_matters_and_cannot_be_chance_is_drift():
    drift = verdict(some() * 1.4)
    assert drift.verdict == "Drifted"
    assert "column income: PSI" in drift.message
    assert drift.ks > 0.2
    assert drift.jensen_shannon > 0.1


def test_a_significant_shift_that_does_not_matter_is_none():
    drift = verdict(some(200_000) * 1.06)
    assert drift.p_value < 1e-6
    assert drift.verdict == "Stable"


def test_other_shares_of_the_known_categories_are_drift():
    drift = verdict(DRAW.choice(["A", "B", "C"], ROWS, p=[0.2, 0.3, 0.5]), reference=GRADE_REFERENCE)
    assert drift.verdict == "Drifted"
    assert drift.ks is None, "categories have no order"


@pytest.mark.parametrize(
    ("values", "reason", "words"),
    [
        (np.where(np.arange(ROWS) % 3 == 0, np.nan, some()), "NullSpike", "missing"),
        (np.full(ROWS, np.nan), "NullSpike", "100.0% missing"),
        (np.where(np.arange(ROWS) % 3 == 0, np.inf, some()), "SpecialSpike", "infinite"),
        (some() * 100, "RangeBreak", "another unit"),
        (some() / 1000, "RangeBreak", "another unit"),
    ],
)
def test_a_fault_of_the_data_is_named_and_is_no_drift(values, reason, words):
    drift = verdict(values)
    assert (drift.verdict, drift.reason) == ("DataBroken", reason)
    assert words in drift.message


def test_categories_that_were_never_seen_are_a_fault():
    drift = verdict(["A"] * 4_000 + ["Z"] * 1_000, reference=GRADE_REFERENCE)
    assert (drift.verdict, drift.reason, drift.unseen) == ("DataBroken", "UnseenCategories", 0.2)


def test_a_column_that_is_gone_or_of_another_type_is_a_fault():
    (drift,) = judge([Reference(INCOME_REFERENCE)], [Unusable("is text in a.parquet")], rules=Rules())
    assert (drift.verdict, drift.reason) == ("DataBroken", "TypeChanged")


@pytest.mark.parametrize("rows", [0, 3, 99])
def test_a_few_rows_say_nothing_however_they_look(rows):
    drift = verdict(np.full(rows, np.nan))
    assert (drift.verdict, drift.reason, drift.rows) == ("Inconclusive", "TooFewRows", rows)


def test_a_column_that_never_varied_says_nothing():
    constant = column("flag", np.ones(1_000), freeze_numbers(np.ones(1_000)))
    assert verdict(np.ones(ROWS), reference=constant).reason == "ConstantColumn"
    assert verdict(np.ones(ROWS) * 7, reference=constant).reason == "RangeBreak"


def test_a_column_that_was_always_missing_says_nothing_until_it_is_filled():
    empty = column("note", np.full(1_000, np.nan), freeze_numbers(np.full(1_000, np.nan)))
    assert verdict(np.full(ROWS, np.nan), reference=empty).reason == "ConstantColumn"
    assert verdict(np.ones(ROWS), reference=empty).reason == "RangeBreak"


def test_a_fault_in_one_column_comes_before_drift_in_another():
    broken, drifted, stable = verdict(some() * 100), verdict(some() * 1.4), verdict(some())
    assert overall([stable, drifted, broken]) == "DataBroken"
    assert overall([stable, drifted]) == "Drifted"
    assert overall([stable]) == "Stable"
    assert overall([]) == "Inconclusive"


def test_far_fewer_or_more_rows_than_usual_are_a_fault():
    usual = [900, 1_000, 1_100]
    assert judge_volume(50, usual=usual, rules=Rules())[0] == "DataBroken"
    assert judge_volume(0, usual=usual, rules=Rules())[0] == "DataBroken"
    assert judge_volume(20_000, usual=usual, rules=Rules())[0] == "DataBroken"
    assert judge_volume(700, usual=usual, rules=Rules())[0] == "Stable"
    assert judge_volume(700, usual=[], rules=Rules())[0] == "Inconclusive"


def test_the_more_columns_are_tested_the_more_one_of_them_must_show():
    """At 400 rows a PSI of 0.2 is rare by chance, but not among thousands of columns."""
    rules = Rules(psi=0.001)
    window = count_column(pa.array(some(400, seed=9) * 1.12), bins=INCOME_REFERENCE.bins, column="income")
    quiet = count_column(pa.array(some(400, seed=8)), bins=INCOME_REFERENCE.bins, column="income")
    alone = judge([Reference(INCOME_REFERENCE)], [window], rules=rules)[0]
    among = judge([Reference(INCOME_REFERENCE)] * 1_800, [window, *[quiet] * 1_799], rules=rules)[0]
    assert alone.p_value == among.p_value
    assert 0.01 / 1_800 < alone.p_value < 0.01
    assert (alone.verdict, among.verdict) == ("Drifted", "Stable")


def test_a_fault_that_chance_makes_in_one_of_many_columns_is_none():
    """112 rows, half of them missing as ever: of 2,000 such columns some have a tenth more missing ones, by chance."""
    half = np.where(np.arange(20_000) % 2 == 0, np.nan, INCOME)
    reference = Reference(column("income", half, freeze_numbers(half)))
    draw = np.random.default_rng(10)
    missing = draw.binomial(112, 0.5, 2_000)
    windows = []
    for count in missing.tolist():
        values = np.concatenate([np.full(count, np.nan), INCOME[: 112 - count]])
        windows.append(count_column(pa.array(values), bins=reference.column.bins, column="income"))
    alone = [judge([reference], [window], rules=Rules())[0].reason for window in windows]
    together = [drift.reason for drift in judge([reference] * 2_000, windows, rules=Rules())]
    assert alone.count("NullSpike") > 2
    assert together.count("NullSpike") <= 1

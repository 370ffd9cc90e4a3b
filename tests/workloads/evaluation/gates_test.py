"""A gate passes or fails for certain, or says what was missing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from springtide_workloads.evaluation import metrics
from springtide_workloads.evaluation.gates import Judged, judge, overall
from springtide_workloads.evaluation.impact import groups_of, impact_ratio, threshold
from springtide_workloads.evaluation.slices import SliceColumn
from springtide_workloads.evaluation.statistics import statistic

from tests.workloads.evaluation.builders import a_gate, measures_of, scored, world

EVERY = ("AUC", "KS", "LogLoss", "Brier", "ECE")
NAMES = {"AUC": "auc", "KS": "ks", "LogLoss": "logLoss", "Brier": "brier", "ECE": "ece"}


def judged(gate, rows) -> Judged:
    return judge(gate, measures=measures_of(rows), has_champion=rows.champion is not None)


@pytest.mark.parametrize("metric", ["AUC", "KS", "LogLoss", "Brier"])
def test_a_challenger_that_learned_nothing_fails(metric):
    for asked in ({"min_delta": 0.0}, {"max_regression": 0.01}):
        assert judged(a_gate(metric, **asked), scored("shuffled", "best")).outcome == "Failed"


@pytest.mark.parametrize("metric", ["AUC", "KS", "LogLoss", "Brier"])
def test_a_better_challenger_passes(metric):
    for asked in ({"min_delta": 0.005}, {"max_regression": 0.0}):
        assert judged(a_gate(metric, **asked), scored("best", "poor")).outcome == "Passed"


@pytest.mark.parametrize("metric", EVERY)
def test_a_model_that_is_as_good_is_not_proven_better_and_is_proven_not_worse(metric):
    same = scored("best", "best")
    assert judged(a_gate(metric, min_delta=0.0), same).outcome == "Inconclusive"
    assert judged(a_gate(metric, max_regression=0.02), same).outcome == "Passed"
    nearly = scored("good", "best")
    assert judged(a_gate(metric, min_delta=0.0), nearly).outcome != "Passed"


@pytest.mark.parametrize("metric", EVERY)
def test_a_gain_is_positive_where_the_challenger_is_better_whichever_way_the_metric_goes(metric):
    found = judged(a_gate(metric, max_regression=0.5), scored("best", "poor")).worst
    assert found.low <= (found.low + found.high) / 2
    assert found.high > 0
    assert (found.value > found.champion) == (metric in {"AUC", "KS"})


def test_a_loss_that_is_too_high_fails_a_gate_with_max_and_a_low_one_passes():
    assert judged(a_gate("LogLoss", max=0.1), scored("best")).outcome == "Failed"
    assert judged(a_gate("LogLoss", max=0.9), scored("best")).outcome == "Passed"


def test_a_bound_within_the_interval_is_inconclusive():
    value = metrics.auc(world()["target"], world()["best"])
    found = judged(a_gate(min=round(value, 4)), scored("best"))
    assert found.outcome == "Inconclusive"
    assert found.worst.low < value < found.worst.high


def test_gates_against_the_champion_pass_while_there_is_none_and_say_so():
    found = judged(a_gate(min_delta=0.1, slices=("group",)), scored("best"))
    assert found.outcome == "Passed"
    assert "no champion" in found.message


def test_the_worst_slice_decides_and_is_named():
    rows = world()
    score = np.where(rows["group"] == 1, rows["shuffled"], rows["best"])
    found = judged(a_gate(min=0.7, slices=("group",), min_support=100), scored(score))
    assert found.outcome == "Failed"
    assert found.worst.label == "group=b"
    assert [one.outcome for one in found.findings] == ["Failed", "Passed", "Passed"]
    assert "group=b, the worst of 3" in found.message


def test_slices_without_support_are_left_out_and_counted():
    found = judged(a_gate(min=0.5, slices=("group",), min_support=1_000), scored("best"))
    assert {label for label, _ in found.left_out} == {"group=c"}
    assert "1 slice left out for fewer than 1000 rows" in found.message
    nothing = judged(a_gate(min=0.5, slices=("group",), min_support=100_000), scored("best"))
    assert nothing.outcome == "Inconclusive"
    assert "no value of group has 100000 rows" in nothing.message


def test_a_column_with_too_many_values_is_no_slice():
    found = judged(a_gate(min=0.5, slices=("id",)), scored("best"))
    assert (found.outcome, found.message) == ("Inconclusive", "column id: too many values to slice by; id")


@pytest.mark.parametrize("metric", EVERY)
@pytest.mark.parametrize("asked", [{"min": 0.1}, {"max_regression": 0.1}])
def test_scores_that_are_not_numbers_are_told_and_decide_nothing(metric, asked):
    score = world()["best"].copy()
    score[:7] = np.nan
    ours, theirs = (
        judged(a_gate(metric, **asked), scored(score, "best")),
        judged(a_gate(metric, **asked), scored("best", score)),
    )
    assert ours.outcome == "Inconclusive"
    assert "the challenger answers 7 of 4000 held-out rows with NaN" in ours.message
    if "min" in asked:
        assert theirs.outcome != "Inconclusive" or "NaN" not in theirs.message
    else:
        assert "the champion answers 7 of 4000" in theirs.message


@pytest.mark.parametrize("metric", ["AUC", "KS"])
def test_one_class_decides_nothing(metric):
    rows = scored("best", target=np.zeros(4_000, dtype=np.int8))
    found = judged(a_gate(metric, min=0.1), rows)
    assert found.outcome == "Inconclusive"
    assert "0 positive and 4000 negative rows" in found.message


@pytest.mark.parametrize("rows", [0, 1, 12])
@pytest.mark.parametrize("metric", [*EVERY, "AdverseImpactRatio"])
def test_too_few_rows_decide_nothing(rows, metric):
    few = np.arange(4_000)[:rows]
    tiny = scored(world()["best"][few], target=world()["target"][few], weight=np.ones(rows))
    tiny = type(tiny)(tiny.target, tiny.weight, tiny.challenger, None, {"group": None})
    slices = ("group",) if metric == "AdverseImpactRatio" else ()
    found = judged(a_gate(metric, min=0.1, slices=slices), tiny)
    assert found.outcome == "Inconclusive"
    assert found.message


def test_a_fair_challenger_passes_the_four_fifths_rule_and_an_unfair_one_fails():
    fair = judged(a_gate("AdverseImpactRatio", min=0.6, slices=("group",), min_support=100), scored("best"))
    assert fair.outcome == "Passed", fair.message
    rows = world()
    unfair = np.where(rows["group"] == 1, rows["best"] * 0.3, rows["best"])
    found = judged(a_gate("AdverseImpactRatio", min=0.8, slices=("group",), min_support=100), scored(unfair))
    assert found.outcome == "Failed", found.message
    assert found.worst.label.startswith("group: b to ")


def test_one_group_cannot_be_compared():
    found = judged(a_gate("AdverseImpactRatio", min=0.8, slices=("group",), min_support=2_000), scored("best"))
    assert found.outcome == "Inconclusive"
    assert "only a has 2000 rows" in found.message


def test_as_many_rows_are_decided_positive_as_are_positive():
    rows = world()
    limit = threshold(rows["target"], rows["poor"], np.ones(4_000))
    assert (rows["poor"] >= limit).sum() == rows["target"].sum()


@given(st.integers(0, 2**32 - 1), st.booleans(), st.booleans())
def test_the_statistics_of_gates_are_the_metrics(seed, weighted, with_ties):
    draw = np.random.default_rng(seed)
    rows = int(draw.integers(4, 300))
    target, score = (draw.random(rows) < 0.4).astype(np.int8), draw.random(rows)
    target[:2] = 0, 1
    score = score.round(1) if with_ties else score
    weight = draw.uniform(0.1, 5, rows) if weighted else np.ones(rows)
    part = np.unique(np.concatenate([[0, 1], draw.integers(0, rows, rows)]))
    for metric in EVERY:
        ours = statistic(metric, target=target, score=score, weight=weight, rows=part).on(weight)
        assert ours == pytest.approx(metrics.METRICS[NAMES[metric]](target[part], score[part], weight[part]))


@given(st.integers(0, 2**32 - 1))
def test_the_impact_ratio_is_what_its_definition_says(seed):
    draw = np.random.default_rng(seed)
    score, weight, codes = draw.random(200), draw.uniform(0.5, 2, 200), draw.integers(0, 3, 200).astype(np.int32)
    groups = groups_of(SliceColumn("g", codes, ("a", "b", "c")), places=np.arange(3))
    shares = [np.average(score[codes == code] >= 0.5, weights=weight[codes == code]) for code in range(3)]
    ratio = impact_ratio(score, threshold=0.5, groups=groups, weight=weight).on(weight)
    assert ratio == pytest.approx(min(shares) / max(shares))


@settings(max_examples=30)
@given(st.sampled_from(["best", "good", "poor", "shuffled"]), st.floats(0, 1), st.sampled_from(EVERY))
def test_a_gate_with_a_laxer_bound_is_never_worse(name, bound, metric):
    measures = measures_of(scored(name))
    strict = judge(a_gate(metric, min=bound), measures=measures, has_champion=False)
    lax = judge(a_gate(metric, min=bound * 0.9), measures=measures, has_champion=False)
    assert not (strict.outcome == "Passed" and lax.outcome != "Passed")
    assert not (strict.outcome != "Failed" and lax.outcome == "Failed")


def test_one_failed_gate_fails_and_one_undecided_gate_decides_nothing():
    passed, failed = judged(a_gate(min=0.5), scored("best")), judged(a_gate(min=0.99), scored("best"))
    undecided = judged(a_gate(min=0.5, slices=("id",)), scored("best"))
    assert overall((passed,)) == "Passed"
    assert overall((passed, undecided)) == "Inconclusive"
    assert overall((undecided, failed, passed)) == "Failed"

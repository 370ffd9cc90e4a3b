"""A candidate passes only if enough was seen and every check holds; what cannot be measured never passes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from springtide.api.model_service import Check
from springtide_workloads.serving.judgement import judge_counts, sentence
from springtide_workloads.serving.measures import (
    BOUNDS,
    OUTCOMES,
    REQUESTS,
    SCORE_BINS,
    SCORES,
    SECONDS,
    Counted,
    counted,
    deciles,
    quantile,
)

ERRORS = Check(name="errors", metric="ErrorRate", max=0.01)
LATENCY = Check(name="latency", metric="P99Milliseconds", max=50)
DRIFT = Check(name="scores", metric="ScorePsi", max=0.1)


def seen(*, ok: int = 0, failed: int = 0, wrong: int = 0, seconds: float = 0.01, score: float | None = None) -> Counted:
    """What servers counted that answered all alike."""
    found = Counted(outcomes=np.array([ok, wrong, failed], dtype=np.int64))
    found.times[int(np.searchsorted(BOUNDS, seconds))] = ok + failed
    if score is not None:
        spread = np.random.default_rng(7).normal(score, 0.1, ok).clip(0, 0.999)
        found.scores[:] = np.bincount((spread * SCORE_BINS).astype(int), minlength=SCORE_BINS)
    return found


def judged(candidate: Counted, *checks: Check, stable: Counted | None = None):
    return judge_counts(candidate, stable or seen(ok=1000), checks=checks, min_samples=100)


def test_a_candidate_without_a_fault_passes():
    judgement = judged(seen(ok=500), ERRORS, LATENCY)
    assert (judgement.outcome, judgement.requests, judgement.weight) == ("Passed", 500, 33)


def test_too_many_errors_fail():
    judgement = judged(seen(ok=480, failed=20), ERRORS)
    assert judgement.outcome == "Failed"
    assert sentence(judgement, min_samples=100) == "errors: share of failed requests 0.04, at most 0.01"


def test_requests_that_were_wrong_are_not_held_against_it():
    assert judged(seen(ok=500, wrong=500), ERRORS).outcome == "Passed"


def test_a_slow_candidate_fails():
    assert judged(seen(ok=500, seconds=0.2), LATENCY).outcome == "Failed"
    assert judged(seen(ok=500, seconds=60), LATENCY).outcome == "Failed"


@pytest.mark.parametrize(("score", "outcome"), [(0.5, "Passed"), (0.7, "Failed")])
def test_scores_that_lie_elsewhere_fail(score: float, outcome: str):
    judgement = judged(seen(ok=2000, score=score), DRIFT, stable=seen(ok=4000, score=0.5))
    assert judgement.outcome == outcome


def test_scores_that_differ_by_chance_are_inconclusive():
    few = Check(name="scores", metric="ScorePsi", max=0.01)
    judgement = judged(seen(ok=120, score=0.5), few, stable=seen(ok=100, score=0.51))
    assert judgement.outcome == "Inconclusive"
    assert "by chance" in judgement.checks[0].message


def test_many_rows_of_few_requests_are_few_draws():
    stable, candidate = seen(ok=120, score=0.52), seen(ok=120, score=0.5)
    assert judged(candidate, DRIFT, stable=stable).outcome == "Inconclusive"
    stable.scores[:] *= 256
    candidate.scores[:] *= 256
    judgement = judged(candidate, DRIFT, stable=stable)
    assert judgement.outcome == "Inconclusive"
    assert "by chance" in judgement.checks[0].message


def test_scores_are_held_against_as_many_requests_to_the_stable_version():
    judgement = judged(seen(ok=500, score=0.5), DRIFT, stable=seen(ok=99, score=0.7))
    assert judgement.outcome == "Inconclusive"
    assert judgement.checks[0].message == "scores: 99 requests to the stable version, 100 are needed"


def test_scores_that_nobody_counted_are_inconclusive():
    assert judged(seen(ok=500), DRIFT).outcome == "Inconclusive"


def test_too_few_requests_say_nothing():
    judgement = judged(seen(ok=50, failed=49), ERRORS)
    assert judgement.outcome == "Inconclusive"
    assert sentence(judgement, min_samples=100) == "99 requests reached the candidate, 100 are needed"


def test_one_failed_check_outweighs_all_others():
    assert judged(seen(ok=480, failed=20), LATENCY, ERRORS, DRIFT).outcome == "Failed"


def test_what_a_server_shows_is_what_is_read():
    registry = CollectorRegistry()
    requests = Counter(REQUESTS, "Requests.", ["outcome"], registry=registry)
    seconds = Histogram(SECONDS, "Seconds.", buckets=BOUNDS, registry=registry)
    scores = Counter(SCORES, "Scores.", ["bin"], registry=registry)
    for outcome, count in zip(OUTCOMES, (5, 2, 1), strict=True):
        requests.labels(outcome).inc(count)
    for value in (0.0001, 0.003, 0.003, 99.0):
        seconds.observe(value)
    scores.labels("7").inc(3)
    families = text_string_to_metric_families(generate_latest(registry).decode())
    found = counted((item.name, item.labels, item.value) for family in families for item in family.samples)
    assert found.outcomes.tolist() == [5, 2, 1]
    assert found.times.sum() == 4
    assert (found.times[0], found.times[-1]) == (1, 1)
    assert found.scores[7] == 3


@given(st.lists(st.integers(0, 1000), min_size=len(BOUNDS), max_size=len(BOUNDS)), st.floats(0.01, 1))
def test_so_many_requests_are_as_fast_as_a_quantile_says(times: list[int], share: float):
    counts = np.array([*times, 0], dtype=np.int64)
    found = quantile(counts, share)
    if not counts.sum():
        assert np.isnan(found)
    else:
        assert counts[: BOUNDS.index(found) + 1].sum() >= share * counts.sum()


@given(st.lists(st.integers(0, 50), min_size=SCORE_BINS, max_size=SCORE_BINS))
def test_groups_of_scores_lose_nobody(scores: list[int]):
    counts = np.array(scores, dtype=np.int64)
    reference, window = deciles(counts, counts[::-1].copy())
    assert reference.sum() == window.sum() == counts.sum()
    assert reference.size <= 10


def test_a_server_that_was_started_anew_counts_from_nothing():
    assert seen(ok=5).since(seen(ok=100)).requests == 5
    assert seen(ok=105).since(seen(ok=100)).requests == 5

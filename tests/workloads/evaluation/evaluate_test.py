"""A challenger is judged on the rows that it did not see, and the judgement can be verified by anybody."""

import json

import pytest
from springtide.api.constants import Reason

from tests.workloads.builders import a_table, write
from tests.workloads.evaluation.builders import a_gate, a_model, an_evaluation, do, folder_of, without

GATES = (
    a_gate(name="good enough", min=0.5),
    a_gate(name="not worse", max_regression=0.05),
    a_gate("LogLoss", name="for everyone", max_regression=0.2, slices=("owner", "grade"), min_support=80),
    a_gate("AdverseImpactRatio", name="fair", min=0.05, slices=("owner",), min_support=80),
)


@pytest.fixture(scope="session")
def loans(tmp_path_factory):
    return write(a_table(4_000), tmp_path_factory.mktemp("loans"))


@pytest.fixture
def challenger(loans, place, tmp_path):
    return a_model(place, loans, tmp_path)


@pytest.fixture
def champion(loans, place, tmp_path):
    return a_model(place, loans, tmp_path, features=without("grade"))


def test_a_challenger_that_keeps_every_gate_passes(loans, challenger, champion, place, tmp_path):
    result = do(an_evaluation(place, loans, challenger, champion=champion, gates=GATES), tmp_path)
    assert (result.status, result.reason) == ("Succeeded", Reason.EVALUATED)
    assert result.verdict.outcome == "Passed", result.message
    assert [gate.name for gate in result.verdict.gates] == [gate.name for gate in GATES]
    assert result.metrics["auc"] > result.metrics["championAuc"]


def test_it_is_judged_on_the_rows_that_its_training_held_out(loans, challenger, place, tmp_path):
    result = do(an_evaluation(place, loans, challenger), tmp_path)
    trained = json.loads((folder_of(challenger.uri) / "metrics.json").read_text())["overall"]
    assert result.verdict.rows == trained["testRows"]
    same = ("auc", "logLoss", "brier", "ece", "ks", "aucLow", "aucHigh", "testPositiveRate")
    assert {name: result.metrics[name] for name in same} == pytest.approx(
        {name: trained[name] for name in same}, abs=1e-6
    )

"""A challenger is judged on the rows that it did not see, against a champion that sees the same rows."""

import json

import numpy as np
import pyarrow as pa
import pytest
from springtide.api.constants import Reason
from springtide.api.task import RESULT_BYTES
from springtide.api.training_run import Split, Target
from springtide_workloads.errors import WorkloadError

from tests.workloads.builders import a_table, write
from tests.workloads.evaluation.builders import (
    a_gate,
    a_model,
    an_evaluation,
    column_of_ids,
    copied,
    do,
    folder_of,
    without,
)

GATES = (
    a_gate(name="good enough", min=0.5),
    a_gate(name="not worse", max_regression=0.05),
    a_gate("LogLoss", name="for everyone", max_regression=0.2, slices=("owner", "grade"), min_support=80),
    a_gate("AdverseImpactRatio", name="fair", min=0.05, slices=("owner",), min_support=80),
)


def test_a_challenger_that_keeps_every_gate_passes(loans, challenger, champion, place, tmp_path):
    result = do(an_evaluation(place, loans, challenger, champion=champion, gates=GATES), tmp_path)
    assert (result.status, result.reason) == ("Succeeded", Reason.EVALUATED)
    assert result.verdict.outcome == "Passed", result.message
    assert [gate.name for gate in result.verdict.gates] == [gate.name for gate in GATES]
    assert result.metrics["auc"] > result.metrics["championAuc"]


def test_a_champion_without_a_column_that_matters_does_not_get_its_place_back(
    loans, challenger, champion, place, tmp_path
):
    gates = (a_gate(name="better", min_delta=0.005),)
    result = do(an_evaluation(place, loans, champion, champion=challenger, gates=gates), tmp_path)
    assert result.verdict.outcome == "Failed"
    assert "1 of 1 gates failed: better (AUC" in result.message


@pytest.mark.parametrize("split", [Split(), Split(type="Time", column="applied_at", test_fraction=0.3)])
@pytest.mark.parametrize("weight", [None, "weight"])
def test_it_is_judged_on_the_rows_that_its_training_held_out(split, weight, loans, place, tmp_path):
    challenger = a_model(place, loans, tmp_path, split=split, weight=weight)
    target = Target(column="defaulted", weight_column=weight)
    result = do(an_evaluation(place, loans, challenger, split=split, target=target), tmp_path)
    trained = json.loads((folder_of(challenger.uri) / "metrics.json").read_text())["overall"]
    assert result.verdict.rows == trained["testRows"]
    same = ("auc", "logLoss", "brier", "ece", "ks", "aucLow", "aucHigh", "testPositiveRate")
    theirs = {name: trained[name] for name in same}
    assert {name: result.metrics[name] for name in same} == pytest.approx(theirs, abs=1e-6)


def test_models_of_different_recipes_and_columns_are_compared(loans, challenger, place, tmp_path):
    champion = a_model(place, loans, tmp_path, recipe="mlp", features=without("income", "term"))
    result = do(an_evaluation(place, loans, challenger, champion=champion, gates=GATES), tmp_path)
    assert result.metrics["championAuc"] < result.metrics["auc"]


def test_without_a_champion_gates_against_it_pass_and_the_others_are_judged(loans, challenger, place, tmp_path):
    result = do(an_evaluation(place, loans, challenger, gates=(*GATES, a_gate(name="superb", min=0.99))), tmp_path)
    outcomes = {gate.name: gate.outcome for gate in result.verdict.gates}
    assert (outcomes["not worse"], outcomes["good enough"], outcomes["superb"]) == ("Passed", "Passed", "Failed")
    assert "championAuc" not in result.metrics


def test_a_result_fits_a_termination_message_whatever_its_names(place, tmp_path):
    table = a_table()
    long = "ü" * 64
    names = [f"{long[:60]}{number}" for number in range(4)]
    for name in names:
        words = np.array([f"{'ß' * 90}{code}" for code in range(2)])[np.arange(table.num_rows) % 2]
        table = table.append_column(name, pa.array(words))
    loans = write(table, tmp_path / "long")
    challenger = a_model(place, loans, tmp_path, features=without(*names))
    gates = tuple(
        a_gate(name=f"{long[:-1]}{number}", min=0.5, slices=tuple(names), min_support=50) for number in range(8)
    )
    result = do(an_evaluation(place, loans, challenger, champion=challenger, gates=gates), tmp_path)
    assert len(result.encode().encode()) <= RESULT_BYTES
    assert [gate.name for gate in result.verdict.gates] == [gate.name for gate in gates]
    assert result.verdict.evidence is not None


@pytest.mark.parametrize("part", ["challenger", "champion"])
def test_a_model_that_is_gone_is_told_with_its_place(part, loans, challenger, champion, place, tmp_path):
    models = {"challenger": challenger, "champion": champion}
    models[part] = models[part].model_copy(update={"uri": f"{place.store}/models/gone"})
    task = an_evaluation(place, loans, models["challenger"], champion=models["champion"])
    with pytest.raises(WorkloadError, match=f"the {part} .version .*models/gone") as raised:
        do(task, tmp_path)
    assert raised.value.reason == Reason.MODEL_NOT_FOUND


@pytest.mark.parametrize("file", ["manifest.json", "model.txt", "signature.json"])
def test_a_model_whose_bytes_were_changed_is_refused_by_name(file, loans, challenger, champion, place, tmp_path):
    champion = copied(champion, tmp_path)
    path = folder_of(champion.uri) / file
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(WorkloadError, match=f"the champion .*{file}") as raised:
        do(an_evaluation(place, loans, challenger, champion=champion), tmp_path)
    assert raised.value.reason == Reason.DIGEST_MISMATCH


def test_a_column_that_the_champion_needs_and_the_data_lacks_is_named_with_it(place, tmp_path):
    before = write(a_table(), tmp_path / "before")
    champion = a_model(place, before, tmp_path)
    after = write(a_table().drop_columns(["branch"]), tmp_path / "after")
    challenger = a_model(place, after, tmp_path)
    with pytest.raises(WorkloadError, match=r"the champion .* needs column branch") as raised:
        do(an_evaluation(place, after, challenger, champion=champion), tmp_path)
    assert raised.value.reason == Reason.COLUMN_NOT_FOUND


def test_a_column_of_another_type_than_the_champion_knows_is_named_with_it(place, tmp_path):
    champion = a_model(place, write(a_table(), tmp_path / "before"), tmp_path)
    table = a_table()
    place_of = table.schema.get_field_index("term")
    after = write(table.set_column(place_of, "term", table["term"].cast(pa.string())), tmp_path / "after")
    challenger = a_model(place, after, tmp_path)
    with pytest.raises(WorkloadError, match=r"the champion .*column term") as raised:
        do(an_evaluation(place, after, challenger, champion=champion), tmp_path)
    assert raised.value.reason == Reason.WRONG_TYPE


def test_a_slice_column_that_is_not_there_is_named_with_its_gate(loans, challenger, place, tmp_path):
    gates = (a_gate(name="fair", min=0.5, slices=("grad",)),)
    with pytest.raises(WorkloadError, match=r"gates.fair.slices.*did you mean grade") as raised:
        do(an_evaluation(place, loans, challenger, gates=gates), tmp_path)
    assert raised.value.reason == Reason.COLUMN_NOT_FOUND


def test_a_column_of_names_is_no_slice_and_costs_no_verdict_of_other_gates(place, tmp_path):
    table = a_table(52_000)
    loans = write(table.append_column("customer", column_of_ids(52_000)), tmp_path / "loans")
    challenger = a_model(place, loans, tmp_path, features=without("customer"), parameters={"numRounds": 5})
    gates = (a_gate(min=0.5, slices=("customer",)), a_gate(name="other", min=0.5))
    result = do(an_evaluation(place, loans, challenger, gates=gates), tmp_path)
    assert [gate.outcome for gate in result.verdict.gates] == ["Inconclusive", "Passed"]


def test_rows_that_the_challenger_may_have_seen_are_refused(loans, challenger, place, tmp_path):
    others = write(a_table(3_000, seed=5), tmp_path / "others")
    for task in (an_evaluation(place, others, challenger), an_evaluation(place, loans, challenger, seed=8)):
        with pytest.raises(WorkloadError, match="was trained") as raised:
            do(task, tmp_path)
        assert raised.value.reason == Reason.INVALID_SPEC


def test_a_champion_of_another_question_is_refused(loans, challenger, place, tmp_path):
    champion = a_model(place, loans, tmp_path, target="owner", features=without("defaulted"))
    with pytest.raises(WorkloadError, match=r"the champion .* tells owner = true") as raised:
        do(an_evaluation(place, loans, challenger, champion=champion), tmp_path)
    assert raised.value.reason == Reason.INVALID_SPEC


def test_evidence_outside_the_store_is_refused(loans, challenger, place, tmp_path):
    with pytest.raises(WorkloadError, match="evidenceUri") as raised:
        do(an_evaluation(place, loans, challenger, evidence_uri="file:///elsewhere"), tmp_path)
    assert raised.value.reason == Reason.INVALID_SPEC

"""Real people: who is employed, by sex and race, in a census."""

import pyarrow.parquet as pq
from springtide.api.training_run import Target

from tests.data.census import census_folder
from tests.workloads.builders import write
from tests.workloads.evaluation.builders import a_gate, a_model, an_evaluation, do, without

GATES = (
    a_gate(name="better", min_delta=0.01),
    a_gate("LogLoss", name="better for everyone", max_regression=0.0, slices=("sex", "race"), min_support=300),
    a_gate("AdverseImpactRatio", name="four fifths", min=0.8, slices=("sex",), min_support=300),
    a_gate("ECE", name="calibrated", max=0.02),
)


def test_who_knows_age_and_education_is_better_for_everyone(place, tmp_path):
    data = write(pq.read_table(census_folder() / "2015.parquet").slice(0, 20_000), tmp_path / "census")
    ids = ("person_id", "year")
    asked = {"target": "employed", "parameters": {"numRounds": 20, "learningRate": 0.1}}
    challenger = a_model(place, data, tmp_path, features=without(*ids), **asked)
    champion = a_model(place, data, tmp_path, features=without(*ids, "age", "education"), **asked)
    task = an_evaluation(place, data, challenger, champion=champion, target=Target(column="employed"), gates=GATES)
    result = do(task, tmp_path)
    outcomes = {gate.name: gate.outcome for gate in result.verdict.gates}
    assert outcomes["better"] == "Passed", result.message
    assert outcomes["better for everyone"] == "Passed", result.message
    assert outcomes["calibrated"] == "Failed", "20 trees have not learned to be sure"
    everyone = result.verdict.gates[1]
    assert everyone.slice.startswith(("race=", "sex="))
    assert "slices left out for fewer than 300 rows" in everyone.message

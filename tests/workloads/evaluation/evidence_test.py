"""What a challenger was judged by can be read, and verified by anybody without a network."""

import csv
import json
import shutil
import socket

import pytest
from springtide.api.constants import Reason
from springtide_workloads.artifacts.verifying import verify_folder
from springtide_workloads.errors import WorkloadError
from springtide_workloads.main import app
from typer.testing import CliRunner

from tests.workloads.evaluation.builders import a_gate, an_evaluation, do, folder_of

GATES = (
    a_gate(name="good enough", min=0.5),
    a_gate(name="<b>everyone</b> $", max_regression=0.2, slices=("owner", "grade"), min_support=100),
    a_gate("AdverseImpactRatio", name="fair", min=0.05, slices=("owner",), min_support=80),
)


@pytest.fixture
def task(loans, challenger, champion, place):
    return an_evaluation(place, loans, challenger, champion=champion, gates=GATES)


@pytest.fixture(scope="session")
def published(loans, challenger, champion, market):
    task = an_evaluation(market, loans, challenger, champion=champion, gates=GATES)
    return do(task, market.root)


@pytest.fixture
def judged(published, tmp_path):
    """With a copy of the evidence of its own."""
    evidence = published.verdict.evidence
    shutil.copytree(folder_of(evidence.uri), tmp_path / folder_of(evidence.uri).name)
    there = evidence.model_copy(update={"uri": (tmp_path / folder_of(evidence.uri).name).as_uri()})
    return published.model_copy(update={"verdict": published.verdict.model_copy(update={"evidence": there})})


@pytest.fixture
def evidence(judged):
    return folder_of(judged.verdict.evidence.uri)


def test_equal_inputs_give_equal_evidence(task, published, tmp_path):
    shutil.rmtree(folder_of(published.verdict.evidence.uri))
    again = do(task, tmp_path)
    assert again.verdict == published.verdict
    assert verify_folder(folder_of(again.verdict.evidence.uri)).digest == again.verdict.evidence.digest
    other = task.model_copy(update={"gates": task.gates[:1]})
    assert do(other, tmp_path).verdict.evidence.digest != again.verdict.evidence.digest


def test_it_names_every_input_by_digest_and_why_it_was_made(task, evidence):
    manifest = verify_folder(evidence)
    document = json.loads((evidence / "evidence.json").read_text())
    assert {one.name: one.digest for one in manifest.inputs} == {
        "data": document["data"]["digest"],
        "challenger": task.challenger.digest,
        "champion": task.champion.digest,
    }
    assert document["circumstances"]["trigger"]["message"] == "3 windows"
    assert document["seed"] == task.seed
    assert document["data"]["split"] == {"type": "Random", "testFraction": 0.2}


def test_it_has_every_slice_and_those_that_were_left_out(evidence):
    lines = list(csv.DictReader((evidence / "gates.csv").open()))
    document = json.loads((evidence / "evidence.json").read_text())
    for gate in document["gates"]:
        here = [line for line in lines if line["gate"] == gate["gate"]["name"]]
        left_out = {line["slice"]: int(line["rows"]) for line in here if line["outcome"] == "LeftOut"}
        assert left_out == gate["leftOut"]
        assert len(here) == len(gate["findings"]) + len(left_out)
    everyone = document["gates"][1]
    assert {one["label"] for one in everyone["findings"]} >= {"owner=true", "owner=false", "grade=A", "grade=B"}
    assert "grade=null" in everyone["leftOut"]


def test_its_page_is_one_file_with_all_gates_and_plots_and_escapes_what_it_shows(evidence):
    page = (evidence / "report.html").read_text()
    assert "&lt;b&gt;everyone&lt;/b&gt; $" in page
    assert "<b>everyone" not in page
    assert page.count("data:image/png;base64,") == len(list(evidence.glob("*.png"))) == 4
    assert "http" not in page
    assert "<script" not in page


def test_verify_says_what_a_folder_is_wherever_it_was_copied_and_without_a_network(evidence, tmp_path, monkeypatch):
    copy = tmp_path / "handed over"
    shutil.copytree(evidence, copy)
    monkeypatch.setattr(socket, "socket", None)
    answer = CliRunner().invoke(app, ["verify", str(copy)])
    assert answer.exit_code == 0
    assert answer.stdout.startswith("Evidence sha256:")
    assert "challenger sha256:" in answer.stdout


def test_every_kind_of_artifact_can_be_verified(task):
    assert verify_folder(folder_of(task.challenger.uri)).kind == "Model"


@pytest.mark.parametrize("name", ["evidence.json", "gates.csv", "report.html", "roc.png", "manifest.json"])
def test_verify_names_the_file_that_was_changed(name, evidence):
    with (evidence / name).open("ab") as stream:
        stream.write(b" ")
    answer = CliRunner().invoke(app, ["verify", str(evidence)])
    assert answer.exit_code == 64
    assert name in answer.stderr


def test_verify_names_a_file_that_is_missing_or_was_added(evidence):
    (evidence / "more.txt").write_text("more")
    with pytest.raises(WorkloadError, match=r"more.txt is not in the manifest"):
        verify_folder(evidence)
    (evidence / "more.txt").unlink()
    (evidence / "roc.png").unlink()
    with pytest.raises(WorkloadError, match=r"roc.png") as raised:
        verify_folder(evidence)
    assert raised.value.reason == Reason.DIGEST_MISMATCH


def test_verify_holds_the_manifest_against_the_digest_that_a_status_names(judged, evidence, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(evidence, copy)
    verify_folder(copy, digest=judged.verdict.evidence.digest)
    with pytest.raises(WorkloadError, match="you say") as raised:
        verify_folder(copy, digest=f"sha256:{'0' * 64}")
    assert raised.value.reason == Reason.DIGEST_MISMATCH


def test_verify_of_a_folder_without_a_manifest_says_so(tmp_path):
    answer = CliRunner().invoke(app, ["verify", str(tmp_path)])
    assert answer.exit_code == 64
    assert "manifest.json" in answer.stderr


def test_the_example_of_an_evaluation_can_be_done_as_it_is(task, tmp_path):
    challenger, champion = folder_of(task.challenger.uri), folder_of(task.champion.uri)
    command = ["example-task", "evaluate", str(folder_of(task.data.uri)), "--target", "defaulted"]
    command += ["--challenger", str(challenger), "--champion", str(champion), "--folder", str(tmp_path / "local")]
    answer = CliRunner().invoke(app, command)
    assert answer.exit_code == 0, answer.output
    example = type(task).model_validate_json(answer.stdout)
    assert do(example, tmp_path).verdict.outcome == "Passed"

"""What a user gets wrong becomes the reason and the message of Ready, as it is, and is not tried again."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.kind.cluster import CommandError, Document, Namespace, Run, a_program, a_run, workloads_image


@dataclass(frozen=True)
class Bad:
    """One mistake: what is said of it, and how it is made (a folder of the volume, fields of the spec, a program)."""

    reason: str
    words: str
    path: str = "employment-census"
    spec: dict[str, Any] = field(default_factory=dict)
    program: str = ""

    def document(self, name: str) -> Document:
        if self.program:
            return a_program(name, self.program, **self.spec)
        source = {"source": {"volume": {"claimName": "census", "path": self.path}}}
        return a_run(name, **{"data": source, **self.spec})


SMALL = {"requests": {"cpu": "50m", "memory": "32Mi"}, "limits": {"memory": "64Mi"}}
LITTLE_DISK = {"requests": {"cpu": "20m", "memory": "16Mi"}, "limits": {"memory": "256Mi", "ephemeral-storage": "16Mi"}}
PINNED = {"source": {"volume": {"claimName": "census", "path": "employment-census"}}, "digest": "sha256:" + "0" * 64}
EXPLODING = {"learningRate": 10, "weightDecay": 10, "hidden": [64, 64], "epochs": 200, "batchSize": 2, "patience": 0}

MISTAKES = {
    "misspelt-target": Bad("ColumnNotFound", "did you mean employed?", spec={"target": {"column": "emploied"}}),
    "misspelt-feature": Bad("ColumnNotFound", "features.exclude", spec={"features": {"exclude": ["persn_id"]}}),
    "misspelt-recipe": Bad("UnknownRecipe", "gbtd", spec={"recipe": {"name": "gbtd"}}),
    "unknown-parameter": Bad(
        "InvalidParameter", "numRounds", spec={"recipe": {"name": "gbdt", "parameters": {"rounds": 3}}}
    ),
    "missing-folder": Bad("DataNotFound", "nowhere", path="nowhere"),
    "empty-folder": Bad("DataNotFound", "empty", path="empty"),
    "corrupt-parquet": Bad("DataCorrupt", "part.parquet", path="corrupt"),
    "other-data": Bad("DataChanged", "data.digest", spec={"data": PINNED}),
    "wrong-type": Bad("WrongType", "tags", path="nested"),
    "target-of-text": Bad("TargetNotBinary", "education", spec={"target": {"column": "education"}}),
    "three-classes": Bad("TargetNotBinary", "0, 1, 2", path="three-classes"),
    "one-class": Bad("OneClass", "employed is true in all", path="one-class"),
    "all-null-target": Bad("TargetAllNull", "employed", path="all-null"),
    "few-rows": Bad("TooFewRows", "at least", path="few-rows"),
    "exploding-loss": Bad("LossNotFinite", "learningRate", spec={"recipe": {"name": "mlp", "parameters": EXPLODING}}),
    "little-memory": Bad("OutOfMemory", "spec.resources.limits.memory", spec={"resources": SMALL}),
    "little-disk": Bad(
        "DiskFull",
        "disk limit",
        program="head -c 64000000 /dev/zero >/tmp/big; hold",
        spec={"resources": LITTLE_DISK},
    ),
    "past-deadline": Bad("DeadlineExceeded", "spec.deadlineSeconds", program="hold", spec={"deadlineSeconds": 2}),
    "exit-code": Bad("TrainingFailed", "exit code 3: no such thing", program="echo no such thing >&2; exit 3"),
    "no-result": Bad("InvalidResult", "no result", program="exit 0"),
    "strange-result": Bad("InvalidResult", "not a result", program="echo '{\"status\": 1}' >/dev/termination-log"),
}


@pytest.fixture(scope="module")
def submitted(team: Namespace) -> Namespace:
    """All mistakes at once, and a run whose image is nowhere."""
    image = {"container": {"image": workloads_image().rpartition(":")[0] + ":none"}}
    missing = a_program("missing-image", "succeed")
    missing["spec"] |= image
    team.apply(missing, *(bad.document(name) for name, bad in MISTAKES.items()))
    return team


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_by_its_reason_and_a_sentence(name: str, submitted: Namespace) -> None:
    bad, run = MISTAKES[name], submitted.wait_for_end(name, seconds=280)
    assert (run.ready, run.reason) == ("False", bad.reason), submitted.state(name)
    assert bad.words in run.message
    _reads_well(run.message)
    assert run.conditions["Stalled"]["status"] == "True", "kstatus: failed"
    assert len(run.endings) == 1, "waiting cannot help, so it is not tried again"
    assert run.failures == (0, 1)
    assert "model" not in run.status


def _reads_well(message: str) -> None:
    assert "Traceback" not in message
    assert "\n" not in message
    assert 15 < len(message) < 700


def test_nothing_goes_on_after_a_mistake(submitted: Namespace) -> None:
    for name in MISTAKES:
        submitted.wait_for_end(name)
        submitted.wait_until_stopped(name)


def test_an_image_that_cannot_be_pulled_is_waited_for_and_named(submitted: Namespace) -> None:
    run = submitted.wait_for_reason("missing-image", "ImagePullFailed")
    assert run.ready == "Unknown", "it may be pushed yet"
    assert "springtide-workloads:none" in run.message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"container": {"image": "other"}}, "exactly one of recipe and container must be set"),
        ({"target": None}, "target must be set for a recipe"),
        ({"data": {"source": {}}}, "exactly one of uri and volume must be set"),
        ({"overrides": {"env": [{"name": "SPRINGTIDE_TASK", "value": "x"}]}}, "reserved"),
        ({"suspnd": True}, 'unknown field "suspnd"'),
    ],
)
def test_a_document_that_cannot_be_meant_is_refused_in_a_sentence(
    change: dict[str, Any], words: str, submitted: Namespace
) -> None:
    document = a_run("refused")
    document["spec"] = {key: value for key, value in (document["spec"] | change).items() if value is not None}
    with pytest.raises(CommandError) as refusal:
        submitted.apply(document)
    assert words in str(refusal.value)


def test_a_spec_cannot_change_under_way(submitted: Namespace) -> None:
    document = MISTAKES["one-class"].document("one-class")
    document["spec"]["seed"] = 8
    with pytest.raises(CommandError, match="seed cannot be changed: create another TrainingRun"):
        submitted.apply(document)


def test_a_run_of_mistakes_is_told_in_one_table(submitted: Namespace) -> None:
    runs: dict[str, Run] = {name: submitted.wait_for_end(name) for name in MISTAKES}
    lines = submitted.kubectl("get", "trun").splitlines()
    shown = {line.split()[0]: line.split()[1:3] for line in lines}
    assert all(shown[name] == ["False", run.reason] for name, run in runs.items())

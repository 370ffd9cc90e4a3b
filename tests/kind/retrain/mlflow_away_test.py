"""MLflow is away while one model is trained and another promoted: both wait for it, and go on once it is back."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.kind import mlflow
from tests.kind.cluster import Namespace, Resource, Run, a_run
from tests.kind.retrain.loops import ASKING, alias_of, awaiting_approval, champion_of, ended
from tests.kind.retrain.records import record_of

PROMOTED, TRAINED = f"{ASKING}-1", "mlflow-away"


@dataclass(frozen=True)
class Away:
    """What was there while MLflow was not. approved: what the person was told who let the model be promoted."""

    approved: str
    promotion: Resource
    training: Run


@pytest.fixture(scope="module")
def away(loop: Namespace, system: Namespace) -> Away:
    awaiting_approval(loop)
    with mlflow.away(system):
        loop.apply(a_run(TRAINED, model={"name": TRAINED}))
        approved = loop.springtide("approve", f"rrun/{PROMOTED}")
        promotion = loop.wait_for_retrain_run(
            PROMOTED, lambda found: "TrackingUnavailable" in found.message, what="to miss MLflow"
        )
        return Away(approved, promotion, loop.wait_for_reason(TRAINED, "Retrying"))


def test_a_promotion_waits_for_mlflow_and_is_not_over_without_it(away: Away, loop: Namespace, mlflow_url: str):
    waiting = away.promotion
    assert (waiting.status["phase"], waiting.reason, waiting.ready) == ("RollingOut", "RollingOut", "Unknown")
    assert "MLflow's alias: attempt 1 was lost (TrackingUnavailable: MLflow at http" in waiting.message
    assert "it is tried again" in waiting.message
    assert not {"aliasSet", "servingTime", "completionTime"} & waiting.status.keys()
    run, champion = ended(loop, PROMOTED), champion_of(loop, ASKING)
    assert run.status["phase"] == "Promoted", run.message
    assert (champion["run"], champion["digest"]) == (PROMOTED, run.status["challenger"]["digest"])
    assert alias_of(mlflow_url, loop, "asked-for") == run.status["aliasSet"] == champion["version"]


def test_who_let_it_be_promoted_is_written_down(away: Away, loop: Namespace, tmp_path: Path):
    assert "good-enough" in away.approved
    run = ended(loop, PROMOTED)
    assert run.status["approval"]["by"] == "kubernetes-admin"
    assert run.status["approval"]["time"] <= run.status["promotedTime"]
    assert record_of(loop, PROMOTED, tmp_path)["approval"] == run.status["approval"]


def test_a_training_waits_for_mlflow_and_costs_the_user_nothing(away: Away, loop: Namespace):
    assert "TrackingUnavailable" in away.training.message
    run = loop.wait_for_end(TRAINED)
    assert (run.ready, run.endings[-1], run.failures[1]) == ("True", "Succeeded", 0)
    assert set(run.endings[:-1]) == {"TrackingUnavailable"}

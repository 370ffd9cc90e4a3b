"""What the operator, or the cluster, does not take."""

from typing import Any

import pytest
from springtide.cluster.client import ApiError

from tests.core.training_run.world import SPEC, World, a_run, create_run, success

KUEUE = frozenset({"kueue.x-k8s.io"})


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"seed": "seven"}, "spec.seed"),
        ({"data": {"source": {"uri": 7}}}, "spec.data.source.uri"),
        ({"retry": {"user": -1}}, "spec.retry.user"),
        ({"model": {}}, "spec.model.name"),
    ],
)
def test_a_spec_that_does_not_parse_is_held_and_says_which_field(spec: dict[str, Any], field: str) -> None:
    run = a_run(**spec)
    assert run.state == "InvalidSpec"
    assert run.message.startswith(field)
    assert run.condition("Stalled")["status"] == "True"
    assert run.condition("Ready")["status"] == "False"
    assert run.jobs == []
    assert not run.is_terminal


def test_an_invalid_spec_is_told_once_and_not_tried_again() -> None:
    run = a_run(seed="seven")
    writes = len(run.server.writes)
    assert run.decision().requeue_after is None
    run.pass_time(hours=1)
    run.restart()
    run.settle()
    assert len(run.server.writes) == writes
    assert [event["reason"] for event in run.server.events] == ["InvalidSpec"]


def test_a_task_that_fits_into_no_container_is_an_invalid_spec() -> None:
    run = a_run(features={"exclude": [f"{n:0128}" for n in range(1000)]})
    assert run.state == "InvalidSpec"
    assert "name fewer columns" in run.message


def test_a_queue_needs_kueue() -> None:
    run = a_run(queueName="default")
    assert run.state == "CapabilityMissing"
    assert "install Kueue or leave queueName out" in run.message
    assert run.jobs == []


def test_a_missing_capability_heals_when_it_appears() -> None:
    run = a_run(queueName="default")
    run.capabilities = KUEUE
    run.restart()
    assert run.settle().state == "Queued"


def test_a_capability_that_goes_does_not_hide_the_end_of_what_already_runs() -> None:
    run = a_run(queueName="default", capabilities=KUEUE)
    run.server.update("Job", "churn-a1", lambda job: job["spec"].update(suspend=False))
    run.settle().start()
    run.capabilities = frozenset()
    run.restart()
    run.settle().after(success())
    assert run.state == "Succeeded"


@pytest.mark.parametrize(
    ("code", "reason"), [(403, "Forbidden"), (422, "RejectedByCluster"), (400, "RejectedByCluster")]
)
def test_a_job_that_the_api_server_refuses_is_told_in_its_words_and_tried_again_slowly(code: int, reason: str) -> None:
    run = World()
    run.server.before = _refuse_jobs(code, "exceeded quota: jobs")
    create_run(run)
    run.settle()
    assert run.state == reason
    assert run.message == "the API server refused Job churn-a1: exceeded quota: jobs"
    assert run.reconcile() == 60
    assert run.attempt == 0
    run.server.before = lambda *_: None
    assert run.settle().state == "Starting"


def test_a_refusal_that_lasts_is_written_once() -> None:
    run = World()
    run.server.before = _refuse_jobs(403, "exceeded quota: jobs")
    create_run(run)
    run.settle()
    writes = len(run.server.writes)
    for _ in range(5):
        run.pass_time(minutes=1)
    assert len(run.server.writes) == writes


def test_a_name_that_a_stranger_has_taken_is_not_taken_over() -> None:
    run = World()
    run.server.create(_job("churn-a1", owner=None))
    create_run(run)
    run.settle()
    assert run.state == "NameTaken"
    assert "Job churn-a1 exists and belongs to something else" in run.message
    run.server.delete("Job", "churn-a1")
    assert run.settle().state == "Starting"


def test_a_strangers_job_with_our_labels_is_ignored() -> None:
    run = World()
    run.server.create(_job("other", owner=None))
    create_run(run)
    assert run.settle().state == "Starting"


def test_a_job_of_an_earlier_run_of_this_name_is_waited_for() -> None:
    run = World()
    job = _job("churn-a1", owner="uid-0")
    job["metadata"]["deletionTimestamp"] = "2026-11-23T12:00:00Z"  # it goes after its pods
    run.server.create(job)
    create_run(run)
    run.settle()
    assert run.state == "NameTaken"
    assert "of an earlier run of this name" in run.message
    run.server.delete("Job", "churn-a1")
    run.settle()
    assert run.state == "Starting"
    assert run.jobs == ["churn-a1"]


def test_a_run_that_is_made_again_knows_nothing_of_its_predecessor() -> None:
    run = a_run().after(success())
    run.server.delete("TrainingRun", "churn")
    create_run(run)
    run.settle()
    assert run.state == "Starting"
    assert run.attempt == 1
    assert "metrics" not in run.status or run.status["metrics"] == {}


def test_a_run_that_is_being_deleted_is_left_alone() -> None:
    run = a_run().start()
    run.server.update(
        "TrainingRun", "churn", lambda it: it["metadata"].update(deletionTimestamp="2026-11-23T12:00:00Z")
    )
    writes = len(run.server.writes)
    run.pass_time(hours=1)
    assert len(run.server.writes) == writes


def test_an_older_operator_reads_a_newer_spec() -> None:
    assert a_run(**SPEC, somethingNew={"a": 1}).state == "Starting"


def _refuse_jobs(code: int, words: str) -> Any:
    def refuse(_: str, resource: str, __: str) -> None:
        if resource == "jobs":
            raise ApiError(code, words)

    return refuse


def _job(name: str, *, owner: str | None) -> dict[str, Any]:
    reference = {"apiVersion": "springtide.dev/v1alpha1", "kind": "TrainingRun", "name": "churn", "uid": owner}
    labels = {
        "springtide.dev/kind": "TrainingRun",
        "springtide.dev/name": "churn",
        "springtide.dev/role": "attempt",
        "springtide.dev/attempt": "1",
    }
    references = [reference | {"controller": True}] if owner else []
    metadata = {"name": name, "labels": labels, "ownerReferences": references}
    spec = {"suspend": True, "backoffLimit": 0}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}

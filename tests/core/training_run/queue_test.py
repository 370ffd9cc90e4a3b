"""A run that names a queue waits for Kueue, says so in Kueue's words, and loses nothing when Kueue takes its place."""

import itertools
from typing import Any

from tests.core.training_run.world import World, a_run, success

KUEUE = frozenset({"kueue.x-k8s.io"})
_VERSIONS = itertools.count(1_000_000)


def _queued() -> World:
    return a_run(queueName="gpu", capabilities=KUEUE)


def _kueue_says(run: World, *conditions: dict[str, str], owner: str = "") -> World:
    """Kueue writes the Workload of the Job, which carries our labels only in the pod template that it repeats."""
    job = run.server.get("Job", run.jobs[-1])
    run.operator.store.upsert(
        "Workload",
        {
            "apiVersion": "kueue.x-k8s.io/v1beta2",
            "kind": "Workload",
            "metadata": {
                "name": "job-churn-a1-12345",
                "namespace": "team",
                "uid": "w1",
                "resourceVersion": str(next(_VERSIONS)),
                "labels": {"kueue.x-k8s.io/job-uid": job["metadata"]["uid"]},
                "ownerReferences": [{"kind": "Job", "uid": owner or job["metadata"]["uid"], "controller": True}],
            },
            "spec": {"podSets": [{"name": "main", "template": job["spec"]["template"]}]},
            "status": {"conditions": list(conditions)},
        },
    )
    return run.settle()


def _condition(kind: str, status: str, reason: str, message: str) -> dict[str, str]:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def _admit(run: World, *, suspend: bool = False) -> World:
    run.server.update("Job", run.jobs[-1], lambda job: job["spec"].update(suspend=suspend))
    return run.settle()


def test_a_run_that_waits_says_why_in_the_queues_words() -> None:
    run = _queued()
    words = "couldn't assign flavors to pod set main: insufficient unused quota for cpu in flavor f, 60m more needed"
    _kueue_says(run, _condition("QuotaReserved", "False", "Pending", words))
    assert run.state == "Queued"
    assert run.condition("Queued") == run.condition("Queued") | {"status": "True", "reason": "Queued"}
    assert run.message == f"waiting to be admitted by queue gpu (Pending): {words}"


def test_a_run_waits_before_its_queue_has_said_anything() -> None:
    run = _queued()
    assert run.message == "waiting to be admitted by queue gpu"
    assert run.live_pods == []


def test_a_queue_that_is_not_there_is_named() -> None:
    run = _kueue_says(_queued(), _condition("QuotaReserved", "False", "Inadmissible", "LocalQueue gpu doesn't exist"))
    assert "LocalQueue gpu doesn't exist" in run.message


def test_a_run_that_asks_for_more_than_there_ever_is_says_what_to_do() -> None:
    old = _condition("QuotaReserved", "False", "Pending", "current podset request (8) > maximum capacity (1)")
    new = _condition("QuotaReserved", "False", "ExceedsMaxQuota", "8 cpu requested, 1 at most")
    for condition in (old, new):
        run = _kueue_says(_queued(), condition)
        assert run.message.startswith("queue gpu can never admit it: make its requests smaller or the quota larger")
        assert condition["message"] in run.message


def test_the_words_of_another_jobs_workload_are_not_taken_for_ours() -> None:
    words = _condition("QuotaReserved", "False", "Pending", "not of us")
    assert "not of us" not in _kueue_says(_queued(), words, owner="somebody").message


def test_a_run_whose_place_is_taken_goes_on_with_the_same_attempt() -> None:
    run = _admit(_queued()).start()
    assert run.state == "Training"
    run.pass_time(seconds=40)
    _admit(run, suspend=True)
    preempted = "Preempted to accommodate a workload due to prioritization in the ClusterQueue"
    _kueue_says(
        run,
        _condition("QuotaReserved", "False", "Pending", preempted),
        _condition("Evicted", "True", "Preempted", preempted),
    )
    assert run.state == "Queued"
    assert run.message == f"queue gpu took its place away and will let it start again: {preempted}"
    run.pass_time(days=3)
    _admit(run)
    run.after(success())
    assert run.state == "Succeeded"
    assert (run.attempt, run.failures, run.jobs) == (1, (0, 0), ["churn-a1"])


def test_time_in_the_queue_is_not_training() -> None:
    run = _admit(a_run(queueName="gpu", capabilities=KUEUE, deadlineSeconds=100)).start()
    run.pass_time(seconds=40)
    _admit(run, suspend=True).pass_time(days=3)
    assert not run.is_terminal
    _admit(run).start().pass_time(seconds=30)
    assert not run.is_terminal
    assert run.pass_time(seconds=31).state == "DeadlineExceeded"


def test_workloads_of_others_are_not_kept() -> None:
    run = _queued()
    before = len(run.operator.store)
    stranger: dict[str, Any] = {
        "apiVersion": "kueue.x-k8s.io/v1beta2",
        "metadata": {"name": "job-x", "namespace": "team", "uid": "x", "resourceVersion": "2000000"},
        "spec": {"podSets": [{"template": {"metadata": {"labels": {"app": "x"}}}}]},
    }
    assert run.operator.store.upsert("Workload", stranger) is None
    assert len(run.operator.store) == before

"""Runs that name a queue, with a real Kueue: they wait, go first, are taken away and come back."""

from collections.abc import Iterator

import pytest

from tests.kind.cluster import HELD, REPOSITORY, Document, Namespace, Run, a_program, command, release
from tests.kind.operator_pods import let_it_know

GROUP = "kueue.x-k8s.io/v1beta2"
URGENT = "springtide-test-urgent"


@pytest.fixture(scope="session")
def kueue(system: Namespace) -> None:
    """Kueue is there, and the operator knows."""
    command(str(REPOSITORY / "tests" / "cluster" / "kueue" / "kueue.sh"), "start", seconds=600)
    let_it_know(system, "workloads.kueue.x-k8s.io")


@pytest.fixture(scope="module")
def queue(team: Namespace, kueue: None) -> Iterator[Namespace]:  # noqa: ARG001
    """A namespace whose queue `team` has room for one of our programs (20m of 30m)."""
    name = team.name
    quotas = [{"name": "cpu", "nominalQuota": "30m"}, {"name": "memory", "nominalQuota": "1Gi"}]
    flavors = [{"name": name, "resources": quotas}]
    team.apply(
        {"apiVersion": GROUP, "kind": "ResourceFlavor", "metadata": {"name": name}},
        {
            "apiVersion": GROUP,
            "kind": "ClusterQueue",
            "metadata": {"name": name},
            "spec": {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}},
                "preemption": {"withinClusterQueue": "LowerPriority"},
                "resourceGroups": [{"coveredResources": ["cpu", "memory"], "flavors": flavors}],
            },
        },
        {
            "apiVersion": GROUP,
            "kind": "LocalQueue",
            "metadata": {"name": "team", "namespace": name},
            "spec": {"clusterQueue": name},
        },
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": URGENT},
            "value": 1000,
            "preemptionPolicy": "Never",
        },
    )
    yield team
    team.kubectl("delete", "trainingruns", "--all")
    for kind in ("clusterqueue", "resourceflavor"):
        command("kubectl", "delete", kind, name, "--wait=false")


def _queued(queue: Namespace, name: str, words: str) -> Run:
    run = queue.wait_for_run(
        name, lambda run: words in run.message or run.has_ended, what=f"to wait and say {words!r}", seconds=60
    )
    assert run.reason == "Queued", f"{run.reason}: {run.message}"
    assert run.conditions["Queued"]["status"] == "True"
    assert words in run.message
    return run


def test_the_second_of_two_runs_waits_for_the_quota_and_starts_when_the_first_has_ended(queue: Namespace) -> None:
    queue.apply(a_program("first", HELD, queueName="team"))
    queue.wait_for_reason("first", "Training")
    queue.apply(a_program("second", "succeed", queueName="team"))
    _queued(queue, "second", "insufficient unused quota for cpu")
    assert queue.children("pods", "second") == []
    release(queue, "first")
    assert queue.wait_for_end("first").reason == "Succeeded"
    assert queue.wait_for_end("second").reason == "Succeeded"


def test_a_run_that_is_preempted_comes_back_as_the_same_attempt(queue: Namespace) -> None:
    queue.apply(a_program("patient", HELD, queueName="team"))
    queue.wait_for_reason("patient", "Training")
    queue.apply(a_program("urgent", HELD, queueName="team", overrides={"priorityClassName": URGENT}))
    queue.wait_for_reason("urgent", "Training")
    run = _queued(queue, "patient", "Preempted to accommodate")
    assert (run.failures, run.has_ended) == ((0, 0), False)
    release(queue, "urgent")
    assert queue.wait_for_end("urgent").reason == "Succeeded"
    queue.wait_for_reason("patient", "Training")
    release(queue, "patient")
    run = queue.wait_for_end("patient")
    assert (run.reason, run.failures, run.endings) == ("Succeeded", (0, 0), ["Succeeded"])
    assert [job["metadata"]["name"] for job in queue.children("jobs", "patient")] == ["patient-a1"]


def test_a_queue_that_does_not_exist_is_named(queue: Namespace) -> None:
    queue.apply(a_program("lost", "succeed", queueName="nowhere"))
    _queued(queue, "lost", "LocalQueue nowhere doesn't exist")


def test_a_run_that_asks_for_more_than_the_queue_has_says_so(queue: Namespace) -> None:
    document: Document = a_program("huge", "succeed", queueName="team")
    document["spec"]["resources"]["requests"]["cpu"] = "1"
    queue.apply(document)
    _queued(queue, "huge", "can never admit it: make its requests smaller or the quota larger")

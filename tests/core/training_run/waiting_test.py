"""The Job is there, its container does not run: why, and for how long that is waited for."""

import pytest

from tests.core import controllers
from tests.core.training_run.world import World, a_run


def _scheduled(run: World) -> None:
    controllers.set_pod_condition(run.server, run.pod, "PodScheduled", "True", at=run.now)


def _waits_for(run: World, reason: str, words: str = "") -> None:
    controllers.set_container(run.server, run.pod, {"waiting": {"reason": reason, "message": words}}, phase="Pending")
    run.settle()


def test_a_pod_that_no_node_can_take_is_queued_in_the_schedulers_words() -> None:
    run = a_run()
    words = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu"
    controllers.set_pod_condition(run.server, run.pod, "PodScheduled", "False", "Unschedulable", words)
    run.settle()
    assert run.state == "Unschedulable"
    assert words in run.message
    assert run.condition("Queued")["status"] == "True"


def test_a_pod_may_wait_for_a_node_for_ever() -> None:
    run = a_run()
    controllers.set_pod_condition(run.server, run.pod, "PodScheduled", "False", "Unschedulable", "no node")
    assert not run.pass_time(days=30).is_terminal


@pytest.mark.parametrize("why", ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"])
def test_an_image_that_cannot_be_pulled_fails_the_run_after_a_grace_period(why: str) -> None:
    run = a_run()
    _scheduled(run)
    _waits_for(run, why, "not found")
    assert run.state == "ImagePullFailed"
    assert run.decision().requeue_after == 600
    assert not run.pass_time(seconds=599).is_terminal
    assert run.pass_time(seconds=1).is_terminal
    assert run.state == "ImagePullFailed"
    assert run.failures == (0, 1)
    assert run.jobs == []


@pytest.mark.parametrize("why", ["CreateContainerConfigError", "CreateContainerError", "RunContainerError"])
def test_a_container_that_cannot_be_made_fails_the_run_after_a_grace_period(why: str) -> None:
    run = a_run()
    _scheduled(run)
    _waits_for(run, why, 'secret "x" not found')
    assert run.state == "ContainerConfigError"
    assert 'secret "x" not found' in run.message
    assert run.pass_time(seconds=600).is_terminal


def test_an_image_that_comes_in_time_is_forgiven() -> None:
    run = a_run()
    _waits_for(run, "ErrImagePull")
    run.pass_time(seconds=300)
    assert run.start().state == "Training"


def test_time_without_a_node_is_not_held_against_the_image() -> None:
    run = a_run()
    controllers.set_pod_condition(run.server, run.pod, "PodScheduled", "False", "Unschedulable", "no node")
    run.pass_time(hours=5)
    _scheduled(run)
    _waits_for(run, "ErrImagePull", "registry is busy")
    assert not run.is_terminal
    assert run.decision().requeue_after == 600


def test_the_message_does_not_flap_with_the_kubelets_back_off() -> None:
    run = a_run()
    _waits_for(run, "ErrImagePull", "not found")
    writes = len(run.server.writes)
    for _ in range(3):
        _waits_for(run, "ImagePullBackOff", "Back-off pulling image")
        _waits_for(run, "ErrImagePull", "not found")
    assert run.message == "the image cannot be pulled (ErrImagePull: not found)"
    assert len(run.server.writes) == writes


def test_a_start_takes_one_write_of_the_status_until_the_container_runs() -> None:
    run = a_run()
    _waits_for(run, "ContainerCreating")
    assert run.server.writes == [("patch", "jobs", "churn-a1"), ("patch", "trainingruns/status", "churn")]


def test_a_pod_that_never_comes_is_waited_for_with_a_hint() -> None:
    run = a_run(settled=False)
    run.deliver()
    run.reconcile()
    run.deliver()
    run.reconcile()
    assert run.state == "Starting"
    assert "`kubectl describe job churn-a1`" in run.message


def test_a_pod_on_a_node_that_does_not_answer_says_so() -> None:
    run = a_run().start()
    run.stubborn = frozenset({run.pod})
    run.server.delete("Pod", run.pod)
    run.settle()
    assert run.state == "Stopping"
    assert "waiting for its node" in run.message
    assert run.pass_time(days=1).attempt == 1, "it may still be writing"

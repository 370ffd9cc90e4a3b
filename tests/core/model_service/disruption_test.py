"""Draining nodes leaves enough servers to answer."""

from typing import Any

import pytest

from tests.core.model_service.world import NAME, World, a_service, label


def budget(world: World) -> dict[str, Any]:
    return dict(world.server.get("PodDisruptionBudget", NAME)["spec"])


@pytest.mark.parametrize(("replicas", "kept"), [(2, 1), (3, 2), (10, 9)])
def test_all_servers_but_one_are_kept(replicas: int, kept: int) -> None:
    found = budget(a_service(replicas={"min": replicas}).serve("1"))
    assert found["minAvailable"] == kept
    assert found["selector"]["matchLabels"]["springtide.dev/model"] == label("1")
    assert found["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_the_only_server_does_not_keep_its_node_from_being_drained() -> None:
    world = a_service().serve("1").edit(replicas={"min": 1})
    assert ("PodDisruptionBudget", NAME) not in world.server.objects


def test_who_is_protected_is_who_gets_requests() -> None:
    world = a_service().serve("1").ask_for("2").resolve("2").start_servers("2")
    assert "springtide.dev/model" not in budget(world)["selector"]["matchLabels"]
    world.judge("Passed").start_servers("2").judge("Passed").start_servers("2")
    assert budget(world)["selector"]["matchLabels"]["springtide.dev/model"] == label("2")


def test_what_somebody_changes_in_it_is_changed_back() -> None:
    world = a_service().serve("1")
    world.server.update("PodDisruptionBudget", NAME, lambda it: it["spec"].update(minAvailable=0))
    assert budget(world.settle())["minAvailable"] == 1

"""When waiting is over, seen on objects that the operator works on."""

from typing import Any

import pytest
from springtide.cli.change import CLEARED, Outcome, Verdict, refresh, retry, rollback
from springtide.cli.errors import CommandError
from springtide.cli.server import Resource

from tests.cli.objects import NOW_OF_WORLDS, served, snapshotted
from tests.core.dataset.world import World as DatasetWorld
from tests.core.model_service.world import World as ServiceWorld
from tests.core.model_service.world import a_follower

DATASET = Resource("Dataset", "datasets", "dataset", ("dset",))
SERVICE = Resource("ModelService", "modelservices", "modelservice", ("msvc",))


class WorldServer:
    """The API server of a world, as the command line asks it; the operator works after every change."""

    def __init__(self, world: DatasetWorld | ServiceWorld) -> None:
        self.world = world

    def one(self, resource: Resource, name: str) -> dict[str, Any]:
        manifest: dict[str, Any] = self.world.server.get(resource.kind, name)
        return manifest

    def change(self, resource: Resource, name: str, patch: dict[str, Any]) -> dict[str, Any]:
        def merge(manifest: dict[str, Any]) -> None:
            annotations = manifest["metadata"].get("annotations", {}) | patch["metadata"].get("annotations", {})
            manifest["metadata"]["annotations"] = annotations
            for field, value in patch.get("spec", {}).items():
                if value is None:
                    del manifest["spec"][field]
                else:
                    manifest["spec"][field] = manifest["spec"][field] | value

        self.world.server.update(resource.kind, name, merge)
        self.world.settle()
        return self.one(resource, name)


class AtOnce:
    """Waiting for what the operator of a world has done by now."""

    def until(self, server: WorldServer, resource: Resource, name: str, verdict: Verdict) -> Outcome:
        outcome = verdict(server.one(resource, name))
        assert outcome is not None
        return outcome


def asked_to_refresh(world: DatasetWorld) -> Verdict:
    return refresh(WorldServer(world), DATASET, "applications", now=NOW_OF_WORLDS)[1]  # type: ignore[arg-type]


def asked_to_retry(world: ServiceWorld) -> Verdict:
    return retry(WorldServer(world), SERVICE, "pd", version="", wait=AtOnce())[1]  # type: ignore[arg-type]


def asked_to_roll_back(world: ServiceWorld, *, to: str = "") -> Verdict:
    return rollback(WorldServer(world), SERVICE, "pd", to=to)[1]  # type: ignore[arg-type]


def dataset_of(world: DatasetWorld) -> dict[str, Any]:
    manifest: dict[str, Any] = world.server.get("Dataset", "applications")
    return manifest


def service_of(world: ServiceWorld) -> dict[str, Any]:
    manifest: dict[str, Any] = world.server.get("ModelService", "pd")
    return manifest


def taken_back(world: ServiceWorld) -> ServiceWorld:
    return world.resolve("2").start_servers("2").judge("Failed")


def test_a_refresh_is_waited_for_until_it_has_ended():
    world = snapshotted()
    verdict = asked_to_refresh(world)
    assert verdict(dataset_of(world)) is None
    world.publish("b")
    outcome = verdict(dataset_of(world))
    assert outcome is not None
    assert outcome.good


def test_a_refresh_that_breaks_the_contract_did_not_come_out_well():
    world = snapshotted()
    verdict = asked_to_refresh(world)
    world.violate()
    outcome = verdict(dataset_of(world))
    assert outcome is not None
    assert not outcome.good
    assert "ContractViolated" in outcome.message


def test_a_suspended_dataset_is_not_waited_for():
    world = snapshotted().edit(suspend=True)
    outcome = asked_to_refresh(world)(dataset_of(world))
    assert outcome is not None
    assert "suspend" in outcome.message


def test_a_version_can_be_tried_again_as_often_as_it_was_taken_back():
    world = taken_back(served().ask_for("2"))
    for _ in range(2):
        verdict = asked_to_retry(world)
        assert verdict(service_of(world)) is None
        assert world.candidate["version"] == "2"
        taken_back(world)
        outcome = verdict(service_of(world))
        assert outcome is not None
        assert not outcome.good
    assert world.status["released"] != CLEARED


def test_what_is_not_in_quarantine_cannot_be_tried_again():
    with pytest.raises(CommandError, match="not in quarantine"):
        asked_to_retry(served())


def test_a_rollback_goes_to_the_version_that_is_kept():
    world = served().ask_for("2").serve("2")
    verdict = asked_to_roll_back(world)
    world.start_servers("1")
    outcome = verdict(service_of(world))
    assert outcome is not None
    assert outcome.good
    assert world.stable == "1"


def test_a_rollback_during_a_rollout_gives_the_candidate_up():
    world = served().ask_for("2").resolve("2").start_servers("2")
    outcome = asked_to_roll_back(world)(service_of(world))
    assert outcome is not None
    assert outcome.good
    assert not world.candidate


def test_without_a_version_before_a_rollback_asks_for_one():
    with pytest.raises(CommandError, match="--to"):
        asked_to_roll_back(served())


def test_a_rollback_of_a_service_that_follows_a_policy_pins_the_version():
    world = a_follower(rollout={"steps": []}).crown("2").start_servers("2")
    outcome = asked_to_roll_back(world)(service_of(world))
    assert outcome is not None
    assert outcome.good
    assert world.stable == "1"
    assert "versionFrom" not in service_of(world)["spec"]


def test_a_champion_that_was_taken_back_can_be_tried_again():
    world = a_follower().crown("2").start_servers("2").judge("Failed")
    verdict = asked_to_retry(world)
    assert world.candidate["version"] == "2"
    assert verdict(service_of(world)) is None

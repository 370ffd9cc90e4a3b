"""A run on a Dataset: pinned to a snapshot before its Job is made, and waiting for one without asking again."""

from typing import Any

from tests.core import controllers
from tests.core.dataset.world import NAME, RUN, World, a_dataset, digest


def _pinned(world: World) -> str:
    status: dict[str, Any] = world.server.get(RUN.kind, RUN.name).get("status", {})
    return str(status.get("dataset", {}).get("digest", ""))


def _told(world: World) -> tuple[str, str]:
    return world.told("Ready", of=RUN)


def test_the_latest_snapshot_is_pinned_and_trained_on() -> None:
    world = a_dataset().publish("a").train()
    assert _told(world) == ("Unknown", "Starting")
    assert _pinned(world) == digest("a")
    data = world.task("churn-a1")["data"]
    assert data["snapshot"] == digest("a")
    assert data["uri"].endswith(f"/datasets/team.{NAME}/sha256-{'a' * 64}")
    assert "digest" not in data


def test_a_snapshot_can_be_chosen() -> None:
    world = a_dataset().publish("a").ask("1").publish("b").train(digest=digest("a"))
    assert world.task("churn-a1")["data"]["snapshot"] == digest("a")


def test_a_later_snapshot_changes_nothing_for_a_run_that_has_begun() -> None:
    world = a_dataset().publish("a").train()
    (pod,) = world.waiting_pods
    controllers.start_container(world.server, pod, now=world.now)
    world.settle()
    controllers.set_pod_condition(world.server, pod, "DisruptionTarget", "True", "PreemptionByScheduler")
    controllers.end_container(world.server, pod, now=world.now, exit_code=143, reason="Error", message="")
    world.server.update("Dataset", NAME, lambda it: it["status"]["latest"].update(digest=digest("b")))
    world.settle().pass_time(seconds=60)
    assert world.task("churn-a2")["data"]["snapshot"] == digest("a")


def test_a_run_goes_on_when_its_dataset_is_deleted() -> None:
    world = a_dataset().publish("a").train()
    world.server.delete("Dataset", NAME)
    world.settle().server.delete("Job", "churn-a1")
    world.settle()
    assert _pinned(world) == digest("a")
    assert _told(world)[1] not in ("DatasetNotReady", "SnapshotNotFound")


def test_a_run_waits_for_its_dataset_and_starts_when_it_has_a_snapshot() -> None:
    world = World().train()
    assert _told(world) == ("Unknown", "DatasetNotReady")
    assert f"there is no Dataset {NAME}" in world.condition("Ready", of=RUN)["message"]
    assert world.decision(RUN).requeue_after is None
    world.create()
    assert _told(world) == ("Unknown", "DatasetNotReady")
    assert "has no snapshot yet" in world.condition("Ready", of=RUN)["message"]
    assert world.jobs == [f"{NAME}-refresh-1-a1"]
    world.publish("a")
    assert world.jobs[-1] == "churn-a1"


def test_a_run_waits_for_the_very_snapshot_that_it_names() -> None:
    world = a_dataset().publish("a").train(digest=digest("b"))
    assert _told(world) == ("Unknown", "SnapshotNotFound")
    assert digest("b") in world.condition("Ready", of=RUN)["message"]
    assert world.told("Stalled", of=RUN)[0] == "False"
    world.ask("1").publish("b")
    assert world.jobs[-1] == "churn-a1"


def test_waiting_for_a_dataset_is_not_written_about_again() -> None:
    world = World().train()
    writes = len(world.server.writes)
    world.pass_time(days=3)
    world.restart()
    world.pass_time(days=3)
    assert len(world.server.writes) == writes


def test_a_snapshot_that_was_given_up_before_the_job_was_made_is_not_trained_on() -> None:
    world = a_dataset().publish("a").publish_when_asked("b")
    gone = world.status["snapshots"][1]

    def give_up(verb: str, resource: str, _: str) -> None:
        if (verb, resource) == ("patch", "trainingruns/status") and _pinned(world):
            world.server.after = lambda *_: None
            listed = [item for item in world.status["snapshots"] if item["digest"] != gone["digest"]]
            changed = world.server.update("Dataset", NAME, lambda it: it["status"].update(snapshots=listed))
            world.operator.store.upsert("Dataset", changed)

    world.server.after = give_up
    world.train(digest=gone["digest"])
    assert world.jobs[-1].startswith(NAME)
    assert _told(world) == ("Unknown", "SnapshotNotFound")

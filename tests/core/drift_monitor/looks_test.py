"""When a DriftMonitor looks, at what, and held against which baseline."""

from datetime import timedelta

import pytest

from tests.core.drift_monitor.world import (
    NAME,
    OVER_DATASET,
    OVER_SERVICE,
    World,
    digest,
    over_dataset,
    over_service,
)

HOURLY = {"schedule": "0 * * * *"}


def test_a_snapshot_and_a_model_are_enough_to_look() -> None:
    world = over_dataset()
    assert world.looks == ["1-a1"]
    assert world.status["currentLook"]["trigger"] == "Created"
    assert world.told("Ready") == ("Unknown", "Looking")
    task = world.look
    assert task["operation"] == "Drift"
    assert task["data"] == {"uri": "s3://lake/a", "snapshot": digest("a")}
    assert task["baseline"] == {"uri": "s3://models/b", "digest": digest("b")}
    assert task["reportUri"] == f"s3://artifacts/springtide/drift/team.{NAME}/"
    assert "eventTimeColumn" not in task
    assert "after" not in task


def test_what_the_spec_says_reaches_the_task() -> None:
    world = over_dataset(
        "day",
        window={"seconds": 3600, "delaySeconds": 0},
        slices=["region"],
        columns={"exclude": ["id"]},
        rules={"psi": 0.5},
    )
    task = world.look
    assert (task["windowSeconds"], task["delaySeconds"], task["eventTimeColumn"]) == (3600, 0, "day")
    assert (task["slices"], task["exclude"], task["rules"]["psi"]) == (["region"], ["id"], 0.5)


def test_a_look_takes_one_job_and_two_writes_of_the_status() -> None:
    world = over_dataset().find()
    writes = [resource for _, resource, name in world.server.writes if name.startswith(NAME)]
    assert writes == ["driftmonitors/status", "jobs", "driftmonitors/status"]


def test_a_snapshot_is_looked_at_once() -> None:
    world = over_dataset().find()
    writes = len(world.server.writes)
    world.pass_time(days=30)
    world.restart()
    world.pass_time(days=30)
    assert len(world.server.writes) == writes


def test_a_new_snapshot_is_looked_at_at_once() -> None:
    world = over_dataset().find(rows=900).publish("c", "a")
    assert world.looks == ["1-a1", "2-a1"]
    assert world.status["currentLook"]["trigger"] == "Snapshot"
    assert world.look["data"]["snapshot"] == digest("c")
    assert [one["rows"] for one in world.look["earlier"]] == [900]


def test_with_a_schedule_new_snapshots_wait_for_it() -> None:
    world = over_dataset(**HOURLY).find().publish("c", "a")
    assert world.looks == ["1-a1"]
    assert world.status["nextTime"] == "2026-11-23T13:00:00Z"
    world.pass_time(hours=1)
    assert world.looks == ["1-a1", "2-a1"]
    assert world.status["currentLook"]["trigger"] == "Schedule"


def test_a_schedule_looks_at_nothing_twice() -> None:
    world = over_dataset(**HOURLY).find().pass_time(hours=5)
    assert world.looks == ["1-a1"]
    assert world.status["nextTime"] == "2026-11-23T18:00:00Z"


def test_a_missed_time_beyond_its_deadline_is_left_out_and_that_is_said() -> None:
    world = over_dataset(**HOURLY, startingDeadlineSeconds=60).find().publish("c", "a")
    world.now += timedelta(days=1, minutes=20)
    world.restart()
    assert world.settle().looks == ["1-a1"]
    assert world.status["missedTime"] == "2026-11-24T12:00:00Z"
    assert [event["reason"] for event in world.server.events] == ["CheckMissed"]
    assert world.pass_time(minutes=45).looks == ["1-a1", "2-a1"]


def test_a_service_is_looked_at_again_and_again() -> None:
    world = over_service()
    assert world.look["data"] == {"uri": "s3://artifacts/springtide/inference/team.pd"}
    assert world.look["baseline"] == {"uri": "s3://models/b", "digest": digest("b")}
    world.find_nothing().pass_time(seconds=59)
    assert world.looks == ["1-a1"]
    world.pass_time(seconds=1)
    assert world.looks == ["1-a1", "2-a1"]
    assert world.status["currentLook"]["trigger"] == "Interval"


def test_a_service_is_looked_at_as_often_as_asked() -> None:
    world = over_service(everySeconds=600).find_nothing()
    assert world.status["schedule"] == "every 600 s"
    assert world.pass_time(seconds=599).looks == ["1-a1"]
    assert world.pass_time(seconds=1).looks == ["1-a1", "2-a1"]


def test_another_stable_model_brings_another_baseline() -> None:
    world = over_service().find(days=(1,)).serve("c").pass_time(seconds=60)
    assert world.look["baseline"]["digest"] == digest("c")
    assert world.look["after"] == "2026-11-02T00:00:00Z"
    assert world.status["baseline"] == {"uri": "s3://models/c", "digest": digest("c")}


def test_a_service_can_be_held_against_the_model_of_a_run() -> None:
    world = World().serve("b").train("d").create(**OVER_SERVICE | {"baseline": OVER_DATASET["baseline"]})
    assert world.look["baseline"]["digest"] == digest("d")


def test_windows_go_on_after_the_last_judged_one() -> None:
    world = over_service().find(days=(1,)).pass_time(seconds=60)
    assert world.look["after"] == "2026-11-02T00:00:00Z"
    world.find(days=(2,)).pass_time(seconds=60)
    assert [one["rows"] for one in world.look["earlier"]] == [1000, 1000]


def test_windows_of_another_length_do_not_say_how_many_rows_are_usual() -> None:
    world = over_service().find(days=(1,)).pass_time(seconds=60).find(days=(2,)).edit(window={"seconds": 3600})
    assert world.look["after"] == "2026-11-02T00:00:00Z"
    assert world.look["earlier"] == []
    world.edit(window={"seconds": 86_400}).find_nothing()
    assert [one["rows"] for one in world.look["earlier"]] == [1000], "of the first day; the second is judged anew"


def test_snapshots_as_a_whole_do_not_say_how_many_rows_a_day_has() -> None:
    world = over_dataset().find()
    world.server.update("Dataset", "people", lambda it: it["spec"].update(eventTimeColumn="day"))
    assert world.settle().publish("c", "a").look["earlier"] == []
    world.find(days=(1, 2))
    world.server.update("Dataset", "people", lambda it: it["spec"].pop("eventTimeColumn"))
    world.settle().publish("d", "c", "a")
    assert [one["rows"] for one in world.find_nothing().look["earlier"]] == [1000]


def test_who_is_behind_looks_again_at_once() -> None:
    world = over_service(everySeconds=3600).find(days=(1, 2, 3))
    assert world.looks == ["1-a1", "2-a1"]
    assert world.status["currentLook"]["trigger"] == "Behind"
    assert world.look["after"] == "2026-11-04T00:00:00Z"
    assert world.find(days=(4,)).looks == ["1-a1", "2-a1"]


def test_who_asks_has_the_newest_window_judged_anew() -> None:
    world = over_service(everySeconds=3600).find(days=(1,)).ask("now")
    assert world.look["after"] == "2026-11-01T00:00:00Z"
    assert [one["rows"] for one in world.look["earlier"]] == []
    world.find("Drifted", days=(1,))
    assert [item["verdict"] for item in world.status["history"]] == ["Drifted"]
    assert world.pass_time(minutes=30).looks == ["1-a1", "2-a1"]


def test_a_value_of_the_annotation_asks_once() -> None:
    world = over_dataset().find().ask("now").find().ask("now")
    assert world.looks == ["1-a1", "2-a1"]
    assert world.ask("again").looks == ["1-a1", "2-a1", "3-a1"]


@pytest.mark.parametrize("change", [{"rules": {"psi": 0.3}}, {"slices": ["x"]}, {"window": {"seconds": 3600}}])
def test_other_rules_are_another_question(change: dict[str, object]) -> None:
    world = over_dataset().find().edit(**change)
    assert world.looks == ["1-a1", "2-a1"]
    assert world.status["currentLook"]["trigger"] == "Changed"


def test_other_resources_are_not() -> None:
    world = over_dataset().find().edit(resources={"requests": {"cpu": "2"}}, historyLimit=3)
    assert world.looks == ["1-a1"]


def test_a_suspended_monitor_does_not_look() -> None:
    world = over_dataset(suspend=True)
    assert world.looks == []
    assert world.told("Ready") == ("Unknown", "Suspended")
    assert world.edit(suspend=False).looks == ["1-a1"]


def test_it_waits_for_the_dataset_its_snapshot_and_the_model() -> None:
    world = World().create(**OVER_DATASET)
    assert world.told("Ready") == ("False", "DatasetNotReady")
    assert world.told("Reconciling") == ("True", "DatasetNotReady")
    assert world.message() == "there is no Dataset people"
    world.publish()
    assert "has no snapshot yet" in world.message()
    world.publish("a")
    assert world.told("Ready") == ("False", "BaselineNotReady")
    assert world.message() == "there is no TrainingRun churn"
    assert world.train("b").looks == ["1-a1"]


def test_it_waits_for_the_service_to_serve() -> None:
    world = World().create(**OVER_SERVICE)
    assert world.told("Ready") == ("False", "ModelServiceNotReady")
    assert world.serve("b").looks == ["1-a1"]


def test_the_baseline_of_a_run_that_is_gone_goes_on_being_used() -> None:
    world = over_dataset().find()
    world.server.delete("TrainingRun", "churn")
    world.settle()
    assert world.told("Ready")[0] == "True"
    assert f"TrainingRun churn is gone; its model {digest('b')} stays the baseline" in world.message()
    assert world.publish("c", "a").look["baseline"]["digest"] == digest("b")


def test_the_baseline_is_pinned_before_there_is_anything_to_look_at() -> None:
    world = World().train("b").create(**OVER_DATASET)
    world.server.delete("TrainingRun", "churn")
    assert world.settle().publish("a").look["baseline"]["digest"] == digest("b")


def test_a_run_that_was_trained_anew_is_another_baseline() -> None:
    world = over_dataset().find()
    world.server.delete("TrainingRun", "churn")
    world.settle().train("e")
    assert world.looks == ["1-a1", "2-a1"]
    assert world.status["currentLook"]["trigger"] == "Changed"
    assert world.look["baseline"]["digest"] == digest("e")


def test_a_snapshot_is_kept_while_it_is_looked_at_and_while_the_newest_window_is_of_it() -> None:
    world = over_dataset()
    assert _pinned(world, "people") == {digest("a")}
    world.find()
    assert _pinned(world, "people") == {digest("a")}
    world.publish("c", "a")
    assert _pinned(world, "people") == {digest("a"), digest("c")}
    world.find()
    assert _pinned(world, "people") == {digest("c")}


def test_the_snapshot_that_the_baseline_was_trained_on_is_kept_when_its_run_is_gone() -> None:
    world = World().publish("a").train("b", dataset="applications")
    world.create(**OVER_DATASET | {"suspend": True})
    world.server.delete("TrainingRun", "churn")
    world.settle()
    assert world.status["baseline"]["dataset"] == {"name": "applications", "digest": digest("7"), "uri": "s3://lake/7"}
    assert _pinned(world, "applications") == {digest("7")}


def _pinned(world: World, name: str) -> set[str]:
    """What a Dataset keeps for others."""
    dataset = world.operator.kind("Dataset")
    key = world.key._replace(kind="Dataset", name=name)
    if ("Dataset", name) not in world.server.objects:
        world.server.create(
            {
                "apiVersion": "springtide.dev/v1alpha1",
                "kind": "Dataset",
                "metadata": {"name": name},
                "spec": {"source": {"uri": "s3://lake/p"}, "suspend": True},
            }
        )
        world.settle()
    manifest = world.operator.store.parent(key)
    assert dataset is not None
    assert manifest is not None
    return set(dataset.observe(world.operator.observed(key, manifest)).pinned)


def test_a_snapshot_that_was_given_up_before_the_job_was_made_is_not_looked_at() -> None:
    world = World().publish("a").train("b")

    def give_up(verb: str, resource: str, _: str) -> None:
        if (verb, resource) == ("patch", "driftmonitors/status") and not world.looks:
            world.server.after = lambda *_: None
            world.server.update("Dataset", "people", lambda it: it["status"].update(_kept("c")))

    world.server.after = give_up
    world.create(**OVER_DATASET)
    assert world.looks == ["1-a1"]
    assert world.look["data"]["snapshot"] == digest("c")


def _kept(letter: str) -> dict[str, object]:
    world = World().publish(letter)
    status: dict[str, object] = world.server.get("Dataset", "people")["status"]
    return {name: status[name] for name in ("latest", "snapshots")}


def test_a_dataset_that_goes_while_it_is_looked_at_does_not_end_the_look() -> None:
    world = over_dataset("day")
    world.server.delete("Dataset", "people")
    assert world.settle().find(days=(1,)).status["lastLook"]["outcome"] == "Judged"
    assert world.told("Ready") == ("False", "DatasetNotReady")


def test_a_service_that_writes_nothing_down_cannot_be_watched() -> None:
    world = World().serve("b")
    world.server.update("ModelService", "pd", lambda it: it["spec"].pop("inferenceLog"))
    world.create(**OVER_SERVICE)
    assert world.told("Ready") == ("False", "ModelServiceNotReady")
    assert "set spec.inferenceLog of it" in world.message("Ready")
    world.server.update("ModelService", "pd", lambda it: it["spec"].update(inferenceLog={}))
    world.settle()
    assert world.waiting_pods

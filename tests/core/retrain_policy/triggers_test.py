"""What begins a run, and what does not."""

from datetime import timedelta

import pytest

from tests.core.retrain_policy.world import ON_DRIFT, World, a_policy, digest, served, with_champion

ON_PERFORMANCE = {"triggers": {"performance": {"monitorRef": {"name": "watcher"}}}}
ON_ROWS = {"triggers": {"newRows": {"datasetRef": {"name": "loans"}, "min": 500}}}
DAILY = {"triggers": {"schedule": "0 3 * * *", "timeZone": "Europe/Berlin"}}


def _trigger(world: World) -> str:
    return str(world.status.get("currentRun", {}).get("trigger", {}).get("type", ""))


def test_a_policy_without_a_champion_begins_its_first_run():
    world = a_policy()
    assert world.runs == ["pd-1"]
    assert world.status["currentRun"]["name"] == "pd-1"
    assert _trigger(world) == "First"
    assert world.told("Ready") == ("True", "Retraining")
    assert world.phase == "Training"


def test_the_first_challenger_becomes_the_champion():
    world = with_champion()
    assert world.champion == "1"
    assert world.outcomes == ["Promoted"]
    assert "currentRun" not in world.status
    assert world.told("Ready") == ("True", "WaitingForTrigger")
    assert world.told("Triggered") == ("False", "NotTriggered")


def test_what_a_service_serves_already_is_the_champion_to_beat():
    world = World().publish().serve("c").create(serviceRef={"name": "front"})
    assert world.champion == "3"
    assert "run" not in world.status["champion"]
    assert world.runs == []


def test_enough_drifted_windows_begin_a_run_with_the_numbers():
    world = with_champion(**ON_DRIFT).see("Drifted", "Stable", "Drifted")
    assert world.runs == ["pd-1", "pd-2"]
    trigger = world.status["currentRun"]["trigger"]
    assert trigger["type"] == "Drift"
    assert trigger["windowEnd"] == "2026-11-04T00:00:00Z"
    assert "2 of the newest 3 windows of DriftMonitor watcher drifted" in trigger["message"]
    assert "income (PSI 0.41)" in trigger["message"]


@pytest.mark.parametrize(
    "verdicts",
    [
        ("Drifted",),
        ("Drifted", "Inconclusive", "Inconclusive"),
        ("Inconclusive", "Inconclusive", "Inconclusive"),
        ("DataBroken", "DataBroken", "DataBroken"),
        ("Drifted", "DataBroken", "Stable"),
        ("Drifted", "Drifted", "Stable", "Stable"),
    ],
)
def test_too_few_drifted_windows_begin_nothing(verdicts: tuple[str, ...]):
    world = with_champion(**ON_DRIFT).see(*verdicts)
    assert world.runs == ["pd-1"]
    assert world.told("Triggered") == ("False", "NotTriggered")


def test_a_window_triggers_once():
    world = with_champion(**ON_DRIFT).see("Drifted", "Drifted").train("b").judge("Failed")
    assert world.outcomes == ["Rejected", "Promoted"]
    assert world.told("Triggered") == ("False", "NotTriggered")
    world.see("Drifted", first=3)
    assert _trigger(world) == ""
    world.see("Drifted", first=4)
    assert _trigger(world) == "Drift"


def test_a_window_of_the_model_before_does_not_trigger_for_the_new_one():
    world = served(**ON_DRIFT).see("Drifted", "Drifted", held=True)
    world.see("Drifted", "Drifted", first=3, held=True).promote("b")
    assert world.champion == "2"
    assert world.told("Triggered") == ("False", "NotTriggered")
    world.see("Drifted", "Drifted", first=5, held=True)
    assert _trigger(world) == "Drift"


def test_windows_without_event_time_trigger_once():
    world = with_champion(triggers={"drift": {"monitorRef": {"name": "watcher"}}})
    window = {"rows": 10, "verdict": "Drifted", "driftedColumns": 1, "snapshot": digest("e")}
    world.server.update("DriftMonitor", "watcher", lambda it: it["status"].update(history=[window]))
    world.settle()
    assert _trigger(world) == "Drift"
    world.train("b").judge("Failed")
    assert _trigger(world) == ""
    newer = window | {"snapshot": digest("f")}
    world.server.update("DriftMonitor", "watcher", lambda it: it["status"].update(history=[newer, window]))
    world.settle()
    assert _trigger(world) == "Drift"


def test_a_drop_in_performance_of_the_champion_begins_a_run():
    world = with_champion(**ON_PERFORMANCE).measure("f", "Dropped").measure("a", "Inconclusive", first=2)
    assert _trigger(world) == ""
    world.measure("a", "Dropped", first=3)
    assert _trigger(world) == "Performance"
    assert "AUC 0.7 (0.68 to 0.72), promised 0.78" in world.status["currentRun"]["trigger"]["message"]


def test_labels_that_come_after_a_run_began_count_though_their_window_is_old():
    world = with_champion(triggers=ON_PERFORMANCE["triggers"] | ON_DRIFT["triggers"])
    world.see("Drifted", "Drifted", first=20).train("b").judge("Failed")
    world.measure("a", "Dropped", first=2)
    assert _trigger(world) == "Performance"


def test_growth_of_the_data_begins_a_run():
    world = with_champion(**ON_ROWS).publish("e", rows=1499)
    assert _trigger(world) == ""
    world.publish("f", rows=1500)
    assert _trigger(world) == "NewRows"
    world.train("b").judge("Failed").publish("c", rows=1999)
    assert _trigger(world) == ""


def test_a_schedule_begins_a_run_when_it_comes_round():
    world = with_champion(**DAILY)
    assert world.status["nextTime"] == "2026-11-24T02:00:00Z"
    world.pass_time(hours=12)
    assert _trigger(world) == ""
    world.pass_time(hours=1)
    assert _trigger(world) == "Schedule"
    assert world.status["nextTime"] == "2026-11-25T02:00:00Z"


def test_one_run_makes_up_for_all_that_a_schedule_missed():
    world = with_champion(**DAILY)
    world.now += timedelta(days=5)
    world.restart()
    world.settle()
    assert world.runs == ["pd-1", "pd-2"]
    assert world.status["currentRun"]["trigger"]["time"] == "2026-11-28T02:00:00Z"


def test_a_time_that_was_missed_by_too_much_is_left_out_and_said():
    world = with_champion(triggers=DAILY["triggers"] | {"startingDeadlineSeconds": 600})
    world.now += timedelta(days=5)
    world.restart()
    world.settle()
    assert world.runs == ["pd-1"]
    assert world.status["missedTime"] == "2026-11-28T02:00:00Z"
    assert [event["reason"] for event in world.server.events if event["reason"] == "RunMissed"]


def test_each_value_of_the_annotation_asks_for_one_run():
    world = with_champion().ask("a")
    assert _trigger(world) == "Manual"
    world.train("b").judge("Failed")
    assert _trigger(world) == ""
    world.ask("b")
    assert _trigger(world) == "Manual"


def test_a_run_made_by_hand_begins_when_nothing_else_is_under_way():
    world = with_champion().ask().make_run("mine")
    assert world.run("mine")["phase"] == "Pending"
    assert world.told("Ready", of=world.of_run("mine")) == ("Unknown", "WaitingForTurn")
    world.end("pd-2-a", {"status": "Failed", "reason": "TrainingFailed"}, exit_code=64)
    assert world.status["currentRun"]["name"] == "mine"
    assert world.run("mine")["phase"] == "Training"
    assert _trigger(world) == "Manual"


def test_a_dry_run_is_not_made_again_and_again():
    world = a_policy(mode="DryRun").train("a").judge().pass_time(days=2)
    assert world.runs == ["pd-1"]
    assert world.champion == ""
    world.edit(mode="Act")
    assert _trigger(world) == "First"

"""What begins a run, and what does not."""

from tests.core.retrain_policy.world import ON_DRIFT, a_policy, served, with_champion


def test_a_policy_without_a_champion_begins_its_first_run():
    world = a_policy()
    assert world.runs == ["pd-1"]
    assert world.status["currentRun"]["name"] == "pd-1"
    assert world.status["currentRun"]["trigger"]["type"] == "First"
    assert world.told("Ready") == ("True", "Retraining")
    assert world.phase == "Training"


def test_the_first_challenger_becomes_the_champion():
    world = with_champion()
    assert world.champion == "1"
    assert world.outcomes == ["Promoted"]
    assert "currentRun" not in world.status
    assert world.told("Ready") == ("True", "WaitingForTrigger")
    assert world.told("Triggered") == ("False", "NotTriggered")


def test_enough_drifted_windows_begin_a_run_with_the_numbers():
    world = with_champion(**ON_DRIFT).see("Drifted", "Stable", "Drifted")
    assert world.runs == ["pd-1", "pd-2"]
    trigger = world.status["currentRun"]["trigger"]
    assert trigger["type"] == "Drift"
    assert trigger["windowEnd"] == "2026-11-04T00:00:00Z"
    assert "2 of the newest 3 windows of DriftMonitor watcher drifted" in trigger["message"]
    assert "income (PSI 0.41)" in trigger["message"]


def test_what_a_service_serves_is_held_against_the_next_challenger():
    world = served(**ON_DRIFT).see("Drifted", "Drifted", held=True)
    assert world.runs == ["pd-1", "pd-2"]

"""What holds a run back though it was triggered; and that it is not lost."""

import pytest

from tests.core.retrain_policy.world import NAME, ON_DRIFT, TEMPLATE, World, with_champion


def drifted(**spec: object) -> World:
    """A policy with a champion, whose monitor has just seen drift."""
    return with_champion(**ON_DRIFT | spec).see("Drifted", "Drifted")


def test_a_run_waits_until_it_is_cool_and_begins_then():
    world = with_champion(**ON_DRIFT, guards={"cooldownSeconds": 600}).pass_time(minutes=11)
    world.see("Drifted", "Drifted").train("b").judge("Failed")
    world.see("Drifted", "Drifted", first=3)
    assert world.told("Triggered") == ("True", "Drift")
    assert world.told("Ready") == ("True", "CoolingDown")
    assert "no run begins before 2026-11-23T" in world.message("Triggered")
    assert world.runs == ["pd-1", "pd-2"]
    world.pass_time(seconds=600)
    assert world.runs == ["pd-1", "pd-2", "pd-3"]
    assert world.status["currentRun"]["trigger"]["type"] == "Drift"


def test_a_budget_is_not_exceeded_by_runs_that_begin_by_themselves():
    world = drifted(guards={"cooldownSeconds": 0, "maxRunsPerMonth": 2}).train("b").judge("Failed")
    world.see("Drifted", "Drifted", first=3)
    assert world.told("Ready") == ("True", "BudgetSpent")
    assert world.told("Triggered") == ("True", "Drift")
    world.ask().train("c").judge("Failed")
    assert world.outcomes[0] == "Rejected"
    world.see("Drifted", "Drifted", first=5).pass_time(days=29)
    assert len(world.runs) == 3
    world.pass_time(days=2)
    assert len(world.runs) == 4


def test_data_that_breaks_its_contract_is_not_learned():
    world = with_champion(**ON_DRIFT).publish("e", met="False").see("Drifted", "Drifted")
    assert world.told("Ready") == ("False", "ContractViolated")
    assert "column age, max: 300 is too much" in world.message()
    assert world.told("Triggered") == ("True", "Drift")
    world.ask()
    assert world.told("Triggered") == ("True", "Manual")
    assert world.runs == ["pd-1"]
    world.publish("f")
    assert world.status["currentRun"]["trigger"]["type"] == "Manual"


def test_broken_data_stops_the_loop_until_it_is_mended():
    world = with_champion(**ON_DRIFT).see("Drifted", "Drifted", "DataBroken")
    assert world.told("Ready") == ("False", "DataBroken")
    assert "it is DataBroken" in world.message()
    assert world.told("Triggered") == ("True", "Drift")
    world.ask()
    assert world.runs == ["pd-1"]
    world.see("Stable", first=4)
    assert world.runs == ["pd-1", "pd-2"]


def test_who_trains_in_vain_stops_until_a_person_begins_anew():
    world = drifted(guards={"cooldownSeconds": 0, "maxConsecutiveRejections": 2}).train("b").judge("Failed")
    world.see("Drifted", "Drifted", first=3).train("c").judge("Inconclusive")
    assert world.told("Ready") == ("False", "RetrainingDoesNotHelp")
    assert world.told("Stalled") == ("True", "RetrainingDoesNotHelp")
    world.see("Drifted", "Drifted", first=5)
    assert world.told("Triggered") == ("True", "Drift")
    assert len(world.runs) == 3
    world.ask()
    assert len(world.runs) == 4
    assert world.status["rejections"] == 0


def test_one_run_at_a_time():
    world = drifted().see("Drifted", "Drifted", first=3)
    assert world.told("Triggered") == ("True", "Drift")
    assert "held back: RetrainRun pd-2 is under way" in world.message("Triggered")
    assert world.runs == ["pd-1", "pd-2"]


def test_a_suspended_policy_begins_nothing_and_finishes_what_it_began():
    world = drifted().edit(suspend=True).train("b").judge().alias().pass_time(hours=1)
    assert world.champion == "2"
    world.ask()
    assert world.told("Ready") == ("True", "Suspended")
    assert world.told("Triggered") == ("True", "Manual")
    world.edit(suspend=False)
    assert world.status["currentRun"]["trigger"]["type"] == "Manual"


def test_a_service_that_follows_another_policy_is_left_alone():
    world = World().publish().serve("a", policy="other").create(serviceRef={"name": "front"})
    assert world.told("Ready") == ("False", "ServiceFollowsOther")
    assert "takes its version from RetrainPolicy other" in world.message()
    assert world.runs == []
    world.ask()
    assert world.runs == []
    world.serve("a", policy="pd")
    assert world.champion == "1"


def test_what_a_policy_names_may_come_later():
    world = World().create(serviceRef={"name": "front"}, **ON_DRIFT)
    assert world.told("Ready") == ("False", "ModelServiceNotReady")
    world.serve()
    assert world.told("Ready") == ("False", "DatasetNotReady")
    world.publish()
    assert world.told("Ready") == ("False", "DriftMonitorNotFound")
    assert world.told("Triggered") == ("True", "First")
    world.see()
    assert world.runs == ["pd-1"]


def test_a_schedule_that_cannot_be_right_is_said_and_ends_no_run():
    world = drifted().edit(triggers={"schedule": "99 * * * *"})
    assert world.told("Ready") == ("False", "InvalidSpec")
    world.train("b").judge().alias().pass_time(hours=1)
    assert world.champion == "2"
    assert world.told("Stalled") == ("True", "InvalidSpec")


@pytest.mark.parametrize("split", [{}, {"split": {"type": "Random"}}, {"split": {"type": "Time"}}])
def test_a_policy_from_before_the_newest_rows_had_to_be_held_out_stands_still_and_says_what_to_write(split):
    data = {"datasetRef": {"name": "loans"}, **split}
    world = with_champion().edit(template=TEMPLATE | {"data": data}).ask()
    assert world.told("Stalled") == ("True", "InvalidSpec")
    assert "spec.template.data.split.type must be Time, and split.column name the time" in world.message()
    assert world.runs == ["pd-1"]
    world.edit(template=TEMPLATE)
    assert world.runs == ["pd-1", "pd-2"]


def test_a_run_that_began_before_that_goes_on():
    world = with_champion().ask()
    random = {"type": "Random", "testFraction": 0.2}
    world.server.update("RetrainRun", "pd-2", lambda it: it["status"]["plan"]["template"]["data"].update(split=random))
    world.server.update("RetrainPolicy", NAME, lambda it: it["spec"]["template"]["data"].update(split=random))
    world.settle().train("b").judge().alias().pass_time(hours=1)
    assert world.phase == "Promoted"
    assert world.told("Ready") == ("False", "InvalidSpec")

"""One pass of the loop, from the trigger to what becomes of the challenger."""

from tests.core.retrain_policy.world import ON_DRIFT, SERVED, World, a_policy, digest, served, with_champion


def a_second_run(**spec: object) -> World:
    """A policy with champion `a` whose second run trains."""
    return with_champion(**spec).ask()


def test_a_run_trains_judges_promotes_and_ends():
    world = a_second_run()
    assert world.server.get("TrainingRun", "pd-2")["spec"]["data"]["datasetRef"] == {"name": "loans"}
    world.train("b")
    assert world.phase == "Judging"
    task = world.task()
    assert task["operation"] == "Evaluate"
    assert task["data"] == {"uri": "s3://lake/d", "snapshot": digest("d"), "split": task["data"]["split"]}
    assert task["challenger"]["digest"] == digest("b")
    assert task["champion"]["digest"] == digest("a")
    assert task["circumstances"]["policy"] == "pd"
    assert task["evidenceUri"] == "s3://artifacts/springtide/evidence/team.pd/"
    world.judge()
    assert world.phase == "RollingOut"
    assert world.champion == "2"
    assert world.status["previous"]["version"] == "1"
    assert world.task()["operation"] == "Promote"
    assert world.task()["modelName"] == "team.pd-12m"
    world.alias()
    assert world.run()["aliasSet"] == "2"
    world.pass_time(hours=1)
    assert world.phase == "Promoted"
    assert world.told("Ready", of=world.of_run()) == ("True", "Promoted")
    assert "took the place of version 1: auc: AUC 0.78" in world.run()["outcomeMessage"]
    assert world.outcomes == ["Promoted", "Promoted"]


def test_a_challenger_that_fails_a_gate_is_rejected_with_numbers():
    world = a_second_run().train("b").judge("Failed", "AUC 0.61, the champion's 0.76")
    assert world.phase == "Rejected"
    assert "auc: AUC 0.61, the champion's 0.76" in world.run()["outcomeMessage"]
    assert world.champion == "1"
    assert world.status["rejections"] == 1


def test_what_is_not_certain_is_not_promoted():
    world = a_second_run().train("b").judge("Inconclusive", "only 12 rows")
    assert world.phase == "Inconclusive"
    assert world.champion == "1"
    assert "only 12 rows" in world.run()["outcomeMessage"]


def test_the_same_model_as_the_champion_is_not_judged():
    world = a_second_run().train("a", version="2")
    assert world.phase == "Rejected"
    assert "the same model as the champion" in world.run()["outcomeMessage"]
    assert not [name for name in world.jobs if name.startswith("pd-2-evaluate")]


def test_a_dry_run_says_what_it_would_have_promoted():
    world = a_policy(mode="DryRun").train("a").judge()
    assert world.phase == "DryRun"
    assert "would have promoted version 1" in world.run()["outcomeMessage"]
    assert world.champion == ""


def test_a_person_approves_and_is_remembered():
    world = a_policy(approval="Manual").train("a").judge()
    assert world.phase == "AwaitingApproval"
    assert world.champion == ""
    world.approve("ada")
    assert world.phase == "RollingOut"
    assert world.run()["approval"]["by"] == "ada"
    assert world.champion == "1"


def test_an_approval_from_before_the_verdict_approves_nothing():
    world = a_policy(approval="Manual").approve("ada").train("a").judge()
    assert (world.phase, world.champion) == ("AwaitingApproval", "")
    assert "springtide.dev/approve=ada was there before the verdict and approves nothing" in world.message(
        of=world.of_run()
    )
    world.approve("ben")
    assert world.phase == "RollingOut"
    assert world.run()["approval"]["by"] == "ben"


def test_an_approval_from_before_the_verdict_can_be_given_anew():
    world = a_policy(approval="Manual").approve("ada").train("a").judge().approve("")
    assert world.phase == "AwaitingApproval"
    assert "approves nothing" not in world.message(of=world.of_run())
    world.approve("ada")
    assert world.phase == "RollingOut"
    assert world.run()["approval"]["by"] == "ada"


def test_a_first_challenger_can_be_held():
    world = a_policy(firstRun="Hold").train("a").judge()
    assert world.phase == "AwaitingApproval"


def test_a_service_takes_over_before_the_watch_begins():
    world = World().publish().see().serve().create(**SERVED).train("a").judge().alias()
    assert world.phase == "RollingOut"
    assert world.champion == "1"
    world.serve("a")
    assert world.phase == "Watching"
    world.pass_time(minutes=11)
    assert world.phase == "Promoted"


def test_a_service_that_is_led_elsewhere_meanwhile_is_named_and_the_run_goes_on_when_it_is_led_back():
    world = served(**ON_DRIFT).see("Drifted", "Drifted", held=True).train("b").judge().alias()
    assert world.phase == "RollingOut"
    world.serve("a", policy="other")
    (ready,) = (one for one in world.run()["conditions"] if one["type"] == "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "ServiceFollowsOther")
    assert "takes its version from RetrainPolicy other and will not take over version 2" in ready["message"]
    world.pass_time(minutes=600)
    assert world.phase == "RollingOut", "nothing is given up for a person"
    world.serve("b", policy="pd")
    assert world.phase == "Watching"


def test_a_drop_in_performance_takes_the_model_back_at_once():
    world = served(**ON_DRIFT).see("Drifted", "Drifted", held=True).train("b").judge().alias().serve("b")
    assert world.phase == "Watching"
    world.measure("b", "Dropped", first=9)
    assert world.phase == "RollingBack"
    assert world.champion == "1"
    assert world.status["quarantined"][0]["digest"] == digest("b")
    assert world.task()["operation"] == "Promote"
    assert world.task()["version"] == "1"
    world.restore()
    assert world.phase == "RollingBack"
    world.serve("a")
    assert world.phase == "RolledBack"
    assert "version 1 is the champion again" in world.run()["outcomeMessage"]
    assert world.outcomes[0] == "RolledBack"


def test_a_model_that_its_service_takes_back_is_taken_back():
    world = served().ask().train("b").judge().alias().refuse_to_serve("b")
    assert world.phase == "RollingBack"
    world.restore()
    assert world.phase == "RolledBack"
    assert "CheckFailed: errors: 0.5" in world.run()["outcomeMessage"]
    assert world.champion == "1"


def test_a_quarantined_model_is_not_promoted_again():
    world = served().ask().train("b").judge().alias().refuse_to_serve("b").restore()
    world.ask("again").train("b", version="9")
    assert world.phase == "Rejected"
    assert "pd-2 promoted and that was taken back" in world.run()["outcomeMessage"]
    assert "springtide.dev/release=pd-2" in world.run()["outcomeMessage"]


def test_a_quarantined_model_is_promoted_once_a_person_has_released_it():
    world = served().ask().train("b").judge().alias().refuse_to_serve("b").restore()
    assert [item["run"] for item in world.status["quarantined"]] == ["pd-2"]
    world.release("pd-2")
    assert world.status.get("quarantined", []) == []
    world.ask("again").train("b").judge()
    assert world.phase == "RollingBack", "the service has not been told"
    assert [item["run"] for item in world.status["quarantined"]] == ["pd-3"], "what was released once is news again"


def test_a_service_that_is_deleted_meanwhile_is_named_by_run_and_policy():
    world = served().ask().train("b").judge().alias().delete("ModelService", "front")
    assert world.phase == "RollingOut"
    for key in (world.of_run(), None):
        assert world.told("Stalled", of=key) == ("True", "ModelServiceNotReady")
        assert "there is no ModelService front to take over version 2" in world.message(of=key)
    world.serve("b")
    assert world.phase == "Watching"


def test_a_monitor_that_is_deleted_meanwhile_is_named_and_the_watch_ends_in_time():
    world = served().ask().train("b").judge().alias().serve("b").delete("DriftMonitor", "watcher")
    assert world.told("Ready", of=world.of_run()) == ("Unknown", "DriftMonitorNotFound")
    assert "there is no DriftMonitor watcher" in world.message(of=world.of_run())
    world.pass_time(minutes=11)
    assert world.phase == "Promoted"
    assert "there is no DriftMonitor watcher" in world.run()["outcomeMessage"]


def test_a_failed_training_ends_the_run_in_its_own_words():
    world = a_second_run().fail("pd-2-a", "TargetAllNull", "column bad has no value")
    assert world.phase == "Failed"
    assert world.told("Ready", of=world.of_run()) == ("False", "TargetAllNull")
    assert "column bad has no value" in world.run()["outcomeMessage"]
    assert world.champion == "1"

"""What gets lost, deleted or edited while a run is under way."""

from collections.abc import Callable

import pytest

from tests.core.api_server import CrashError
from tests.core.retrain_policy.world import NAME, ON_DRIFT, SERVED, World, digest, served, with_champion


def judging(**spec: object) -> World:
    """A policy with champion `a` whose second run judges challenger `b`."""
    return with_champion(**spec).ask().train("b")


def test_lost_pods_are_replaced_without_a_budget():
    world = judging()
    for attempt in range(1, 8):
        assert world.jobs[-1] == f"pd-2-evaluate-a{attempt}"
        world.fail("-evaluate-", "StoreUnavailable", retryable=True).pass_time(minutes=10)
    world.judge()
    assert world.phase == "RollingOut"


def test_what_is_lost_is_said():
    world = judging().fail("-evaluate-", "StoreUnavailable", "the bucket is away", retryable=True)
    assert "attempt 1 was lost (StoreUnavailable: the bucket is away)" in world.message(of=world.of_run())


def test_a_champion_whose_files_are_gone_from_the_store_fails_the_run_and_goes_on_serving():
    words = "the champion (version 1): there is no model at s3://models/a: it was removed"
    world = judging().fail("-evaluate-", "ModelNotFound", words)
    assert world.phase == "Failed"
    assert world.told("Ready", of=world.of_run()) == ("False", "ModelNotFound")
    assert world.told("Stalled", of=world.of_run()) == ("True", "ModelNotFound")
    assert world.champion == "1"
    assert words in world.status["history"][0]["message"]


GONE = "version 1 of team.pd-12m, the champion, is gone: MLflow at http://mlflow:5000 has no version 1 of team.pd-12m"


def test_a_champion_that_is_gone_from_mlflow_is_said_by_run_and_policy_and_nothing_is_lost():
    world = judging().fail("-evaluate-", "ChampionNotFound", GONE, retryable=True)
    for key in (world.of_run(), None):
        assert world.told("Stalled", of=key) == ("True", "ChampionNotFound")
        assert world.told("Ready", of=key) == ("False", "ChampionNotFound")
        assert GONE in world.message(of=key)
    assert "RetrainRun pd-2 stands still" in world.message()
    assert (world.phase, world.champion) == ("Judging", "1")
    assert world.status["rejections"] == 0


def test_a_champion_that_is_gone_is_looked_for_ever_more_slowly_and_the_run_goes_on_once_it_is_back():
    world = judging()
    for attempt, seconds in enumerate((5, 10, 20, 40, 80, 160, 300, 300), 1):
        world.fail("-evaluate-", "ChampionNotFound", GONE, retryable=True).pass_time(seconds=seconds - 1)
        assert world.jobs[-1] == f"pd-2-evaluate-a{attempt}"
        assert world.told("Ready", of=world.of_run()) == ("False", "ChampionNotFound")
        world.pass_time(seconds=1)
        assert world.jobs[-1] == f"pd-2-evaluate-a{attempt + 1}"
    assert world.task()["registry"] == {"trackingUri": "http://mlflow:5000", "modelName": "team.pd-12m"}
    world.judge()
    assert world.phase == "RollingOut"
    assert world.told("Ready") == ("True", "Retraining")
    world.alias().pass_time(hours=1)
    assert world.phase == "Promoted"


def test_a_champion_that_is_gone_for_good_is_replaced_by_what_a_person_has_served():
    world = served().ask().train("b").fail("-evaluate-", "ChampionNotFound", GONE, retryable=True)
    world.server.update("ModelService", "front", lambda it: it["spec"].pop("versionFrom"))
    world.serve("c", policy=None).delete("RetrainPolicy", NAME).create(**SERVED)
    assert world.champion == ""
    assert world.told("Ready") == ("False", "ServiceFollowsOther")
    world.serve("c")
    assert world.champion == "3"
    assert world.told("Ready") == ("True", "WaitingForTrigger")


def test_without_a_service_a_policy_that_is_made_anew_begins_without_a_champion():
    world = judging().fail("-evaluate-", "ChampionNotFound", GONE, retryable=True)
    world.delete("RetrainPolicy", NAME).create().promote("b")
    assert world.champion == "2"


def test_a_verdict_that_is_missing_fails_the_run():
    world = judging().end("-evaluate-", {"status": "Succeeded", "reason": "Evaluated"})
    assert world.told("Ready", of=world.of_run()) == ("False", "InvalidResult")


def test_mlflow_that_is_away_holds_up_the_alias_and_not_the_service():
    world = served().ask().train("b").judge()
    world.fail("-promote-", "TrackingUnavailable", "MLflow is away", retryable=True)
    assert world.champion == "2"
    assert "MLflow's alias: attempt 1 was lost" in world.message(of=world.of_run())
    world.serve("b")
    assert world.phase == "Watching"
    for _ in range(5):
        world.pass_time(minutes=6).fail("-promote-", "TrackingUnavailable", "MLflow is away", retryable=True)
    assert world.phase == "Watching"
    world.pass_time(minutes=6).alias()
    assert world.phase == "Promoted"


def test_an_alias_that_cannot_be_set_at_all_takes_the_model_back():
    world = served().ask().train("b").judge().fail("-promote-", "DigestMismatch", "version 2 is another model")
    assert world.phase == "RollingBack"
    world.restore()
    assert world.phase == "RolledBack"
    assert "version 2 is another model" in world.run()["outcomeMessage"]


def test_an_alias_that_is_refused_for_its_surroundings_is_set_once_a_person_has_mended_them():
    world = served().ask().train("b").judge()
    for _ in range(4):
        world.fail("-promote-", "AccessDenied", "MLflow refuses: 401").pass_time(minutes=6)
    assert (world.phase, world.champion) == ("RollingOut", "2")
    assert "(AccessDenied: MLflow refuses: 401); it is tried again" in world.message(of=world.of_run())
    world.serve("b").pass_time(minutes=30)
    assert world.phase == "Watching"
    world.alias()
    assert world.phase == "Promoted"
    assert world.status.get("quarantined", []) == []


def test_an_alias_whose_image_cannot_be_pulled_is_waited_for():
    world = served().ask().train("b").judge()
    (pod,) = (name for name in world.waiting_pods if "-promote-" in name)
    waiting = {"name": "main", "state": {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}}
    world.server.update("Pod", pod, lambda it: it["status"].update(containerStatuses=[waiting]))
    world.settle().pass_time(hours=2)
    assert world.phase == "RollingOut"
    assert "no such image" in world.message(of=world.of_run())
    world.alias().serve("b").pass_time(hours=1)
    assert world.phase == "Promoted"


def test_an_alias_that_cannot_be_set_back_is_said_and_ends_the_run():
    world = served().ask().train("b").judge().alias().serve("b").measure("b", "Dropped").serve("a")
    world.fail("-restore-", "ModelNotFound", "version 1 is gone")
    assert world.phase == "RolledBack"
    assert "version 1 is gone" in world.run()["outcomeMessage"]


def test_broken_data_during_the_watch_is_said_and_takes_nothing_back():
    world = served(**ON_DRIFT).ask().train("b").judge().alias().serve("b").see("DataBroken")
    assert world.phase == "Watching"
    assert "which is not held against the model" in world.message(of=world.of_run())
    world.pass_time(minutes=11)
    assert world.phase == "Promoted"


def test_a_training_run_that_is_deleted_is_made_again():
    world = with_champion().ask()
    before = world.server.get("TrainingRun", "pd-2")["metadata"]["uid"]
    world.delete("TrainingRun", "pd-2")
    assert world.server.get("TrainingRun", "pd-2")["metadata"]["uid"] != before
    world.train("b")
    assert world.phase == "Judging"


def test_a_training_that_has_spent_its_budget_for_lost_infrastructure_is_followed_by_another_and_is_no_rejection():
    world = with_champion().ask()
    for attempt in range(1, 12):
        world.fail(f"pd-2-a{attempt}", "TrackingUnavailable", "MLflow is away", retryable=True)
        if attempt < 11:
            world.pass_time(minutes=6)
    assert world.server.get("TrainingRun", "pd-2")["status"]["failures"]["infrastructure"] == 11
    assert world.phase == "Training"
    assert "MLflow is away" in world.message(of=world.of_run())
    assert "pd-2-t2 follows" in world.message(of=world.of_run())
    world.pass_time(seconds=299)
    assert [run["metadata"]["name"] for run in world.server.all("TrainingRun")] == ["pd-1", "pd-2"]
    world.pass_time(seconds=1)
    assert [run["metadata"]["name"] for run in world.server.all("TrainingRun")] == ["pd-1", "pd-2", "pd-2-t2"]
    assert world.run()["trainingRun"] == "pd-2-t2"
    assert world.status.get("rejections", 0) == 0
    world.delete("TrainingRun", "pd-2-t2")
    assert world.run()["trainingRun"] == "pd-2-t2", "one that is deleted is made again under its name"
    world.fail("pd-2-t2-a1", "OutOfMemory")
    assert world.phase == "Failed", "what is no outage is not tried again"
    assert world.run()["trainingRun"] == "pd-2-t2"


def test_a_training_run_that_is_deleted_after_it_succeeded_is_not_missed():
    world = judging().delete("TrainingRun", "pd-2").judge().alias().pass_time(hours=1)
    assert world.phase == "Promoted"


def test_a_run_that_is_deleted_is_remembered_and_not_made_again():
    world = judging().delete("RetrainRun", "pd-2")
    assert world.runs == ["pd-1"]
    assert world.outcomes[0] == "Failed"
    assert "it was deleted before it had ended" in world.status["history"][0]["message"]
    assert world.status["rejections"] == 0
    world.ask("again")
    assert world.runs == ["pd-1", "pd-3"]


def test_a_policy_that_is_deleted_takes_its_runs_along():
    world = judging().delete("RetrainPolicy", NAME)
    assert world.runs == []
    assert list(world.server.all("TrainingRun")) == []
    assert world.jobs == []


def test_a_run_made_by_hand_fails_when_its_policy_goes():
    world = with_champion().make_run("mine").delete("RetrainPolicy", NAME)
    assert world.run("mine")["phase"] == "Failed"
    assert world.told("Ready", of=world.of_run("mine")) == ("False", "PolicyNotFound")


def test_a_run_keeps_the_plan_of_its_beginning():
    world = judging().edit(mode="DryRun", gates=[{"name": "new", "metric": "KS", "min": 0.9}])
    world.judge().alias().pass_time(hours=1)
    assert world.phase == "Promoted"
    assert world.run()["plan"]["gates"][0]["name"] == "auc"


def test_only_the_newest_ended_runs_are_kept_and_that_of_the_champion():
    world = with_champion(historyLimit=2).record()
    for index, letter in enumerate("bcdef"):
        world.ask(letter).train(letter).judge("Failed", f"number {index}").record()
    assert world.runs == ["pd-1", "pd-5", "pd-6"]
    assert len(world.outcomes) == 6


def test_a_status_that_was_lost_is_found_again_in_the_runs():
    world = judging()
    world.server.update("RetrainPolicy", NAME, lambda it: it.update(status={}))
    world.settle()
    assert world.status["currentRun"]["name"] == "pd-2"
    world.judge().alias().pass_time(hours=1)
    assert world.phase == "Promoted"


WRITES = 27
"""Of the operator, from a new policy to the record of its first run."""


@pytest.mark.parametrize("writes", range(WRITES + 1))
def test_a_crash_between_any_two_writes_changes_nothing(writes: int):
    world = World().publish().see().serve()
    left = iter(range(writes))
    crashed = False

    def count(*_: str) -> None:
        if next(left, None) is None:
            world.server.after = lambda *_: None
            raise CrashError

    def survive(step: Callable[[], World], job: str = "") -> None:
        """Do it; after a crash everything is listed anew, and a container that had not ended yet does."""
        nonlocal crashed
        try:
            step()
        except CrashError:
            crashed = True
            world.restart()
            world.settle()
            if job and any(job in pod for pod in world.waiting_pods):
                step()

    world.server.after = count
    survive(lambda: world.create(**SERVED))
    survive(lambda: world.train("a"), "pd-1-a1")
    survive(world.judge, "-evaluate-")
    survive(world.alias, "-promote-")
    survive(lambda: world.serve("a"))
    survive(lambda: world.pass_time(hours=1))
    survive(world.record, "-record-")
    world.pass_time(hours=1)
    assert crashed == (writes < WRITES), "there are as many writes as are tried"
    assert world.phase == "Promoted"
    assert world.runs == ["pd-1"]
    assert world.status["champion"]["digest"] == digest("a")
    assert world.jobs == ["pd-1-a1", "pd-1-evaluate-a1", "pd-1-promote-a1", "pd-1-record-a1"]
    assert world.told("Recorded", of=world.of_run()) == ("True", "Recorded")


def test_what_has_settled_is_not_written_again():
    world = served(**ON_DRIFT).see("Stable", held=True)
    writes = len(world.server.writes)
    world.restart()
    world.pass_time(days=3)
    assert world.server.writes[writes:] == []

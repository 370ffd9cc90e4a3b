"""A service that takes its version from a RetrainPolicy follows its champion, forwards and back."""

from pathlib import Path

import yaml

from tests.core.model_service.world import FOLLOWING, POLICY, World, a_follower, a_service, digest


def test_the_champion_is_served_without_asking_the_registry() -> None:
    world = a_follower()
    assert world.stable == "1"
    assert world.status["stable"]["digest"] == digest("1")
    assert world.jobs == []
    assert world.told("Ready") == ("True", "Serving")


def test_the_example_waits_for_its_policy() -> None:
    example = Path(__file__).parents[3] / "examples" / "model-service-champion.yaml"
    world = World().create(**yaml.safe_load(example.read_text())["spec"])
    assert world.message("Ready") == "there is no RetrainPolicy employment"


def test_another_champion_takes_over_by_a_rollout() -> None:
    world = a_follower().crown("2")
    assert world.candidate["phase"] == "Loading"
    world.start_servers("2")
    assert (world.candidate["phase"], world.asked) == ("Canary", {"1", "2"})
    world.judge("Passed").start_servers("2").judge("Passed").start_servers("2")
    assert world.stable == "2"


def test_a_policy_that_is_not_there_is_waited_for() -> None:
    world = a_service(**FOLLOWING)
    assert world.told("Ready") == ("Unknown", "RetrainPolicyNotReady")
    assert world.told("Progressing") == ("True", "RetrainPolicyNotReady")
    assert world.message("Progressing") == f"there is no RetrainPolicy {POLICY}"
    assert world.crown("1").start_servers("1").stable == "1"


def test_a_policy_without_a_champion_is_waited_for() -> None:
    world = a_service(**FOLLOWING).say()
    assert world.told("Ready") == ("Unknown", "RetrainPolicyNotReady")
    assert "has no champion yet; `kubectl describe retrainpolicy" in world.message("Ready")
    assert world.crown("1").start_servers("1").stable == "1"


def test_what_serves_goes_on_serving_when_its_policy_goes() -> None:
    world = a_follower()
    world.server.delete("RetrainPolicy", POLICY)
    world.settle()
    assert world.told("Ready") == ("True", "Serving")
    assert world.told("Progressing") == ("True", "RetrainPolicyNotReady")
    assert "version 1 goes on serving" in world.message("Progressing")
    assert world.crown("1").told("Progressing") == ("False", "TakenOver")


def test_a_policy_of_another_model_is_refused() -> None:
    world = World().say(of="lgd").create(**FOLLOWING)
    assert world.told("Ready") == ("False", "InvalidSpec")
    assert f"RetrainPolicy {POLICY} trains the model lgd, and spec.model.name is pd-12m" in world.message("Ready")
    assert world.jobs == []


def test_a_champion_that_is_taken_back_goes_at_once_while_the_one_before_is_kept() -> None:
    world = a_follower(rollout={"steps": []}).crown("2").start_servers("2")
    assert world.stable == "2"
    world.crown("1", taken_back=("2",))
    assert (world.stable, world.asked) == ("1", {"1"})
    assert not world.status.get("quarantined")
    assert not world.pass_time(days=1).candidate


def test_a_champion_that_is_taken_back_late_goes_without_a_comparison() -> None:
    steps = [{"weight": 50, "pauseSeconds": 60}]
    world = a_follower(rollout={"steps": steps, "keepStableSeconds": 0}).crown("2").start_servers("2")
    world.judge("Passed").start_servers("2")
    assert (world.stable, world.replicas("1")) == ("2", 0)
    jobs = world.jobs
    world.crown("1", taken_back=("2",)).start_servers("1")
    assert (world.stable, world.asked) == ("1", {"1"})
    assert world.jobs == jobs, "nothing is compared with a model that was taken back"


def test_a_candidate_goes_when_the_champion_changes_back() -> None:
    world = a_follower().crown("2").start_servers("2").crown("1", taken_back=("2",))
    assert (world.stable, world.asked, world.replicas("2")) == ("1", {"1"}, 0)
    assert world.told("Progressing") == ("False", "TakenOver")
    assert not world.status.get("quarantined")


def test_a_champion_that_the_service_takes_back_is_told_and_not_tried_again() -> None:
    world = a_follower().crown("2").start_servers("2").judge("Failed", says="errors: 0.5, at most 0.01")
    assert world.stable == "1"
    assert world.status["quarantined"][0]["digest"] == digest("2")
    assert world.told("Progressing") == ("False", "Quarantined")
    assert not world.pass_time(days=30).candidate
    world.crown("3", model="2")
    assert world.replicas("2") == 0
    assert world.told("Progressing") == ("False", "Quarantined")
    assert "which was taken back" in world.message("Progressing")
    assert not world.pass_time(days=30).candidate


def test_a_pinned_service_begins_to_follow_without_an_interruption() -> None:
    world = a_service(rollout={"steps": []}).serve("1").crown("1")
    world.edit(**FOLLOWING)
    assert (world.stable, world.candidate) == ("1", {})
    world.crown("2")
    assert (world.asked, world.replicas("1")) == ({"1"}, 2)
    assert world.start_servers("2").stable == "2"


def test_a_follower_is_pinned_to_another_version_without_an_interruption() -> None:
    world = a_follower(rollout={"steps": []})
    world.server.update("ModelService", "pd", lambda it: it["spec"].pop("versionFrom"))
    world.ask_for("2").resolve("2")
    assert (world.asked, world.replicas("1")) == ({"1"}, 2)
    world.start_servers("2")
    assert world.stable == "2"
    assert world.crown("3").candidate == {}


def test_the_champion_s_model_under_another_number_needs_no_rollout() -> None:
    world = a_follower().crown("4", model="1")
    assert world.status["stable"]["version"] == "4"
    assert world.status["stable"]["digest"] == digest("1")
    assert not world.candidate


def test_a_registry_that_counts_from_one_again_does_not_hide_another_model() -> None:
    world = a_follower(rollout={"steps": []}).crown("1", model="2")
    assert (world.candidate["version"], world.candidate["digest"]) == ("1", digest("2"))
    world.start_servers("2")
    assert world.status["stable"]["digest"] == digest("2")
    assert world.told("Progressing") == ("False", "TakenOver")


def test_a_candidate_goes_when_its_number_means_another_model() -> None:
    world = a_follower().crown("2").start_servers("2").crown("2", model="3")
    assert world.candidate["digest"] == digest("3")
    assert (world.asked, world.replicas("2")) == ({"1"}, 0)


def test_a_number_that_was_taken_back_may_mean_another_model() -> None:
    world = a_follower().crown("2").start_servers("2").judge("Failed").crown("2", model="3")
    assert world.candidate["digest"] == digest("3")
    assert world.crown("2").told("Progressing") == ("False", "Quarantined")


def test_a_number_that_is_kept_may_mean_another_model() -> None:
    world = a_follower(rollout={"steps": []}).crown("2").start_servers("2").crown("1", model="3")
    assert (world.candidate["phase"], world.candidate["digest"]) == ("Loading", digest("3"))

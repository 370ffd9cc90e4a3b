"""A version takes over only when it has proved itself, step by step; what fails goes back and stays away."""

from datetime import timedelta

from tests.core.model_service.world import World, a_service, digest


def test_the_first_version_serves_once_its_servers_are_ready() -> None:
    world = a_service()
    assert world.told("Ready") == ("Unknown", "Resolving")
    assert world.task()["version"] == "1"
    world.resolve("1")
    assert world.replicas("1") == 2
    assert world.told("Ready") == ("Unknown", "Loading")
    world.start_servers("1")
    assert world.stable == "1"
    assert world.told("Ready") == ("True", "Serving")
    assert world.told("Progressing") == ("False", "TakenOver")
    assert world.asked == {"1"}
    assert world.status["url"] == "http://pd.team.svc.cluster.local"


def test_a_candidate_gets_no_requests_before_its_servers_are_ready() -> None:
    world = a_service().serve("1").ask_for("2").resolve("2")
    assert world.asked == {"1"}
    assert (world.replicas("1"), world.replicas("2")) == (2, 1)
    world.start_servers("2")
    assert world.asked == {"1", "2"}
    assert world.candidate["phase"] == "Canary"


def test_steps_raise_the_share_until_it_takes_over() -> None:
    world = a_service(replicas={"min": 4}).serve("1").ask_for("2").resolve("2").start_servers("2")
    assert (world.replicas("1"), world.replicas("2")) == (4, 1)
    assert (world.task()["seconds"], world.task()["minSamples"]) == (60, 100)
    world.judge("Passed")
    assert (world.replicas("1"), world.replicas("2")) == (4, 4)
    assert world.candidate["weight"] == 31
    world.start_servers("2").judge("Passed")
    assert world.stable == "2"
    assert world.asked == {"2"}
    assert world.status["previous"]["version"] == "1"


def test_the_version_before_is_kept_for_a_while_and_then_goes() -> None:
    world = a_service().serve("1").ask_for("2").serve("2")
    assert world.replicas("1") == 2
    world.pass_time(seconds=3599)
    assert world.replicas("1") == 2
    world.pass_time(seconds=1)
    assert world.replicas("1") == 0
    assert "previous" not in world.status


def test_going_back_to_a_version_that_is_kept_is_immediate() -> None:
    world = a_service().serve("1").ask_for("2").serve("2")
    jobs = len(world.jobs)
    world.ask_for("1")
    assert world.stable == "1"
    assert world.asked == {"1"}
    assert len(world.jobs) == jobs


def test_a_server_goes_only_when_one_of_the_candidate_takes_its_place() -> None:
    steps = [{"weight": 25, "pauseSeconds": 60}, {"weight": 75, "pauseSeconds": 60}]
    world = a_service(replicas={"min": 4}, rollout={"steps": steps}).serve("1").ask_for("2").resolve("2")
    world.start_servers("2")
    assert (world.replicas("1"), world.replicas("2")) == (4, 1)
    world.judge("Passed")
    assert (world.replicas("1"), world.replicas("2")) == (3, 4), "three of the four have not started"
    world.start_servers("2")
    assert (world.replicas("1"), world.replicas("2")) == (1, 4)


def test_a_wrong_wish_does_not_cost_the_version_that_is_kept() -> None:
    world = a_service().serve("1").ask_for("2").serve("2").ask_for("9")
    assert (world.replicas("1"), world.status["previous"]["version"]) == (2, "1"), "nobody has found version 9 yet"
    world.resolve("9")
    assert (world.replicas("1"), world.replicas("9"), world.asked) == (2, 1, {"2"})
    jobs = len(world.jobs)
    world.ask_for("1")
    assert (world.stable, world.asked, world.replicas("9")) == ("1", {"1"}, 0)
    assert len(world.jobs) == jobs, "going back is immediate"


def test_the_version_that_is_kept_gets_no_requests_when_another_candidate_does() -> None:
    world = a_service().serve("1").ask_for("2").serve("2").ask_for("3").resolve("3").start_servers("3")
    assert (world.candidate["phase"], world.asked) == ("Canary", {"2", "3"})
    assert world.replicas("1") == 0
    assert "previous" not in world.status


def test_a_version_is_kept_no_longer_than_it_should_while_another_is_looked_for() -> None:
    world = a_service().serve("1").ask_for("2").serve("2").ask_for("9").pass_time(seconds=3599)
    assert world.replicas("1") == 2
    world.pass_time(seconds=1)
    assert world.replicas("1") == 0
    assert world.candidate["version"] == "9"


def test_the_model_that_is_kept_comes_back_at_once_under_another_number() -> None:
    world = a_service().serve("1").ask_for("2").serve("2").ask_for("3").resolve("3", model="1")
    assert (world.stable, world.status["stable"]["digest"], world.asked) == ("3", digest("1"), {"1"})


def test_a_check_that_fails_takes_the_candidate_back_and_quarantines_its_model() -> None:
    world = a_service().serve("1").ask_for("2").resolve("2").start_servers("2")
    world.judge("Failed", says="errors: 0.5, at most 0.01")
    assert world.stable == "1"
    assert world.asked == {"1"}
    assert world.replicas("2") == 0
    (quarantined,) = world.status["quarantined"]
    assert (quarantined["digest"], quarantined["reason"]) == (digest("2"), "CheckFailed")
    assert world.told("Ready") == ("True", "Serving")
    assert world.told("Progressing") == ("False", "Quarantined")
    assert "errors: 0.5, at most 0.01" in world.message("Progressing")
    assert world.told("Stalled")[0] == "True"
    assert not world.pass_time(days=30).candidate


def test_a_model_in_quarantine_is_not_tried_under_another_number() -> None:
    world = a_service().serve("1").ask_for("2").resolve("2").start_servers("2").judge("Failed")
    world.ask_for("3").resolve("3", model="2")
    assert world.replicas("2") == 0
    assert world.told("Progressing") == ("False", "Quarantined")
    assert "which was taken back" in world.message("Progressing")


def test_a_person_can_end_a_quarantine() -> None:
    world = a_service().serve("1").ask_for("2").resolve("2").start_servers("2").judge("Failed")
    world.annotate(release="2")
    assert world.candidate["version"] == "2"
    assert world.serve("2").stable == "2"


def test_a_model_that_fails_its_proof_never_gets_a_request() -> None:
    world = a_service().serve("1").ask_for("2").resolve("2")
    world.refuse_to_start("2", reason="DigestMismatch", message="model.txt has other bytes than its manifest says")
    assert world.asked == {"1"}
    assert world.replicas("2") == 0
    assert world.status["quarantined"][0]["reason"] == "DigestMismatch"
    assert "other bytes" in world.message("Progressing")


def test_servers_that_never_become_ready_are_given_up() -> None:
    world = a_service().serve("1").ask_for("2").resolve("2").run_servers("2").pass_time(seconds=599)
    assert world.candidate["phase"] == "Loading"
    world.pass_time(seconds=1)
    assert world.status["quarantined"][0]["reason"] == "LoadFailed"
    assert world.stable == "1"


def test_a_candidate_for_which_the_cluster_has_no_place_is_not_blamed() -> None:
    world = a_service().serve("1").ask_for("2").resolve("2").wait_for_room("2", says="0/3 nodes are available")
    world.pass_time(days=1)
    assert world.told("Progressing") == ("True", "Starting")
    assert "0 of 1 servers of version 2 are ready" in world.message("Progressing")
    assert "0/3 nodes are available" in world.message("Progressing")
    assert not world.status.get("quarantined")
    assert (world.stable, world.asked) == ("1", {"1"})
    assert world.start_servers("2").candidate["phase"] == "Canary"


def test_servers_that_found_a_place_late_have_as_long_as_any_others() -> None:
    world = a_service().serve("1").ask_for("2").resolve("2").wait_for_room("2", says="0/3 nodes are available")
    world.pass_time(days=1).run_servers("2").pass_time(seconds=599)
    assert world.candidate["phase"] == "Loading"
    world.pass_time(seconds=1)
    assert world.status["quarantined"][0]["reason"] == "LoadFailed"


def test_a_candidate_without_a_place_takes_that_of_the_version_that_is_kept() -> None:
    world = a_service().serve("1").ask_for("2").serve("2").ask_for("3").resolve("3")
    world.wait_for_room("3", says="0/3 nodes are available").pass_time(seconds=599)
    assert world.replicas("1") == 2
    world.pass_time(seconds=1)
    assert (world.replicas("1"), world.replicas("3")) == (0, 1)


def test_a_step_with_too_few_requests_is_held() -> None:
    world = a_service().serve("1").ask_for("2").resolve("2").start_servers("2")
    world.judge("Inconclusive", requests=7, says="7 requests, 100 are needed")
    assert world.candidate["step"] == 0
    assert world.told("Progressing") == ("True", "Holding")
    assert "7 requests" in world.message("Progressing")
    world.judge("Passed")
    assert world.candidate["step"] == 1


def test_a_step_with_too_few_requests_goes_back_where_the_spec_says_so() -> None:
    rollout = {"steps": [{"weight": 25, "pauseSeconds": 60}], "onInconclusive": "Rollback"}
    world = a_service(rollout=rollout).serve("1").ask_for("2").resolve("2").start_servers("2")
    world.judge("Inconclusive", says="7 requests, 100 are needed")
    assert world.status["quarantined"][0]["reason"] == "Inconclusive"


def test_without_steps_a_candidate_takes_over_once_it_is_ready() -> None:
    world = a_service(rollout={"steps": []}).serve("1").ask_for("2").resolve("2")
    assert (world.replicas("2"), world.asked) == (2, {"1"})
    assert world.start_servers("2").stable == "2"


def test_another_wish_drops_the_candidate_without_a_quarantine() -> None:
    world = a_service().serve("1").ask_for("2").resolve("2").start_servers("2").ask_for("3")
    assert world.asked == {"1"}
    assert world.replicas("2") == 0
    assert world.candidate["version"] == "3"
    assert not world.status.get("quarantined")
    assert world.ask_for("1").told("Progressing") == ("False", "TakenOver")
    assert not world.candidate


def test_the_same_model_under_another_number_needs_no_rollout() -> None:
    world = a_service().serve("1").ask_for("2").resolve("2", model="1")
    assert world.stable == "2"
    assert world.status["stable"]["digest"] == digest("1")
    assert world.replicas("1") == 2
    assert not world.candidate


def test_a_suspended_service_goes_on_serving_and_begins_nothing() -> None:
    world = a_service().serve("1").edit(suspend=True).ask_for("2")
    assert not world.candidate
    assert world.told("Ready") == ("True", "Serving")
    assert world.told("Progressing") == ("False", "Suspended")
    assert world.edit(suspend=False).candidate["version"] == "2"


def test_a_registry_that_does_not_answer_is_asked_again_for_as_long_as_it_takes() -> None:
    world = a_service()
    unreachable = {"status": "Failed", "reason": "TrackingUnavailable", "message": "MLflow does not answer"}
    for _ in range(8):
        world.end(unreachable | {"retryable": True}, exit_code=75).pass_time(seconds=300)
    assert world.told("Ready") == ("Unknown", "TrackingUnavailable")
    assert "MLflow does not answer" in world.message("Ready")
    assert world.serve("1").stable == "1"


def test_a_version_that_is_not_registered_is_told_and_found_once_it_is() -> None:
    world = a_service()
    missing = {"status": "Failed", "reason": "ModelNotFound", "message": "pd-12m has no version 1"}
    world.end(missing, exit_code=64)
    assert world.told("Ready")[1] == "ModelNotFound"
    assert "pd-12m has no version 1" in world.message("Ready")
    assert world.pass_time(seconds=10).serve("1").stable == "1"


def test_readiness_tells_what_is_observed() -> None:
    world = a_service().serve("1").lose_server("1")
    assert world.told("Ready") == ("False", "TooFewReplicas")
    assert "1 of 2 servers are ready" in world.message("Ready")
    assert world.start_servers("1").told("Ready") == ("True", "Serving")


def test_readiness_credits_each_version_with_its_own_servers() -> None:
    world = a_service().serve("1").ask_for("2").resolve("2")
    assert world.message("Ready") == "version 1 (sha256:111111111111) answers on 2 servers", "2 gets no requests yet"
    world.start_servers("2")
    assert world.status["readyReplicas"] == 2, "those of version 1"
    assert world.message("Ready").endswith("answers on 2 servers, version 2 (sha256:222222222222) answers on 1 server")
    world.lose_server("1")
    assert world.told("Ready") == ("True", "Serving"), "as many as are asked for do answer"
    assert world.message("Ready").startswith("version 1 (sha256:111111111111) answers on 1 server, version 2")
    assert world.status["readyReplicas"] == 1
    world.start_servers("1").lose_server("1").lose_server("1")
    assert world.told("Ready") == ("False", "TooFewReplicas")
    assert world.message("Ready") == "1 of 2 servers are ready: 0 of version 1, 1 of version 2"
    assert world.status["readyReplicas"] == 0


def test_a_candidate_that_cannot_start_says_nothing_of_the_servers_that_are_asked() -> None:
    world = a_service().serve("1").ask_for("2").resolve("2").lose_server("1")
    world.wait_for_room("2", says="0/3 nodes are available")
    assert world.message("Ready") == "1 of 2 servers are ready: 1 of version 1"


def test_what_somebody_changes_in_the_service_is_changed_back() -> None:
    world = a_service().serve("1")
    world.server.update("Service", "pd", lambda it: it["spec"].update(selector={"app": "other"}))
    assert world.settle().asked == {"1"}
    world.server.update("Deployment", "pd-111111111111", lambda it: it["spec"].update(replicas=9))
    assert world.settle().replicas("1") == 2


def test_a_settled_service_is_not_written_to() -> None:
    world = a_service().serve("1").pass_time(days=1)
    writes = len(world.server.writes)
    world.restart()
    world.pass_time(days=30)
    assert world.server.writes[writes:] == []


def test_a_restart_at_any_moment_changes_nothing() -> None:
    def story(world: World, *, restarts: bool) -> dict[str, object]:
        def step(next_world: World) -> None:
            if restarts:
                next_world.restart()
                next_world.settle()

        for act in (
            world.create,
            lambda: world.resolve("1"),
            lambda: world.start_servers("1"),
            lambda: world.ask_for("2"),
            lambda: world.resolve("2"),
            lambda: world.start_servers("2"),
            lambda: world.judge("Passed"),
            lambda: world.start_servers("2"),
            lambda: world.judge("Passed"),
            lambda: world.pass_time(seconds=timedelta(hours=2).total_seconds()),
        ):
            act()
            step(world)
        return {**world.status, "jobs": world.jobs}

    assert story(World(), restarts=True) == story(World(), restarts=False)


def test_servers_write_down_what_they_answer_only_where_that_is_asked_for() -> None:
    assert a_service().serve("1").serving("1").log is None
    world = a_service(inferenceLog={"sampleFraction": 0.5, "retentionSeconds": 86_400}).serve("1")
    log = world.serving("1").log
    assert log is not None
    assert log.uri.endswith("/inference/team.pd")
    assert (log.sample_fraction, log.retention_seconds) == (0.5, 86_400)

"""What becomes of a run is published once it has ended, and changes nothing that was said of it."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from springtide.api.retrain_run import Course
from springtide.cluster.client import ApiError

from tests.core import controllers
from tests.core.api_server import CrashError
from tests.core.retrain_policy.world import NAME, ON_DRIFT, World, a_policy, digest, served, with_champion


def a_rejected_run(**spec: Any) -> World:
    """A policy with champion `a` whose second run is rejected."""
    return with_champion(**spec).record().ask().train("b").judge("Failed", "AUC 0.61, the champion's 0.76")


def taken_back() -> World:
    """A policy whose second run is promoted, watched and taken back."""
    world = served(**ON_DRIFT).see("Drifted", "Drifted", held=True).train("b").judge().alias().serve("b")
    return world.measure("b", "Held", "Dropped", first=9).restore().serve("a")


ENDS: dict[str, Callable[[], World]] = {
    "Promoted": lambda: with_champion().record().ask().train("b").judge().alias().pass_time(hours=1),
    "Rejected": a_rejected_run,
    "Inconclusive": lambda: with_champion().record().ask().train("b").judge("Inconclusive", "only 12 rows"),
    "DryRun": lambda: with_champion().record().edit(mode="DryRun").ask().train("b").judge(),
    "RolledBack": taken_back,
    "Failed": lambda: with_champion().record().ask().fail("pd-2-a", "TargetAllNull", "column bad has no value"),
}


def said(world: World) -> Any:
    """Of the newest run: all but what its record changes."""
    status = world.run()
    kept = [item for item in status["conditions"] if item["type"] != "Recorded"]
    return {key: value for key, value in status.items() if key not in ("job", "record")} | {"conditions": kept}


def recorded(world: World, name: str = "") -> tuple[str, str]:
    """Status and reason of the condition."""
    return world.told("Recorded", of=world.of_run(name))


@pytest.mark.parametrize("phase", ENDS)
def test_every_end_is_recorded_and_nothing_else_is_changed_by_it(phase: str) -> None:
    world = ENDS[phase]()
    assert world.phase == phase
    assert world.jobs[-1] == "pd-2-record-a1"
    assert recorded(world) == ("Unknown", "Recording")
    before, outcomes = said(world), world.outcomes
    world.pass_time(minutes=5).record()
    assert world.run()["record"] == {"uri": "s3://artifacts/springtide/records/team.pd/e", "digest": digest("e")}
    assert recorded(world) == ("True", "Recorded")
    assert (said(world), world.outcomes) == (before, outcomes)
    writes = len(world.server.writes)
    world.restart()
    world.pass_time(days=9)
    assert world.server.writes[writes:] == []


@pytest.mark.parametrize("phase", ENDS)
def test_the_task_has_all_that_the_status_says_of_the_end(phase: str) -> None:
    world = ENDS[phase]()
    task, status = world.task(), world.run()
    assert (task["operation"], task["policy"]) == ("Record", NAME)
    assert task["recordsUri"] == "s3://artifacts/springtide/records/team.pd/"
    assert task["trigger"]["type"] == world.server.get("RetrainRun", "pd-2")["spec"]["trigger"]["type"]
    assert task["reason"] == world.told("Ready", of=world.of_run())[1]
    assert task["course"]["outcomeMessage"] == status["outcomeMessage"]
    of_course = {field.alias for field in Course.model_fields.values()}
    assert task["course"] == {key: value for key, value in status.items() if key in of_course}


def test_who_approved_is_in_the_record() -> None:
    world = a_policy(approval="Manual").train("a").judge().approve("ada").alias().pass_time(hours=1)
    assert world.task()["course"]["approval"]["by"] == "ada"


def test_what_the_watch_saw_is_in_the_record_with_its_numbers() -> None:
    world = served(**ON_DRIFT).ask().train("b").judge().alias().serve("b").measure("b", "Held", "Held", first=9)
    watched = world.pass_time(minutes=11).task()["course"]["watched"]
    assert "saw it keep its promise: until 2026-11-11T00:00:00Z AUC 0.7" in watched["message"]
    assert [window["end"] for window in watched["windows"]] == ["2026-11-11T00:00:00Z", "2026-11-10T00:00:00Z"]


def test_what_took_a_model_back_is_in_the_record_with_its_numbers() -> None:
    course = taken_back().task()["course"]
    assert "saw its performance drop: until 2026-11-11T00:00:00Z AUC 0.7" in course["watched"]["message"]
    assert [window["outcome"] for window in course["watched"]["windows"]] == ["Dropped", "Held"]
    assert "is taken back" in course["outcomeMessage"]


def test_the_next_run_does_not_wait_for_the_record_of_the_last() -> None:
    world = a_rejected_run().ask("again")
    assert recorded(world, "pd-2") == ("Unknown", "Recording")
    assert world.train("c").judge().phase == "RollingOut"
    world.record("pd-2")
    assert recorded(world, "pd-2") == ("True", "Recorded")


def test_a_run_that_nobody_needs_is_kept_until_its_record_is_there() -> None:
    world = a_rejected_run(historyLimit=1).ask("again").train("c").judge("Failed")
    assert world.runs == ["pd-1", "pd-2", "pd-3"]
    world.record("pd-2")
    assert world.runs == ["pd-1", "pd-3"]


def test_a_store_that_is_away_is_said_and_tried_again_ever_more_slowly() -> None:
    world = a_rejected_run()
    before = said(world)
    for attempt in range(1, 5):
        assert world.jobs[-1] == f"pd-2-record-a{attempt}"
        world.fail("-record-", "StoreUnavailable", "the bucket is away", retryable=True)
        assert f"attempt {attempt} was lost (StoreUnavailable: the bucket is away)" in world.message(
            "Recorded", of=world.of_run()
        )
        world.pass_time(minutes=10)
    writes = len(world.server.writes)
    world.pass_time(days=1)
    assert world.server.writes[writes:] == []
    assert said(world) == before
    world.record()
    assert recorded(world) == ("True", "Recorded")


def test_every_attempt_is_given_the_same() -> None:
    world = a_rejected_run()
    tasks = []
    for attempt in (1, 2):
        tasks.append(world.task(f"pd-2-record-a{attempt}"))
        world.fail("-record-", "StoreUnavailable", retryable=True).pass_time(minutes=10)
    assert len({str(task["course"] | {"reason": task["reason"]}) for task in tasks}) == 1


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ({"status": "Failed", "reason": "AccessDenied", "message": "no right to write"}, "AccessDenied"),
        ({"status": "Succeeded", "reason": "Recorded"}, "InvalidResult"),
    ],
)
def test_a_record_that_cannot_be_written_is_said_once_and_given_up(result: Any, reason: str) -> None:
    world = a_rejected_run()
    before, events = said(world), len(world.server.events)
    world.end("-record-", result, exit_code=64 if result["status"] == "Failed" else 0)
    assert recorded(world) == ("False", reason)
    assert "the record could not be written" in world.message("Recorded", of=world.of_run())
    assert [event["reason"] for event in world.server.events[events:]] == [reason]
    writes = len(world.server.writes)
    world.pass_time(days=30)
    assert world.server.writes[writes:] == []
    assert said(world) == before


def test_a_plan_that_fits_into_no_container_is_not_recorded_and_said_so() -> None:
    world = a_rejected_run()
    strange = {"exclude": [f"{n:0128}" for n in range(1000)]}
    world.server.update("RetrainRun", "pd-2", lambda it: it["status"]["plan"]["template"].update(features=strange))
    world.settle()
    assert recorded(world) == ("False", "InvalidSpec")
    assert "name fewer columns" in world.message("Recorded", of=world.of_run())


def test_a_job_that_the_api_server_refuses_is_told_and_tried_again_slowly() -> None:
    world = with_champion().record().ask().train("b")

    def refuse(_: str, resource: str, __: str) -> None:
        if resource == "jobs":
            raise ApiError(403, "exceeded quota: jobs")

    world.server.before = refuse
    world.judge("Failed")
    before = said(world)
    assert recorded(world) == ("Unknown", "Forbidden")
    assert "exceeded quota" in world.message("Recorded", of=world.of_run())
    world.server.before = lambda *_: None
    world.pass_time(minutes=2).record()
    assert recorded(world) == ("True", "Recorded")
    assert said(world) == before


def test_an_image_that_cannot_be_pulled_is_told_once_however_the_kubelet_words_it() -> None:
    world = a_rejected_run()
    (pod,) = world.waiting_pods
    told = []
    for reason, words in (
        ("ErrImagePull", "no such image"),
        ("ImagePullBackOff", "Back-off pulling"),
        ("ErrImagePull", "no such image"),
    ):
        waiting = {"name": "main", "state": {"waiting": {"reason": reason, "message": words}}}
        world.server.update("Pod", pod, lambda it, w=waiting: it["status"].update(containerStatuses=[w]))
        told.append(world.settle().message("Recorded", of=world.of_run()))
    assert "cannot be" in told[0]
    assert len(set(told)) == 1


def test_what_still_runs_of_the_run_has_stopped_before_its_record_is_written() -> None:
    world = with_champion().record().make_run("mine").train("b")
    (pod,) = world.waiting_pods
    controllers.start_container(world.server, pod, now=world.now)
    world.settle().delete("RetrainPolicy", NAME)
    assert world.run("mine")["phase"] == "Failed"
    assert f"waiting until pod {pod} has stopped" in world.message("Recorded", of=world.of_run("mine"))
    controllers.end_container(world.server, pod, now=world.now, exit_code=143, reason="Error", message="")
    world.settle().record()
    assert recorded(world, "mine") == ("True", "Recorded")


def test_a_run_that_is_deleted_takes_the_job_of_its_record_along() -> None:
    world = a_rejected_run().delete("RetrainRun", "pd-2")
    assert not [job for job in world.jobs if job.startswith("pd-2-")]


def test_a_job_that_was_deleted_is_made_again() -> None:
    world = a_rejected_run().delete("Job", "pd-2-record-a1")
    assert world.jobs[-1] == "pd-2-record-a1"
    assert world.record().run()["record"]["digest"] == digest("e")


def test_a_job_that_is_deleted_after_its_end_is_not_missed() -> None:
    world = a_rejected_run().record().delete("Job", "pd-2-record-a1").pass_time(days=1)
    assert not [job for job in world.jobs if "-record-a" in job and job.startswith("pd-2")]


@settings(max_examples=20, deadline=None)
@given(
    steps=st.lists(st.sampled_from(["crash", "lose", "delete", "restart", "wait"]), max_size=5), at=st.integers(0, 3)
)
def test_whatever_happens_meanwhile_there_is_one_record_and_the_end_stays(steps: list[str], at: int) -> None:
    once = {"cooldownSeconds": 0, "maxConsecutiveRejections": 1}
    world = a_policy(guards=once).fail("pd-1-a", "TargetAllNull")
    before, left = said(world), at

    def crash(*_: str) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            world.server.after = lambda *_: None
            raise CrashError

    for step in steps:
        try:
            match step:
                case "crash":
                    world.server.after, left = crash, at
                case "lose":
                    world.fail("-record-", "StoreUnavailable", retryable=True)
                case "delete":
                    world.delete("Job", [job for job in world.jobs if "pd-1-record-" in job][-1])
                case "restart":
                    world.restart()
                    world.settle()
                case "wait":
                    world.pass_time(minutes=10)
        except CrashError:
            world.restart()
            world.settle()
        world.server.after = lambda *_: None
        world.settle().pass_time(minutes=10)
        assert len([pod for pod in world.waiting_pods if "pd-1-record-" in pod]) == 1, "never two at once"
        assert said(world) == before
    world.record()
    assert recorded(world) == ("True", "Recorded")
    assert said(world) == before

"""When a Dataset is refreshed, and what becomes of it."""

from datetime import timedelta

import pytest

from tests.core import controllers
from tests.core.dataset.world import NAME, World, a_dataset, a_result, digest, refreshed, unchanged, violated

HOURLY = {"schedule": "0 * * * *"}
DEADLINE = HOURLY | {"startingDeadlineSeconds": 600}
UNREACHABLE = a_result(status="Failed", reason="StoreUnavailable", retryable=True, message="no answer")


def _job(number: int, attempt: int = 1) -> str:
    return f"{NAME}-refresh-{number}-a{attempt}"


def test_a_new_dataset_is_read_at_once() -> None:
    world = a_dataset()
    assert world.jobs == [_job(1)]
    assert world.status["currentRefresh"]["trigger"] == "Created"
    assert world.told("Ready") == ("Unknown", "Refreshing")
    assert world.told("Reconciling") == ("True", "Refreshing")
    assert world.task()["operation"] == "Snapshot"
    assert "known" not in world.task()


def test_a_snapshot_makes_it_ready() -> None:
    world = a_dataset().publish("a", eventTimeMax="2026-11-23T09:00:00.25Z")
    assert world.told("Ready") == ("True", "Refreshed")
    assert world.told("ContractMet") == ("True", "ContractMet")
    assert world.told("Fresh") == ("True", "NoMaximumAge")
    assert world.told("Reconciling")[0] == world.told("Stalled")[0] == "False"
    assert world.status["latest"]["digest"] == digest("a")
    assert world.status["latest"]["eventTimeMax"] == "2026-11-23T09:00:00.250000Z"
    assert [item["digest"] for item in world.status["snapshots"]] == [digest("a")]
    assert "currentRefresh" not in world.status
    assert world.last["outcome"] == "Refreshed"


def test_a_refresh_takes_one_job_and_two_writes_of_the_status() -> None:
    world = a_dataset().publish("a")
    writes = [resource for _, resource, _ in world.server.writes]
    assert writes == ["datasets/status", "jobs", "datasets/status"]


def test_without_a_schedule_it_is_read_once() -> None:
    world = a_dataset().publish("a")
    writes = len(world.server.writes)
    world.pass_time(days=400)
    world.restart()
    world.pass_time(days=400)
    assert len(world.server.writes) == writes


def test_a_schedule_comes_round() -> None:
    world = a_dataset(refresh=HOURLY).publish("a", state="1")
    assert world.status["nextRefreshTime"] == "2026-11-23T13:00:00Z"
    world.pass_time(minutes=59)
    assert world.jobs == [_job(1)]
    world.pass_time(minutes=1)
    assert world.jobs == [_job(1), _job(2)]
    assert world.task()["sourceState"] == digest("1")
    assert world.task()["known"] == digest("a")
    world.end(unchanged(state="1"))
    assert (world.last["trigger"], world.last["outcome"]) == ("Schedule", "Unchanged")
    assert world.last["dueTime"] == "2026-11-23T13:00:00Z"
    assert world.status["nextRefreshTime"] == "2026-11-23T14:00:00Z"
    assert world.told("Ready") == ("True", "Refreshed")


def test_a_time_zone_is_followed() -> None:
    world = a_dataset(refresh={"schedule": "30 9 * * *", "timeZone": "Asia/Kolkata"}).publish("a")
    assert world.status["nextRefreshTime"] == "2026-11-24T04:00:00Z"


def test_whatever_was_missed_is_made_up_for_by_one_refresh() -> None:
    world = a_dataset(refresh=HOURLY).publish("a")
    world.now += timedelta(days=30, minutes=20)  # nobody is there
    world.restart()
    world.settle()
    assert world.jobs == [_job(1), _job(2)]
    assert world.status["currentRefresh"]["dueTime"] == "2026-12-23T12:00:00Z"
    world.publish("b").pass_time(minutes=30)
    assert world.jobs == [_job(1), _job(2)]
    assert world.status["nextRefreshTime"] == "2026-12-23T13:00:00Z"


def test_a_missed_time_within_its_deadline_is_made_up_for() -> None:
    world = a_dataset(refresh=DEADLINE).publish("a")
    world.now += timedelta(days=1, minutes=8)
    world.restart()
    assert world.settle().jobs == [_job(1), _job(2)]
    assert "missedTime" not in world.status


def test_a_missed_time_beyond_its_deadline_is_left_out_and_that_is_said() -> None:
    world = a_dataset(refresh=DEADLINE).publish("a")
    world.now += timedelta(days=1, minutes=20)
    world.restart()
    world.settle()
    assert world.jobs == [_job(1)]
    assert world.status["missedTime"] == "2026-11-24T12:00:00Z"
    assert world.status["nextRefreshTime"] == "2026-11-24T13:00:00Z"
    assert [event["reason"] for event in world.server.events] == ["RefreshMissed"]
    world.pass_time(minutes=45)
    assert world.jobs == [_job(1), _job(2)]


def test_a_time_that_comes_while_a_refresh_runs_waits_for_its_end() -> None:
    world = a_dataset(refresh=HOURLY)
    world.pass_time(minutes=61)
    assert world.jobs == [_job(1)]
    world.publish("a")
    assert world.jobs == [_job(1), _job(2)]
    assert world.status["currentRefresh"]["dueTime"] == "2026-11-23T13:00:00Z"


def test_an_edited_schedule_counts_from_the_edit() -> None:
    world = a_dataset(refresh={"schedule": "0 0 1 1 *"}).publish("a")
    world.pass_time(hours=5).edit(refresh=HOURLY)
    assert world.jobs == [_job(1)]
    assert world.status["nextRefreshTime"] == "2026-11-23T18:00:00Z"
    world.edit(refresh=None)
    assert "nextRefreshTime" not in world.status
    assert world.pass_time(days=3).jobs == [_job(1)]


def test_a_look_follows_so_long_after_the_last_one_has_ended() -> None:
    world = a_dataset(refresh={"onChangeSeconds": 300}).publish("a", state="1")
    assert world.status["nextRefreshTime"] == "2026-11-23T12:05:30Z"
    world.pass_time(seconds=299)
    assert world.jobs == [_job(1)]
    world.pass_time(seconds=1)
    assert world.task()["sourceState"] == digest("1")
    world.end(unchanged(state="1")).pass_time(seconds=300)
    assert world.status["currentRefresh"]["trigger"] == "Interval"
    world.publish("b", state="2")
    assert world.status["latest"]["digest"] == digest("b")


def test_the_annotation_asks_for_one_refresh_that_reads_the_source() -> None:
    world = a_dataset().publish("a", state="1").ask("now")
    assert world.status["currentRefresh"]["trigger"] == "Manual"
    assert "sourceState" not in world.task()
    world.end(refreshed("a", now=world.now, reason="Unchanged"))
    assert world.pass_time(days=1).jobs == [_job(1), _job(2)]
    assert world.ask("again").jobs[-1] == _job(3)


def test_equal_content_stays_as_it_was_published() -> None:
    world = a_dataset().publish("a")
    published = world.status["latest"]
    world.pass_time(days=1).ask("now").end(refreshed("a", now=world.now, reason="Unchanged"))
    assert world.status["latest"] == published
    assert world.status["snapshots"] == [published]


def test_an_annotation_that_was_there_from_the_start_asks_for_nothing_more() -> None:
    world = World().create(annotations={"springtide.dev/refresh": "x"}).publish("a")
    assert world.pass_time(days=1).jobs == [_job(1)]


@pytest.mark.parametrize(
    "change",
    [
        {"source": {"uri": "s3://lake/other/*.parquet"}},
        {"keys": ["id"]},
        {"eventTimeColumn": "t"},
        {"contract": {"minRows": 10}},
    ],
    ids=str,
)
def test_another_source_or_contract_is_read_at_once(change: dict[str, object]) -> None:
    world = a_dataset().publish("a", state="1").edit(**change)
    assert world.status["currentRefresh"]["trigger"] == "Changed"
    assert "sourceState" not in world.task()
    assert world.publish("b").pass_time(days=1).jobs == [_job(1), _job(2)]


@pytest.mark.parametrize(
    "change", [{"retention": {"snapshots": 1}}, {"contract": {"maxAgeSeconds": 10}}, {"resources": {}}], ids=str
)
def test_what_does_not_concern_the_content_is_no_reason_to_read(change: dict[str, object]) -> None:
    assert a_dataset().publish("a").edit(**change).jobs == [_job(1)]


def test_suspension_starts_nothing_and_resuming_brings_nothing_back() -> None:
    world = a_dataset(refresh=HOURLY).publish("a").edit(suspend=True)
    assert world.told("Ready") == ("True", "Suspended")
    assert "nextRefreshTime" not in world.status
    world.pass_time(hours=5, minutes=10)
    assert world.jobs == [_job(1)]
    world.edit(suspend=False)
    assert world.jobs == [_job(1)]
    assert world.status["nextRefreshTime"] == "2026-11-23T18:00:00Z"


def test_what_was_asked_for_during_suspension_comes_after_it() -> None:
    world = a_dataset().publish("a").edit(suspend=True).ask("now")
    assert world.jobs == [_job(1)]
    assert world.edit(suspend=False).jobs == [_job(1), _job(2)]


def test_a_dataset_that_is_made_suspended_waits() -> None:
    world = a_dataset(suspend=True)
    assert world.jobs == []
    assert world.told("Ready") == ("False", "Suspended")
    assert world.edit(suspend=False).jobs == [_job(1)]


def test_suspension_does_not_stop_a_refresh_that_runs() -> None:
    world = a_dataset().edit(suspend=True)
    assert world.publish("a").told("Ready") == ("True", "Suspended")


# Failures.


def test_a_broken_contract_leaves_the_latest_snapshot_and_names_column_and_rule() -> None:
    world = a_dataset(refresh=HOURLY).publish("a").pass_time(hours=1).violate()
    assert world.told("Ready") == ("True", "ContractViolated")
    assert world.told("ContractMet") == ("False", "ContractViolated")
    assert world.condition("ContractMet")["message"] == "column income, min: 3 values are below 0"
    assert world.told("Stalled")[0] == "False"
    assert world.status["latest"]["digest"] == digest("a")
    assert world.last["violations"][0]["count"] == 3
    assert [event["reason"] for event in world.server.events] == ["ContractViolated"]
    world.pass_time(hours=1).publish("b")
    assert world.told("ContractMet") == ("True", "ContractMet")
    assert world.told("Ready") == ("True", "Refreshed")


def test_a_refused_source_that_has_not_changed_stays_refused() -> None:
    world = a_dataset(refresh={"onChangeSeconds": 60}).publish("a", state="1").pass_time(seconds=60)
    world.violate(state="2").pass_time(seconds=60)
    assert world.task()["sourceState"] == digest("2")
    told = world.told("ContractMet"), world.told("Ready")
    world.end(unchanged(state="2"))
    assert (world.told("ContractMet"), world.told("Ready")) == told
    assert world.last["violations"]
    world.pass_time(seconds=60).end(refreshed("a", now=world.now, reason="Unchanged", state="1"))
    assert world.told("ContractMet") == ("True", "ContractMet")


def test_many_violations_are_counted() -> None:
    violations = [{"column": f"c{n}", "rule": "type", "message": "it is String"} for n in range(5)]
    world = a_dataset().violate(*violations)
    assert world.condition("ContractMet")["message"].endswith("at least 2 more in status.lastRefresh.violations")


def test_a_first_refresh_that_fails_waits_for_a_person_unless_there_is_a_schedule() -> None:
    missing = a_result(status="Failed", reason="DataNotFound", message="no file matches")
    world = a_dataset().end(missing, exit_code=64)
    assert world.told("Ready") == ("False", "DataNotFound")
    assert world.told("Stalled") == ("True", "DataNotFound")
    assert world.told("ContractMet") == ("Unknown", "NotRead")
    assert world.told("Fresh") == ("Unknown", "NoSnapshot")
    world = a_dataset(refresh=HOURLY).end(missing, exit_code=64)
    assert world.told("Stalled")[0] == "False"
    world.pass_time(hours=1)
    assert world.told("Ready") == ("False", "DataNotFound")
    assert world.publish("a").told("Ready") == ("True", "Refreshed")


def test_what_could_not_be_read_says_nothing_about_the_contract() -> None:
    world = a_dataset().publish("a").ask("1").violate()
    world.ask("2").end(a_result(status="Failed", reason="DataCorrupt", message="torn"), exit_code=64)
    assert world.told("ContractMet") == ("False", "ContractViolated")
    assert world.told("Ready") == ("True", "DataCorrupt")


@pytest.mark.parametrize(
    ("exit_code", "message", "reason", "state"),
    [
        (1, "Traceback", "", "RefreshFailed"),
        (137, "", "OOMKilled", "OutOfMemory"),
        (0, "not a result", "", "InvalidResult"),
        (0, a_result(status="Succeeded", reason="Refreshed"), "", "InvalidResult"),
        (0, unchanged(), "", "InvalidResult"),
        (0, refreshed("a", now=World().now, createdTime="2026-11-23T12:00:00"), "", "InvalidResult"),
    ],
)
def test_a_job_that_does_not_keep_to_the_contract_is_a_failed_refresh(
    exit_code: int, message: str, reason: str, state: str
) -> None:
    world = a_dataset().end(message, exit_code=exit_code, reason=reason)
    assert world.told("Ready") == ("False", state)
    assert "latest" not in world.status


def test_lost_infrastructure_is_tried_again_for_as_long_as_it_takes() -> None:
    world = a_dataset()
    for attempt in range(1, 30):
        assert world.jobs[-1] == _job(1, attempt)
        world.end(UNREACHABLE, exit_code=75)
        assert world.told("Ready") == ("Unknown", "Refreshing")
        assert len(world.jobs) <= 4
        world.pass_time(seconds=300)
    assert world.publish("a").told("Ready") == ("True", "Refreshed")
    assert world.last["number"] == 1


def test_attempts_back_off() -> None:
    world = a_dataset().end(UNREACHABLE, exit_code=75)
    assert "attempt 1 was lost (StoreUnavailable)" in world.condition("Reconciling")["message"]
    assert world.pass_time(seconds=4).jobs == [_job(1)]
    assert world.pass_time(seconds=1).jobs == [_job(1), _job(1, 2)]
    world.end(UNREACHABLE, exit_code=75).pass_time(seconds=9)
    assert len(world.jobs) == 2
    assert len(world.pass_time(seconds=1).jobs) == 3


def test_a_job_that_somebody_deletes_is_made_again_once_its_pod_has_stopped() -> None:
    world = a_dataset()
    (pod,) = world.waiting_pods
    controllers.start_container(world.server, pod, now=world.now)
    world.settle()
    world.server.delete("Job", _job(1))
    world.settle()
    assert world.jobs == []
    assert f"waiting until pod {pod} has stopped" in world.condition("Reconciling")["message"]
    world.server.delete("Pod", pod)
    assert world.settle().jobs == [_job(1)]
    assert world.publish("a").told("Ready") == ("True", "Refreshed")


def test_a_pod_that_vanished_is_replaced() -> None:
    world = a_dataset()
    (pod,) = world.waiting_pods
    controllers.start_container(world.server, pod, now=world.now)
    world.settle()
    for _ in range(2):
        world.server.delete("Pod", pod)
    world.settle().pass_time(seconds=10)
    assert world.jobs[-1] == _job(1, 2)


def test_an_image_that_cannot_be_pulled_ends_the_refresh_after_a_grace_period() -> None:
    world = a_dataset()
    (pod,) = world.waiting_pods
    waiting = {"waiting": {"reason": "ErrImagePull", "message": "not found"}}
    controllers.set_container(world.server, pod, waiting, phase="Pending")
    world.settle()
    assert "the image cannot be pulled" in world.condition("Reconciling")["message"]
    world.pass_time(seconds=599)
    assert world.jobs == [_job(1)]
    world.pass_time(seconds=2)
    assert world.jobs == []
    assert world.told("Ready") == ("False", "ImagePullFailed")


@pytest.mark.parametrize("schedule", ["0 25 * * *", "0 * * * 9"])
def test_a_bad_schedule_is_told_once_and_heals(schedule: str) -> None:
    world = a_dataset(refresh={"schedule": schedule})
    assert world.told("Ready") == ("False", "InvalidSpec")
    assert world.told("Stalled")[0] == "True"
    assert f"{schedule!r} is no schedule" in world.condition("Ready")["message"]
    writes = len(world.server.writes)
    world.pass_time(days=1)
    assert len(world.server.writes) == writes
    assert world.edit(refresh=HOURLY).jobs == [_job(1)]


def test_old_jobs_go() -> None:
    world = a_dataset(refresh={"onChangeSeconds": 60})
    for _ in range(6):
        world.publish("a", state="1").pass_time(seconds=60)
    assert world.jobs == [_job(4), _job(5), _job(6), _job(7)]


def test_a_dataset_made_again_waits_for_the_jobs_of_the_one_before() -> None:
    world = a_dataset()
    (pod,) = world.waiting_pods
    controllers.start_container(world.server, pod, now=world.now)
    world.settle()
    world.server.delete("Dataset", NAME)
    world.server.delete("Pod", pod)
    world.create()
    assert world.jobs == [_job(1)]
    assert world.publish("a").told("Ready") == ("True", "Refreshed")


def test_the_volume_of_the_store_is_claimed_once_for_all_kinds() -> None:
    world = a_dataset(platform={"artifactsUri": "file:///artifacts", "artifactsVolume": {}}).publish("a").train()
    claims = [write for write in world.server.writes if write[1] == "persistentvolumeclaims"]
    assert len(claims) == 1


def test_violations_fit_the_message_of_a_result() -> None:
    assert len(violated()) < 4096

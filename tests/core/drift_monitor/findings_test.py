"""What becomes of a look: conditions, history, and looks that could not judge."""

import pytest

from tests.core import controllers
from tests.core.drift_monitor.world import JUDGED, NAME, a_window, digest, over_dataset, over_service

VERDICTS = [
    ("Stable", ("False", "Stable"), ("False", "Stable")),
    ("Drifted", ("True", "Drifted"), ("False", "Drifted")),
    ("DataBroken", ("Unknown", "DataBroken"), ("True", "DataBroken")),
    ("Inconclusive", ("Unknown", "Inconclusive"), ("Unknown", "Inconclusive")),
]


@pytest.mark.parametrize(("verdict", "drifted", "broken"), VERDICTS)
def test_a_verdict_is_told(verdict: str, drifted: tuple[str, str], broken: tuple[str, str]) -> None:
    world = over_dataset().find(verdict, message="psi of income is 0.41")
    assert world.told("Ready") == ("True", "Judged")
    assert world.told("Drifted") == drifted
    assert world.told("DataBroken") == broken
    assert world.told("Reconciling")[0] == world.told("Stalled")[0] == "False"
    assert world.message("Drifted") == f"the snapshot with 1000 rows is {verdict}: psi of income is 0.41"
    events = [event["reason"] for event in world.server.events]
    assert events == ([verdict] if verdict in ("Drifted", "DataBroken") else [])


def test_nothing_is_known_before_the_first_window() -> None:
    world = over_service()
    assert world.told("Drifted") == ("Unknown", "NoWindow")
    world.find_nothing()
    assert world.told("Ready") == ("Unknown", "NoWindow")
    assert world.told("DataBroken") == ("Unknown", "NoWindow")
    assert "no window has closed since the last look" in world.message()


def test_the_newest_window_is_told_in_detail() -> None:
    column = {"column": "income", "slice": "region=north", "verdict": "Drifted", "reason": "Psi", "psi": 0.41}
    window = over_dataset().find("Drifted", drifted=[column], reportDigest=digest("f")).status["lastWindow"]
    assert window["drifted"][0] | column == window["drifted"][0]
    assert (window["snapshot"], window["baseline"]) == (digest("a"), digest("b"))
    assert (window["columns"], window["driftedColumns"], window["maxPsi"]) == (7, 3, 0.4)
    assert window["reportDigest"] == digest("f")


def test_the_history_tells_of_the_newest_windows_first() -> None:
    world = over_service(historyLimit=3).find(days=(1, 2, 3)).find("Drifted", days=(4,))
    assert [item["start"][8:10] for item in world.status["history"]] == ["04", "03", "02"]
    assert [item["verdict"] for item in world.status["history"]] == ["Drifted", "Stable", "Stable"]
    assert world.status["history"][0]["baseline"] == digest("b")


def test_snapshots_without_event_time_are_told_apart_by_their_digest() -> None:
    world = over_dataset().find().publish("c", "a").find("Drifted").ask("again").find("Stable")
    assert [item["snapshot"] for item in world.status["history"]] == [digest("c"), digest("a")]
    assert [item["verdict"] for item in world.status["history"]] == ["Stable", "Stable"]


def test_what_was_found_stays_when_nothing_new_has_closed() -> None:
    world = over_service().find("Drifted", days=(1,)).pass_time(seconds=60).find_nothing()
    assert world.told("Drifted") == ("True", "Drifted")
    assert world.told("Ready") == ("True", "Judged")
    assert len(world.server.events) == 1


def test_a_look_that_cannot_judge_waits_for_a_person() -> None:
    world = over_dataset().fail("ColumnNotFound", message="there is no column income")
    assert world.told("Ready") == ("False", "ColumnNotFound")
    assert world.told("Stalled") == ("True", "ColumnNotFound")
    assert world.message() == "the last look could not judge: there is no column income"
    assert world.told("Drifted") == ("Unknown", "NoWindow")
    assert world.pass_time(days=1).looks == ["1-a1"]
    assert world.publish("c", "a").find().told("Ready") == ("True", "Judged")


def test_a_service_that_could_not_be_judged_is_looked_at_again() -> None:
    world = over_service().find(days=(1,)).pass_time(seconds=60).fail("DataNotFound")
    assert world.told("Ready") == ("False", "DataNotFound")
    assert world.told("Stalled")[0] == "False"
    assert world.told("Drifted") == ("False", "Stable")
    assert world.pass_time(seconds=60).looks[-1] == "3-a1"


def test_a_store_out_of_reach_is_waited_for() -> None:
    world = over_dataset().fail("StoreUnavailable", retryable=True)
    assert world.looks == ["1-a1"]
    assert world.pass_time(seconds=5).looks == ["1-a1", "1-a2"]
    assert world.status["currentLook"]["failures"] == 1
    assert world.look["data"]["snapshot"] == digest("a")
    assert world.find().told("Ready") == ("True", "Judged")


def test_a_lost_pod_is_replaced() -> None:
    world = over_dataset()
    (pod,) = (name for name in world.waiting_pods if name.startswith(NAME))
    controllers.start_container(world.server, pod, now=world.now)
    world.settle().server.delete("Pod", pod)
    world.settle().server.delete("Pod", pod)
    assert world.pass_time(seconds=10).looks == ["1-a1", "1-a2"]


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({"status": "Succeeded", "reason": "Refreshed"}, "Refreshed, which is no look's"),
        (JUDGED | {"windows": [a_window(day=2)]}, "tells of none in detail"),
        (JUDGED | {"window": a_window(day=1), "windows": [a_window(day=1)]}, "until 2026-11-02T00:00:00Z"),
    ],
)
def test_a_result_that_cannot_be_right_is_refused(result: dict[str, object], words: str) -> None:
    world = over_service().find(days=(1,)).pass_time(seconds=60).end(result)
    assert world.told("Ready") == ("False", "InvalidResult")
    assert words in world.message()
    assert world.status["lastWindow"]["start"] == "2026-11-01T00:00:00Z"


def test_a_bad_schedule_is_told() -> None:
    world = over_dataset(schedule="61 * * * *")
    assert world.told("Ready") == ("False", "InvalidSpec")
    assert world.message().startswith("spec.schedule: '61 * * * *' is no schedule")
    assert world.looks == []


def test_only_the_newest_jobs_are_kept() -> None:
    world = over_service()
    for _ in range(8):
        world.find_nothing().pass_time(seconds=60)
    assert world.looks == ["6-a1", "7-a1", "8-a1", "9-a1"]


def test_a_crash_between_any_two_writes_is_mended() -> None:
    from tests.core.api_server import CrashError

    for crash_at in range(3):
        world = over_dataset()
        count = iter(range(10))

        def crash(*_: str, at: int = crash_at, count=count) -> None:  # type: ignore[no-untyped-def]
            if next(count) == at:
                raise CrashError

        world.server.after = crash
        for _ in range(4):
            try:
                world.find() if world.looks == ["1-a1"] and world.waiting_pods else world.settle()
            except CrashError:
                world.restart()
        assert world.settle().told("Ready") == ("True", "Judged")
        assert world.looks == ["1-a1"]

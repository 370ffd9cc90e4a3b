"""Labels that arrive late: when they bring a look, what holds them, and what is said of performance."""

from tests.core.drift_monitor.world import LABELLED, World, digest, over_service, performance, with_labels

DROPPED = "PerformanceDropped"


def _listed(world: World) -> list[tuple[str, str, int]]:
    return [(one["end"][8:10], one["outcome"], one["labelled"]) for one in world.status.get("performance", [])]


def test_a_look_is_given_the_labels_and_what_is_made_of_them() -> None:
    labels = LABELLED["labels"] | {"keyColumn": "id", "minRows": 50}
    world = with_labels(labels=labels, performance={"maxDrop": 0.05})
    assert world.status["currentLook"]["labels"] == {"uri": "s3://lake/e", "snapshot": digest("e")}
    assert world.look["labels"] == {
        "uri": "s3://lake/e",
        "snapshot": digest("e"),
        "column": "defaulted",
        "keyColumn": "id",
        "minRows": 50,
        "maxDrop": 0.05,
        "isMeasured": False,
        "known": [],
    }


def test_without_labels_nothing_is_said_of_performance() -> None:
    world = over_service().find(days=(1,))
    assert "labels" not in world.look
    assert DROPPED not in {item["type"] for item in world.status["conditions"]}


def test_labels_that_are_not_there_hold_up_no_look() -> None:
    world = World().serve("b").create(**LABELLED)
    assert world.looks == ["1-a1"]
    assert "labels" not in world.look
    world.find("Drifted", days=(1,))
    assert world.told("Drifted") == ("True", "Drifted")
    assert world.told(DROPPED) == ("Unknown", "DatasetNotReady")
    assert world.message(DROPPED) == "there is no Dataset outcomes"
    world.label()
    assert "Dataset outcomes has no snapshot yet" in world.message(DROPPED)
    assert world.looks == ["1-a1"]
    assert world.label("e").status["currentLook"]["trigger"] == "Labels"


def test_a_new_snapshot_of_the_labels_brings_one_look() -> None:
    world = with_labels().measure(performance("Held", day=1)).label("f", "e")
    assert world.looks == ["1-a1", "2-a1"]
    assert world.status["currentLook"]["trigger"] == "Labels"
    assert world.look["labels"]["snapshot"] == digest("f")
    assert not world.look["labels"]["isMeasured"]
    world.measure()
    assert world.status["labels"] == digest("f")
    assert world.looks == ["1-a1", "2-a1"]


def test_a_look_that_could_not_judge_is_not_made_again_at_once_for_the_same_labels() -> None:
    world = with_labels().fail("BaselineNotFound")
    assert world.looks == ["1-a1"]
    assert "labels" not in world.status
    world.pass_time(seconds=60)
    assert world.looks == ["1-a1", "2-a1"]
    assert not world.look["labels"]["isMeasured"], "nothing was measured yet"


def test_with_a_schedule_new_labels_wait_for_it() -> None:
    world = with_labels(schedule="0 * * * *").measure().label("f", "e")
    assert world.looks == ["1-a1"]
    world.pass_time(hours=1)
    assert world.looks == ["1-a1", "2-a1"]
    assert world.look["labels"]["snapshot"] == digest("f")


def test_the_labels_are_measured_once_and_again_when_somebody_asks() -> None:
    world = with_labels().measure(performance("Held", day=1)).pass_time(seconds=60)
    assert world.look["labels"]["isMeasured"]
    (known,) = world.look["labels"]["known"]
    assert (known["labelled"], known["message"]) == (900, "")
    world.find_nothing().ask("now")
    assert not world.look["labels"]["isMeasured"]


def test_a_window_that_is_measured_with_more_labels_is_replaced_for_each_model() -> None:
    early = [performance("Inconclusive", day=2, labelled=10), performance("Held", day=1)]
    world = with_labels().measure(*early, performance("Dropped", day=1, model="a", labelled=20))
    assert _listed(world) == [("03", "Inconclusive", 10), ("02", "Held", 900), ("02", "Dropped", 20)]
    world.label("f", "e").measure(performance("Dropped", day=2, labelled=800))
    assert _listed(world) == [("03", "Dropped", 800), ("02", "Held", 900), ("02", "Dropped", 20)]


def test_no_more_windows_are_listed_than_fit() -> None:
    world = with_labels().measure(*(performance("Held", day=day) for day in range(20, 0, -1)))
    world.label("f", "e").measure(*(performance("Held", day=day) for day in range(28, 8, -1)))
    assert [day for day, _, _ in _listed(world)] == [f"{day:02}" for day in range(29, 5, -1)]


def test_a_look_that_could_not_tell_of_all_windows_is_followed_by_another() -> None:
    world = with_labels().measure(performance("Held", day=2), complete=False)
    assert world.looks == ["1-a1", "2-a1"]
    assert "labels" not in world.status
    assert (world.status["currentLook"]["trigger"], world.look["labels"]["isMeasured"]) == ("Labels", False)
    world.measure(performance("Held", day=1))
    assert (world.status["labels"], world.looks) == (digest("e"), ["1-a1", "2-a1"])


def test_windows_that_have_closed_may_be_too_many_to_tell_of_as_well() -> None:
    world = with_labels().measure(performance("Held", day=1)).pass_time(seconds=60)
    assert world.look["labels"]["isMeasured"]
    world.measure(performance("Held", day=3), complete=False)
    assert (world.looks, world.look["labels"]["isMeasured"]) == (["1-a1", "2-a1", "3-a1"], False)


def test_without_its_labels_a_look_is_not_gone_on_with() -> None:
    world = with_labels().measure(performance("Held", day=2), complete=False)
    world.server.delete("Dataset", "outcomes")
    world.settle().find_nothing()
    assert world.looks == ["1-a1", "2-a1"]
    world.pass_time(seconds=60).find_nothing()
    assert "labels" not in world.look
    assert world.looks == ["1-a1", "2-a1", "3-a1"]


def test_what_brings_nothing_new_is_not_gone_on_with() -> None:
    world = with_labels().measure(performance("Held", day=2), complete=False)
    world.measure(performance("Held", day=2), complete=False)
    assert (world.status["labels"], world.looks) == (digest("e"), ["1-a1", "2-a1"])


def test_the_newest_window_that_says_something_decides() -> None:
    world = with_labels().measure(performance("Dropped", day=1))
    assert world.told(DROPPED) == ("True", "Dropped")
    assert (
        world.message(DROPPED)
        == "in the window until 2026-11-02T00:00:00Z the model did worse than it promised: 900 labels"
    )
    world.label("f", "e").measure(performance("Inconclusive", day=3, labelled=3), performance("Held", day=2))
    assert world.told(DROPPED) == ("False", "Held")


def test_few_labels_are_not_good_news() -> None:
    world = with_labels().measure(performance("Inconclusive", day=1, labelled=3))
    assert world.told(DROPPED) == ("Unknown", "Inconclusive")
    assert "3 labels" in world.message(DROPPED)


def test_what_the_model_before_did_is_not_held_against_the_one_that_serves() -> None:
    world = with_labels().measure(performance("Dropped", day=1, model="b"))
    assert world.told(DROPPED) == ("True", "Dropped")
    world.serve("c").label("f", "e").measure()
    assert world.told(DROPPED) == ("Unknown", "NoLabels")
    assert _listed(world) == [("02", "Dropped", 900)]


def test_labels_that_cannot_be_used_are_said_and_stop_nothing() -> None:
    world = with_labels().measure(outcome="ColumnNotFound", message="the labels have no column defaulted")
    assert world.told("Ready")[1] in ("NoWindow", "Judged")
    assert world.told(DROPPED) == ("Unknown", "ColumnNotFound")
    assert world.looks == ["1-a1"]
    assert world.pass_time(seconds=60).look["labels"]["isMeasured"], "they are what they are until there is a snapshot"


def test_labels_that_go_away_leave_what_is_known() -> None:
    world = with_labels().measure(performance("Dropped", day=1))
    world.server.delete("Dataset", "outcomes")
    world.settle()
    assert world.told(DROPPED) == ("True", "Dropped")
    assert world.message(DROPPED).endswith("; there is no Dataset outcomes")


def test_another_rule_forgets_what_was_measured_by_the_one_before() -> None:
    world = with_labels().measure(performance("Dropped", day=1)).edit(performance={"maxDrop": 0.2})
    assert world.status["currentLook"]["trigger"] == "Changed"
    assert (world.look["labels"]["known"], world.look["labels"]["isMeasured"]) == ([], False)
    world.measure(performance("Held", day=1))
    assert _listed(world) == [("02", "Held", 900)]


def test_a_drop_is_an_event_once() -> None:
    world = with_labels().measure(performance("Dropped", day=1))
    world.label("f", "e").measure(performance("Dropped", day=1, labelled=950))
    assert [event["reason"] for event in world.server.events] == ["Dropped"]


def test_a_look_whose_labels_were_given_up_before_it_began_takes_the_latest() -> None:
    world = World().serve("b").label("e")

    def give_up_after_the_intent(verb: str, resource: str, _: str) -> None:
        if (verb, resource) == ("patch", "driftmonitors/status") and world.status.get("currentLook"):
            world.server.after = lambda *_: None
            latest = world.server.get("Dataset", "outcomes")["status"]["latest"]
            newer = latest | {"digest": digest("f"), "uri": "s3://lake/f"}
            kept = {"status": {"latest": newer, "snapshots": [newer]}}
            world.operator.store.upsert(
                "Dataset", world.server.update("Dataset", "outcomes", lambda it: it.update(kept))
            )

    world.server.after = give_up_after_the_intent
    world.create(**LABELLED)
    assert (world.look["labels"]["uri"], world.look["labels"]["snapshot"]) == ("s3://lake/f", digest("f"))
    assert world.status["currentLook"]["labels"]["snapshot"] == digest("f")

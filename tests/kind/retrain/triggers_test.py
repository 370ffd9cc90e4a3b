"""Each of these begins a run alone. What becomes of such a run is told elsewhere."""

from datetime import datetime

import pytest

from tests.kind import volumes
from tests.kind.cluster import Document, Namespace, Resource
from tests.kind.retrain.loops import FIRST, MODEST, a_dataset, a_policy, ended
from tests.kind.volumes import Shelf

GROWING, BY_ROWS, BY_CLOCK = "growing", "by-rows", "by-clock"
EVERY_MINUTE = "* * * * *"


@pytest.fixture(scope="module")
def triggered(loop: Namespace) -> Namespace:
    """The loop with a Dataset of 30 rows, and two policies more whose first run is not the one that is looked at."""
    with volumes.shelf(loop) as shelf:
        shelf.copy("few-rows", GROWING)
    rows = {"newRows": {"datasetRef": {"name": GROWING}, "min": 30}}
    loop.apply(a_growing_dataset(), a_dry_policy(BY_ROWS, rows), a_dry_policy(BY_CLOCK, {"schedule": EVERY_MINUTE}))
    return loop


def a_growing_dataset() -> Document:
    dataset = a_dataset()
    dataset["metadata"]["name"] = GROWING
    dataset["spec"]["source"]["volume"]["path"] = GROWING
    del dataset["spec"]["contract"]
    return dataset


def a_dry_policy(name: str, triggers: Document) -> Document:
    """After its first run it misses no champion. It has room for one run more."""
    guards = {"cooldownSeconds": 1, "maxRunsPerMonth": 2}
    return a_policy(name, parameters=FIRST, mode="DryRun", gates=MODEST, triggers=triggers, guards=guards)


def second_run_of(namespace: Namespace, policy: str) -> Document:
    """What began it."""
    first = ended(namespace, f"{policy}-1")
    assert (first.document["spec"]["trigger"]["type"], first.status["phase"]) == ("First", "DryRun"), first.message
    made = {"uid": "of one that has ended meanwhile"}
    namespace.wait_for_policy(
        policy,
        lambda found: found.status["runs"] == 2 and "uid" in found.status.get("currentRun", made),
        what="to have begun another run",
    )
    return dict(Resource(namespace.read("retrainrun", f"{policy}-2")).document["spec"]["trigger"])


def test_a_dataset_that_grows_begins_a_run(triggered: Namespace, shelf: Shelf):
    ended(triggered, f"{BY_ROWS}-1")
    shelf.copy("few-rows/part.parquet", f"{GROWING}/more.parquet")
    triggered.springtide("refresh", f"dset/{GROWING}", "--wait")
    trigger = second_run_of(triggered, BY_ROWS)
    assert trigger["type"] == "NewRows"
    assert trigger["message"] == f"Dataset {GROWING} has 60 rows, 30 more than the last run knew"


def test_a_schedule_that_comes_round_begins_a_run(triggered: Namespace):
    trigger = second_run_of(triggered, BY_CLOCK)
    assert trigger["type"] == "Schedule"
    assert trigger["message"].startswith(f"the schedule '{EVERY_MINUTE}")
    assert trigger["message"].endswith(f" came round at {trigger['time']}")
    assert datetime.fromisoformat(trigger["time"]).second == 0

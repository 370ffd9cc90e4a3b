"""What was promoted is watched: labels that contradict it take it back at once, and it does not come again."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from tests.kind.cluster import Document, Namespace, Resource
from tests.kind.drift.monitors import a_monitor, replay
from tests.kind.retrain.loops import (
    BETTER,
    MODEST,
    POLICY,
    SERVICE,
    a_policy,
    alias_of,
    ask_for_recipe,
    champion_of,
    edit,
    ended,
    next_run_of,
    policy_of,
)
from tests.kind.serving.services import SMALL, under_load

MONITOR, OUTCOMES, FORSAKEN = "promises", "outcomes", "forsaken"
CHALLENGER = {"numRounds": 40}
IMPOSSIBLE = [{"name": "perfect", "metric": "AUC", "min": 0.9999}]
WATCH = {"seconds": 600, "monitorRef": {"name": MONITOR}}
ROWS = 1_000
KEPT_SECONDS = 15
"""A kept connection may go on asking the server that it knows, at most."""
FIRST_DAY, SECOND_DAY, THIRD_DAY = "2018-03-01", "2018-03-02", "2018-03-03"
"""A day is over when there are requests of the next."""


@pytest.fixture(scope="module")
def watched(loop: Namespace) -> Iterator[Namespace]:
    """The loop with a monitor that knows of no labels yet, and a policy whose first run somebody will delete."""
    labels = {"datasetRef": {"name": OUTCOMES}, "column": "employed", "minRows": 100}
    target, rules = {"modelServiceRef": {"name": SERVICE}}, {"volumeFactor": 1_000_000}
    loop.apply(
        a_monitor(MONITOR, target, everySeconds=10, labels=labels, rules=rules),
        a_policy(FORSAKEN, parameters=BETTER, model="forsaken", watch={"seconds": 600}),
    )
    edit(loop, POLICY, gates=MODEST, watch=WATCH)
    # From here on: what came before has event times of now, and would end every day at once.
    log = json.dumps({"spec": {"inferenceLog": {"flushSeconds": 1}}})
    loop.kubectl("patch", "msvc", SERVICE, "--type", "merge", "--patch", log)
    yield loop
    # Its servers and its looks would go on beside all later tests.
    loop.kubectl("delete", f"msvc/{SERVICE}", f"dmon/{MONITOR}", "--wait=false")


def outcomes() -> Document:
    source = {"volume": {"claimName": "census", "path": "outcomes"}}
    return {
        "apiVersion": "springtide.dev/v1alpha1",
        "kind": "Dataset",
        "metadata": {"name": OUTCOMES},
        "spec": {"source": source, "resources": SMALL},
    }


def replay_until_over(namespace: Namespace, day: str, following: str) -> None:
    """A day of requests whose labels will contradict whoever answers now, and some of the next day."""
    replay(namespace, SERVICE, {"date": day, "rows": ROWS, "contradicted": True}, {"date": following, "rows": 200})


def wait_for_phase(namespace: Namespace, run: str, phase: str) -> Resource:
    """The RetrainRun in this phase, once its policy has made it."""
    namespace.wait_for_policy(
        run.rpartition("-")[0],
        lambda found: found.status.get("currentRun", {}).get("name") == run and "uid" in found.status["currentRun"],
        what=f"to have begun {run}",
    )
    return namespace.wait_for_retrain_run(run, lambda found: found.status.get("phase") == phase, what=f"to be {phase}")


def wait_for_drop(namespace: Namespace, model: str) -> Resource:
    """The monitor, once it has seen the model break its promise."""

    def look(monitor: Resource) -> bool:
        found = monitor.status.get("performance", ())
        return any((one["model"], one["outcome"]) == (model, "Dropped") for one in found)

    return namespace.wait_for_monitor(MONITOR, look, what="to see the performance drop")


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@dataclass(frozen=True)
class TakenBack:
    """What became of a promotion. before: the champion until then. evidence: when a look had found the drop.

    policy, service: as they were when the run had ended. told: how the requests went meanwhile.
    """

    before: Document
    evidence: datetime
    run: Resource
    policy: Resource
    service: Resource
    told: Document

    @property
    def challenger(self) -> Document:
        return dict(self.run.status["challenger"])

    def seconds(self, time: datetime) -> float:
        """So long after the evidence."""
        return (time - self.evidence).total_seconds()


@pytest.fixture(scope="module")
def taken_back(watched: Namespace) -> TakenBack:
    """A challenger is promoted under load, by a policy that was edited meanwhile; then come labels that contradict."""
    before, name = champion_of(watched), next_run_of(watched)
    ask_for_recipe(watched, POLICY, CHALLENGER)
    watched.springtide("retrain", f"rpol/{POLICY}")
    wait_for_phase(watched, name, "Training")
    # For later runs. This one would be a dry run, would fail its gate, and would not be watched.
    edit(watched, POLICY, mode="DryRun", gates=IMPOSSIBLE, watch={"seconds": 0, "monitorRef": None})
    wait_for_phase(watched, name, "RollingOut")
    with under_load(watched, SERVICE, event_time=f"{FIRST_DAY}T12:00:00Z") as told:
        challenger = wait_for_phase(watched, name, "Watching").status["challenger"]
        assert champion_of(watched)["digest"] == challenger["digest"]
        replay_until_over(watched, FIRST_DAY, SECOND_DAY)
        watched.apply(outcomes())
        monitor = wait_for_drop(watched, challenger["digest"])
        run = ended(watched, name)
    evidence, service = moment(monitor.status["lastLook"]["time"]), Resource(watched.read("msvc", SERVICE))
    return TakenBack(before, evidence, run, policy_of(watched), service, told)


def test_a_promoted_model_that_labels_contradict_is_taken_back(
    taken_back: TakenBack, watched: Namespace, mlflow_url: str
):
    run, before = taken_back.run, taken_back.before
    assert [item["phase"] for item in run.status["phases"]][-3:] == ["Watching", "RollingBack", "RolledBack"]
    assert f"DriftMonitor {MONITOR} saw its performance drop: until {SECOND_DAY}T00:00:00Z AUC " in run.message
    assert f"version {before['version']} is the champion again" in run.message
    policy = taken_back.policy.status
    assert policy["champion"] == before
    entry = {"digest": taken_back.challenger["digest"], "run": run.document["metadata"]["name"]}
    assert policy["quarantined"][0] == entry
    assert taken_back.service.status["stable"]["digest"] == before["digest"]
    assert alias_of(mlflow_url, watched, "employment") == before["version"]


def test_seconds_after_the_evidence_it_answers_nobody_and_no_request_has_failed(
    taken_back: TakenBack, record_property: Callable[[str, object], None]
):
    told, bad = taken_back.told, taken_back.challenger["version"]
    assert told["failures"] == 0, told
    assert told["versions"].keys() == {taken_back.before["version"], bad}
    phases = {item["phase"]: moment(item["time"]) for item in taken_back.run.status["phases"]}
    times = {
        "decided": phases["RollingBack"],
        "let go": moment(taken_back.service.status["stable"]["since"]),
        "last answer": datetime.fromtimestamp(told["last"][bad], UTC),
        "over": phases["RolledBack"],
    }
    seconds = {what: taken_back.seconds(time) for what, time in times.items()}
    record_property("seconds after the evidence", seconds)
    assert 0 <= seconds["decided"] <= seconds["let go"] <= seconds["over"]
    assert seconds["last answer"] <= seconds["over"] + KEPT_SECONDS


def test_a_run_keeps_the_plan_of_its_beginning_though_its_policy_is_edited(taken_back: TakenBack):
    status, policy = taken_back.run.status, taken_back.policy.document
    assert status["policyGeneration"] < policy["metadata"]["generation"]
    assert (status["plan"]["mode"], status["plan"]["watch"]) == ("Act", WATCH)
    assert [gate["name"] for gate in status["plan"]["gates"]] == ["good-enough"]
    assert policy["spec"]["mode"] == "DryRun", "a run that heeded it would have promoted nothing"


@pytest.mark.usefixtures("taken_back")
def test_a_drop_alone_begins_a_run_which_does_not_promote_what_was_taken_back(watched: Namespace):
    champion, name = champion_of(watched), next_run_of(watched)
    quarantined = policy_of(watched).status["quarantined"][0]
    edit(watched, POLICY, mode="Act", gates=MODEST, triggers={"performance": {"monitorRef": {"name": MONITOR}}})
    replay_until_over(watched, SECOND_DAY, THIRD_DAY)
    watched.springtide("refresh", f"dset/{OUTCOMES}", "--wait")
    run = ended(watched, name)
    trigger = run.document["spec"]["trigger"]
    assert trigger["type"] == "Performance"
    assert f"1 of the newest 1 windows of DriftMonitor {MONITOR} dropped in performance: until " in trigger["message"]
    assert trigger["windowEnd"] == f"{THIRD_DAY}T00:00:00Z"
    assert run.status["challenger"]["digest"] == quarantined["digest"]
    assert run.status["phase"] == "Rejected"
    assert f"is the model that {quarantined['run']} promoted and that was taken back" in run.message
    assert champion_of(watched) == champion


def test_a_run_that_is_deleted_while_it_watches_is_told_of_and_the_loop_goes_on(watched: Namespace, mlflow_url: str):
    name = f"{FORSAKEN}-1"
    watched.wait_for_retrain_run(name, lambda found: found.status.get("phase") == "Watching", what="to watch")
    champion = champion_of(watched, FORSAKEN)
    watched.kubectl("delete", "rrun", name)
    policy = watched.wait_for_policy(
        FORSAKEN, lambda found: bool(found.status.get("history")), what="to tell of the deletion"
    )
    (past,) = policy.status["history"]
    stays = f"its version {champion['version']} stays the champion"
    assert (past["outcome"], past["message"]) == ("Failed", f"it was deleted before it had ended; {stays}")
    assert policy.status["champion"] == champion
    assert alias_of(mlflow_url, watched, "forsaken") == champion["version"]
    watched.springtide("retrain", f"rpol/{FORSAKEN}")
    assert "is the same model as the champion" in ended(watched, f"{FORSAKEN}-2").message

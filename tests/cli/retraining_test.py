"""Runs that are asked for, followed and approved by hand."""

from datetime import UTC, datetime
from typing import Any

import pytest
from springtide.api.constants import ANNOTATION_APPROVE, ANNOTATION_RETRAIN
from springtide.cli.change import Waiting, check_alone
from springtide.cli.errors import CommandError, Exit
from springtide.cli.retraining import approve, follow, retrain
from springtide.cli.server import Resource, Server

from tests.cli.objects import a_policy, a_retrain_run, objects_of, past, served

Manifest = dict[str, Any]
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
POLICY = Resource("RetrainPolicy", "retrainpolicies", "retrainpolicy", ("rpol",))
RUN = Resource("RetrainRun", "retrainruns", "retrainrun", ("rrun",))
SERVICE = Resource("ModelService", "modelservices", "modelservice", ("msvc",))
CURRENT = {
    "name": "pd-3",
    "number": 3,
    "uid": "u-3",
    "trigger": {"type": "Manual", "time": "2026-11-23T12:00:00Z"},
}


class OneObject(Server):
    """A server with one object, which looks otherwise each time that it is asked for."""

    def __init__(self, *states: Manifest) -> None:
        super().__init__(None, host="https://here", headers={}, namespace="team")
        self._states = list(states)
        self.asked: list[Manifest] = []

    def one(self, resource: Resource, name: str) -> Manifest:  # noqa: ARG002  # it has one object
        return self._states.pop(0) if len(self._states) > 1 else self._states[0]

    def change(self, resource: Resource, name: str, patch: Manifest) -> Manifest:
        self.asked.append(patch)
        return self.one(resource, name)

    def user(self) -> str:
        return "ada@lender.example"


class Told(Waiting):
    """Waiting without a clock, and what was told meanwhile."""

    def __init__(self) -> None:
        self.words: list[str]
        object.__setattr__(self, "words", [])
        super().__init__(seconds=60, tell=self.words.append, sleep=lambda _: None, clock=lambda: 0.0)


def answered(asked: str, status: Manifest) -> Manifest:
    return a_policy(status | {"manualRetrain": asked})


def asked_of(server: OneObject) -> str:
    annotations: dict[str, str] = server.asked[-1]["metadata"]["annotations"]
    return annotations[ANNOTATION_RETRAIN]


def test_a_run_is_asked_for_by_a_fresh_value_each_time():
    server = OneObject(a_policy())
    retrain(server, POLICY, "pd", now=NOW)
    before = asked_of(server)
    retrain(server, POLICY, "pd", now=NOW.replace(microsecond=1000))
    assert asked_of(server) != before


def test_the_run_that_was_asked_for_is_found_once_it_has_begun():
    server = OneObject(a_policy())
    _, asked = retrain(server, POLICY, "pd", now=NOW)
    assert asked.begun(a_policy()) is None
    begun = asked.begun(answered(asked_of(server), {"currentRun": CURRENT, "runs": 3}))
    assert begun is not None
    assert begun.message == "pd-3"


def test_a_run_that_is_written_down_and_not_made_yet_is_waited_for():
    server = OneObject(a_policy())
    _, asked = retrain(server, POLICY, "pd", now=NOW)
    intended = {key: value for key, value in CURRENT.items() if key != "uid"}
    assert asked.begun(answered(asked_of(server), {"currentRun": intended, "runs": 3})) is None


def test_a_run_that_ended_before_it_was_looked_for_is_found_in_the_history():
    server = OneObject(a_policy())
    _, asked = retrain(server, POLICY, "pd", now=NOW)
    history = [past(3, "Failed") | {"trigger": "Manual"}, past(2, "Rejected") | {"trigger": "Manual"}]
    begun = asked.begun(answered(asked_of(server), {"history": history, "runs": 3}))
    assert begun is not None
    assert begun.message == "pd-3"


def test_an_earlier_run_by_hand_is_not_taken_for_this_one():
    server = OneObject(a_policy())
    _, asked = retrain(server, POLICY, "pd", now=NOW)
    history = [past(2, "Rejected") | {"trigger": "Manual"}]
    assert asked.begun(answered(asked_of(server), {"history": history})) is None


def test_a_suspended_policy_is_asked_and_not_waited_for():
    server = OneObject(a_policy(suspend=True))
    done, asked = retrain(server, POLICY, "pd", now=NOW)
    assert "once spec.suspend is false" in done
    outcome = asked.begun(a_policy(suspend=True))
    assert outcome is not None
    assert not outcome.good


def test_each_phase_is_told_once_with_its_numbers():
    wait = Told()
    phases = ("Training", "Training", "Judging", "RollingOut", "RollingOut", "Promoted")
    outcome = follow(OneObject(*(a_retrain_run(phase, version="2") for phase in phases)), RUN, "pd-1", wait=wait)
    assert outcome.good
    assert outcome.message == "pd-1 ended: Promoted: version 2 was promoted"
    assert [words.partition(":")[0] for words in wait.words if "Awaiting" not in words] == [
        "Training",
        "Judging",
        "RollingOut",
        "Watching",
    ]
    assert "TrainingRun pd-1 trains a challenger on snapshot sha256:aaaaaaaaaaaa" in wait.words[0]
    assert "challenger version 2 (sha256:222222222222) against champion version 1" in wait.words[1]


def test_a_run_that_promoted_nothing_did_not_come_out_well():
    outcome = follow(OneObject(a_retrain_run("Rejected")), RUN, "pd-1", wait=Told())
    assert not outcome.good
    assert "Rejected" in outcome.message


def test_an_approval_names_the_user_that_the_server_knows():
    server = OneObject(a_retrain_run("AwaitingApproval"))
    done = approve(server, RUN, "pd-1", who="", confirmed=lambda _: True, now=NOW)
    assert server.asked[0]["metadata"]["annotations"] == {ANNOTATION_APPROVE: "ada@lender.example"}
    assert "ada@lender.example approved version 1 of pd-1" in done


def test_an_approval_is_of_what_was_shown():
    run = a_retrain_run("AwaitingApproval")
    run["metadata"]["resourceVersion"] = "41"
    server = OneObject(run)
    approve(server, RUN, "pd-1", who="risk committee", confirmed=lambda _: True, now=NOW)
    assert server.asked[0]["metadata"]["resourceVersion"] == "41"


def test_who_looks_at_the_gates_and_says_no_changes_nothing():
    server = OneObject(a_retrain_run("AwaitingApproval"))
    with pytest.raises(CommandError, match="was not approved"):
        approve(server, RUN, "pd-1", who="", confirmed=lambda _: False, now=NOW)
    assert not server.asked


@pytest.mark.parametrize(
    ("phase", "words"),
    [("Training", "it is Training since"), ("Rejected", "it has ended: Rejected"), ("Promoted", "it has ended")],
)
def test_a_run_that_does_not_await_approval_cannot_be_approved(phase: str, words: str):
    with pytest.raises(CommandError, match=f"pd-1 does not await approval: {words}") as refused:
        approve(OneObject(a_retrain_run(phase)), RUN, "pd-1", who="", confirmed=lambda _: True, now=NOW)
    assert refused.value.code is Exit.FAILED


def test_what_was_approved_before_is_not_approved_by_another():
    run = a_retrain_run("AwaitingApproval")
    run["metadata"]["annotations"] = {ANNOTATION_APPROVE: "grace"}
    with pytest.raises(CommandError, match="grace approved it before"):
        approve(OneObject(run), RUN, "pd-1", who="", confirmed=lambda _: True, now=NOW)


def test_a_service_that_follows_a_policy_is_left_to_it():
    (service,) = objects_of(served().ask_for("2").serve("2"), "ModelService")
    check_alone(OneObject(service), SERVICE, "pd")
    service["spec"]["versionFrom"] = {"retrainPolicyRef": {"name": "pd"}}
    with pytest.raises(CommandError, match="the policy decides") as refused:
        check_alone(OneObject(service), SERVICE, "pd")
    assert "kubectl springtide rollback msvc/pd --pin" in refused.value.message
    assert "kubectl springtide retrain rpol/pd" in refused.value.message

"""A loop with the operator as a process and real controllers behind a real API server."""

import time
from typing import Any

from tests.apiserver.operator.team import DIGEST, Team, state_of, wait
from tests.faults.proxy import Proxy

SNAPSHOT = {"digest": DIGEST, "uri": "s3://lake/d", "rows": 1000, "bytes": 10, "createdTime": "2026-01-02T03:04:05Z"}
REFRESHED = {"status": "Succeeded", "reason": "Refreshed", "snapshot": SNAPSHOT}
PROMOTED = {"status": "Succeeded", "reason": "Promoted"}
RECORDED = {
    "status": "Succeeded",
    "reason": "Recorded",
    "record": {"uri": "s3://artifacts/records/r", "digest": DIGEST},
}
POLICY: dict[str, Any] = {
    "template": {
        "model": {"name": "churn"},
        "data": {"datasetRef": {"name": "loans"}, "split": {"type": "Time", "column": "day"}},
        "recipe": {"name": "gbdt", "parameters": {"rate": 0.1, "rounds": 300}},
        "target": {"column": "churned"},
        "resources": {"requests": {"cpu": "10m"}},
    },
    "gates": [{"name": "better", "metric": "AUC", "versusChampion": {"minDelta": 0.0}}],
    "guards": {"cooldownSeconds": 0},
    "watch": {"seconds": 0},
}
GONE = {
    "status": "Failed",
    "reason": "ChampionNotFound",
    "retryable": True,
    "message": "version 97 of the champion is gone",
}
SETTLED_SECONDS = 15
"""More than a full comparison with the API server takes to come round."""


def trained(letter: str) -> dict[str, Any]:
    """What a training ends with."""
    model = {"name": "m", "version": str(ord(letter)), "digest": "sha256:" + letter * 64, "uri": f"s3://m/{letter}"}
    return {"status": "Succeeded", "reason": "Succeeded", "model": model}


def judged(outcome: str) -> dict[str, Any]:
    """What an evaluation ends with."""
    gate = {"name": "better", "outcome": outcome, "value": 0.78, "low": 0.001, "message": "AUC 0.78"}
    return {"status": "Succeeded", "reason": "Evaluated", "verdict": {"outcome": outcome, "rows": 200, "gates": [gate]}}


def reason_of(status: dict[str, Any]) -> str:
    """The reason of Ready."""
    return state_of({"status": status})


class Loop:
    """A policy and its Dataset in a namespace."""

    def __init__(self, team: Team) -> None:
        self.team = team
        self.path = f"/apis/springtide.dev/v1alpha1/namespaces/{team.namespace}"
        self._make("datasets", "Dataset", "loans", {"source": {"uri": "s3://lake"}})
        self._make("retrainpolicies", "RetrainPolicy", "pd", POLICY)

    def _make(self, plural: str, kind: str, name: str, spec: dict[str, Any]) -> None:
        body = {"apiVersion": "springtide.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        self.team.send("POST", f"{self.path}/{plural}", body)

    def policy(self) -> Any:
        """The policy as it is."""
        return self.team.send("GET", f"{self.path}/retrainpolicies/pd")

    def run(self, name: str) -> Any:
        """The status of a run; empty where there is none."""
        found = self.team.send("GET", f"{self.path}/retrainruns/{name}", expect=(200, 404))
        return found.get("status", {}) if found["kind"] == "RetrainRun" else {}

    def ask(self, value: str) -> None:
        """A person asks for a run."""
        note = {"metadata": {"annotations": {"springtide.dev/retrain": value}}}
        self.team.send("PATCH", f"{self.path}/retrainpolicies/pd", note)

    def wait_until_recorded(self, name: str) -> Any:
        """Until a run has its record; returns the run's status."""
        wait(f"the record of {name}", lambda: "record" in self.run(name))
        return self.run(name)

    def wait_until_ended(self, runs: int) -> Any:
        """Until the policy has recorded so many runs; returns its status."""
        wait(f"{runs} ended runs", lambda: len(self.policy().get("status", {}).get("history", ())) == runs)
        return self.policy()["status"]


def test_a_loop_promotes_rejects_and_comes_to_rest(team: Team, proxy: Proxy) -> None:
    with team.operator(url=proxy.url):
        loop = Loop(team)
        team.end("loans-refresh-1-a1", message=REFRESHED)
        team.end("pd-1-a1", message=trained("a"))
        team.end("pd-1-evaluate-a1", message=judged("Passed"))
        team.end("pd-1-promote-a1", message=PROMOTED)
        status = loop.wait_until_ended(1)
        assert status["champion"]["version"] == str(ord("a"))
        assert loop.run("pd-1")["phase"] == "Promoted"
        team.end("pd-1-record-a1", message=RECORDED)
        assert loop.wait_until_recorded("pd-1")["record"] == RECORDED["record"]

        asked = time.monotonic()
        loop.ask("now")
        team.end("pd-2-a1", message=trained("b"))
        assert time.monotonic() - asked < 10, "a challenger is started within 10 s"
        team.end("pd-2-evaluate-a1", message=judged("Failed"))
        status = loop.wait_until_ended(2)
        assert status["history"][0]["outcome"] == "Rejected"
        assert status["champion"]["run"] == "pd-1"
        assert state_of(loop.policy()) == "WaitingForTrigger"
        team.end("pd-2-record-a1", message=RECORDED)
        assert loop.wait_until_recorded("pd-2")["phase"] == "Rejected"

        time.sleep(1)  # news that are under way
        writes = len(proxy.writes)
        time.sleep(SETTLED_SECONDS)
        assert [call for call in proxy.writes[writes:] if call.resource != "leases"] == []


def test_a_champion_that_is_gone_from_mlflow_holds_the_run_until_it_is_back(team: Team) -> None:
    with team.operator():
        loop = Loop(team)
        team.end("loans-refresh-1-a1", message=REFRESHED)
        team.end("pd-1-a1", message=trained("a"))
        team.end("pd-1-evaluate-a1", message=judged("Passed"))
        team.end("pd-1-promote-a1", message=PROMOTED)
        loop.wait_until_ended(1)
        loop.ask("now")
        team.end("pd-2-a1", message=trained("b"))
        team.end("pd-2-evaluate-a1", message=GONE, exit_code=75)
        wait("the run to say so", lambda: reason_of(loop.run("pd-2")) == "ChampionNotFound")
        wait("the policy to say so", lambda: state_of(loop.policy()) == "ChampionNotFound")
        assert loop.policy()["status"]["champion"]["version"] == str(ord("a"))
        assert loop.run("pd-2")["phase"] == "Judging"

        team.end("pd-2-evaluate-a2", message=judged("Passed"))
        team.end("pd-2-promote-a1", message=PROMOTED)
        status = loop.wait_until_ended(2)
        assert status["champion"]["version"] == str(ord("b"))
        assert state_of(loop.policy()) == "WaitingForTrigger"


def test_a_policy_that_is_deleted_takes_everything_along(team: Team) -> None:
    with team.operator():
        loop = Loop(team)
        team.end("loans-refresh-1-a1", message=REFRESHED)
        team.running_pod("pd-1-a1")
        team.send("DELETE", f"{loop.path}/retrainpolicies/pd")
        wait("the run to go", lambda: not loop.run("pd-1"))
        wait("its training to go", lambda: not team.runs() and "pd-1-a1" not in team.job_names())

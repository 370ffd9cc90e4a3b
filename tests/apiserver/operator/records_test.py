"""Each write that a run's record takes, and what can go wrong with it."""

from typing import Any

import pytest

from tests.apiserver.operator.loop_test import RECORDED, REFRESHED, Loop
from tests.apiserver.operator.team import Team, wait
from tests.faults.proxy import KILL_AFTER, KILL_BEFORE, LOST_REPLY, Call, Fault, Proxy, answers

FAILED = {"status": "Failed", "reason": "TargetAllNull", "message": "no value"}
FAULTS: dict[str, Fault] = {
    "lost": LOST_REPLY,
    "409": answers(409),
    "500": answers(500),
    "killed": KILL_BEFORE,
    "killed-after": KILL_AFTER,
}


def _said(status: dict[str, Any]) -> dict[str, Any]:
    """Of a run: all but what its record changes."""
    conditions = [item for item in status["conditions"] if item["type"] != "Recorded"]
    return {key: value for key, value in status.items() if key not in ("job", "record")} | {"conditions": conditions}


def _write_of_a_record(call: Call) -> str:
    """Which of the two writes it is, if it is one."""
    if call.is_write and call.resource == "jobs" and call.name == "pd-1-record-a1":
        return "the Job"
    if call.is_write and call.resource == "retrainruns/status" and call.name == "pd-1":
        status = next(step["value"] for step in call.body if step["path"] == "/status")
        return "the status" if "record" in status else ""
    return ""


@pytest.mark.parametrize("fault", FAULTS)
def test_trouble_at_any_write_of_a_record_changes_nothing_in_the_end(team: Team, proxy: Proxy, fault: str) -> None:
    struck: list[str] = []

    def plan(call: Call) -> Fault | None:
        what = _write_of_a_record(call)
        if not what or what in struck:
            return None
        struck.append(what)
        return FAULTS[fault]

    proxy.plan = plan
    with team.operator(url=proxy.url) as operator:

        def restart() -> None:
            operator.kill()
            operator.start()

        proxy.kill = restart
        loop = Loop(team)
        team.end("loans-refresh-1-a1", message=REFRESHED)
        team.end("pd-1-a1", exit_code=64, message=FAILED)
        wait("the run to fail", lambda: loop.run("pd-1").get("phase") == "Failed")
        ended = _said(loop.run("pd-1"))
        team.end("pd-1-record-a1", message=RECORDED)
        status = loop.wait_until_recorded("pd-1")
        assert struck == ["the Job", "the status"]
        assert _said(status) == ended
        assert status["record"] == RECORDED["record"]
        assert [name for name in team.job_names() if name.startswith("pd-1-record-")] == ["pd-1-record-a1"]

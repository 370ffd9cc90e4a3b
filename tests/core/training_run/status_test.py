"""Conditions, reasons and the sentence a person reads."""

import re
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml
from springtide.api.constants import Reason

from tests.core.training_run.world import World, a_run, crash, evicted, preempted, success, user_error, vanished

ROOT = Path(__file__).parents[3]
TYPES = ["Ready", "Queued", "Succeeded", "Reconciling", "Stalled"]


def _lives() -> list[World]:
    return [
        a_run(),
        a_run().start(),
        a_run(suspend=True),
        a_run(seed="x"),
        a_run(queueName="q"),
        a_run().after(success()),
        a_run().after(user_error()),
        a_run(retry={"user": 1}).after(crash()),
        a_run().after(evicted(), vanished()).pass_time(seconds=30),
        a_run(deadlineSeconds=10).start().pass_time(seconds=10),
    ]


def test_every_pass_sets_every_condition_for_this_generation() -> None:
    for run in _lives():
        for status in run.history:
            if status:
                assert [item["type"] for item in status["conditions"]] == TYPES
                assert all(item["observedGeneration"] == 1 for item in status["conditions"])
                assert status["observedGeneration"] == 1


def test_reasons_are_stable_words() -> None:
    words = {item["reason"] for run in _lives() for status in run.history for item in status.get("conditions", ())}
    assert words <= set(Reason)


def test_messages_hold_no_times() -> None:
    for run in _lives():
        for status in run.history:
            for item in status.get("conditions", ()):
                assert not re.search(r"\d{4}-\d{2}-\d{2}|\d{2}:\d{2}", item.get("message", ""))


def test_the_transition_time_moves_only_with_the_status_of_the_condition() -> None:
    run = a_run(retry={"infrastructure": 5})
    created = run.now
    run.after(preempted(), preempted()).start()
    assert run.condition("Ready")["status"] == "Unknown"
    assert run.condition("Ready")["lastTransitionTime"] == created.isoformat().replace("+00:00", "Z")
    run.after(success())
    assert run.condition("Ready")["lastTransitionTime"] == run.status["completionTime"]
    assert run.condition("Stalled")["lastTransitionTime"] == created.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("index", range(10))
def test_a_second_pass_and_a_restart_write_nothing(index: int) -> None:
    run = _lives()[index]
    writes = len(run.server.writes)
    for _ in range(3):
        run.reconcile()
        run.restart()
        run.reconcile()
    assert run.server.writes[writes:] == []


def test_a_terminal_run_stays_as_it_is_whatever_happens_to_its_children() -> None:
    run = a_run().after(success())
    status = run.status
    run.server.delete("Job", "churn-a1")
    run.settle().pass_time(days=30)
    run.restart()
    run.settle().edit(suspend=True)
    assert run.status == status
    assert run.jobs == []


def test_every_status_fits_the_crd() -> None:
    crd = yaml.safe_load((ROOT / "crds/springtide.dev_trainingruns.yaml").read_text())
    schema: dict[str, Any] = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]
    for run in _lives():
        for status in run.history:
            jsonschema.validate(status, schema)


def test_a_run_costs_five_writes_from_start_to_end() -> None:
    run = a_run().after(success())
    assert [resource for _, resource, _ in run.server.writes] == ["jobs", *["trainingruns/status"] * 3]
    assert run.server.events == []

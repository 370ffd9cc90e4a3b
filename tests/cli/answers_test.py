"""What people read: sentences about objects as the operator writes them."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from springtide.cli import screen
from springtide.cli.explain import explain
from springtide.cli.kinds import VIEWS, view_of
from springtide.cli.words import duration, safe

from tests.cli.objects import a_namespace, a_run, objects_of, served, snapshotted
from tests.core.dataset.world import digest as snapshot_digest
from tests.core.model_service.world import a_follower
from tests.core.model_service.world import digest as model_digest

NOW = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)


def printed(drawn: Any) -> str:
    file = io.StringIO()
    Console(file=file, width=400, markup=False, highlight=False, emoji=False).print(drawn)
    return file.getvalue()


def explained(manifest: dict[str, Any], *others: dict[str, Any], now: datetime = NOW) -> str:
    return printed(screen.report(explain(manifest, [], a_namespace([manifest, *others]), now=now)))


def tree_of(manifest: dict[str, Any], *others: dict[str, Any]) -> str:
    view = view_of(manifest["kind"])
    return printed(screen.tree(view.tree(manifest, a_namespace([manifest, *others]), now=NOW)))


def test_the_status_shows_every_kind_with_state_and_key_facts():
    (service,), (dataset,) = objects_of(served(), "ModelService"), objects_of(snapshotted(), "Dataset")
    shown = printed(screen.status(a_namespace([service, dataset]), now=NOW))
    assert "Serving" in shown
    assert "version 1 serves" in shown
    assert "Refreshed" in shown
    assert "1000" in shown
    assert "TrainingRun" not in shown


def test_a_kind_that_nobody_knows_yet_is_shown_by_its_conditions():
    ready = {"type": "Ready", "status": "True", "reason": "Watching", "message": "all is well"}
    unknown = {"kind": "Moon", "metadata": {"name": "luna"}, "status": {"conditions": [ready]}}
    shown = printed(screen.status(a_namespace([unknown]), now=NOW))
    assert "Watching" in shown
    assert "all is well" in shown
    assert "all is well" in explained(unknown)


def test_a_tree_goes_from_the_serving_model_down_to_the_source():
    (service,), (dataset,) = objects_of(served(), "ModelService"), objects_of(snapshotted(), "Dataset")
    shown = tree_of(service, a_run(digest=model_digest("1"), snapshot=snapshot_digest("a")), dataset)
    order = [model_digest("1"), "TrainingRun churn", "Dataset applications", snapshot_digest("a"), "s3://lake/"]
    assert sorted(order, key=shown.index) == order
    assert "not there" not in shown


def test_a_tree_says_what_is_not_there_any_more():
    (service,) = objects_of(served(), "ModelService")
    assert "TrainingRun is not there" in tree_of(service)
    without_dataset = tree_of(service, a_run(digest=model_digest("1"), snapshot=snapshot_digest("a")))
    assert "Dataset applications is not there" in without_dataset
    assert snapshot_digest("a") in without_dataset


def test_a_tree_says_that_a_snapshot_was_removed():
    (dataset,) = objects_of(snapshotted(), "Dataset")
    shown = tree_of(a_run(digest=model_digest("1"), snapshot=snapshot_digest("b")), dataset)
    assert f"snapshot {snapshot_digest('b')} is not there" in shown


def test_a_version_taken_back_is_explained_with_its_numbers_and_what_to_do():
    world = served().ask_for("2").resolve("2").start_servers("2").judge("Failed", says="errors: 0.5, at most 0.01")
    (service,) = objects_of(world, "ModelService")
    shown = explained(service)
    assert "errors: 0.5, at most 0.01" in shown
    assert "kubectl springtide retry msvc/pd" in shown


def test_a_service_that_follows_a_policy_is_explained_by_it():
    world = a_follower().crown("2").start_servers("2").judge("Failed", says="errors: 0.5, at most 0.01")
    (service,) = objects_of(world, "ModelService")
    shown = explained(service)
    assert "The champion of RetrainPolicy pd-policy, a version of pd-12m, is asked for" in shown
    assert "kubectl springtide retry msvc/pd" in shown
    assert "asked for: the champion of RetrainPolicy pd-policy" in tree_of(service)


def test_a_canary_is_explained_by_its_step_and_checks():
    world = served().ask_for("2").resolve("2").start_servers("2")
    (service,) = objects_of(world, "ModelService")
    shown = explained(service)
    assert "Step 1 of 2: about 25 %" in shown
    assert "watched for 1m" in shown


def test_a_broken_contract_is_explained_rule_by_rule():
    world = snapshotted().ask("x").violate()
    (dataset,) = objects_of(world, "Dataset")
    shown = explained(dataset)
    assert "broken: income, min: 3 values are below 0" in shown
    assert "asked for by hand" in shown


def test_an_object_that_the_operator_has_not_seen_is_explained_so():
    unseen = {"kind": "Dataset", "metadata": {"name": "a", "generation": 1}, "spec": {}}
    assert "has acted upon none" in explained(unseen)


@pytest.mark.parametrize("text", ["\x1b[31mred", "a\u202eb", "\x9b2J", "[bold]x[/bold]", ":smile:", "\ud800"])
def test_what_a_server_says_cannot_steer_a_terminal(text: str):
    ready = {"type": "Ready", "status": "False", "reason": "Bad", "message": text}
    manifest = {"kind": "Dataset", "metadata": {"name": "a"}, "spec": {}, "status": {"conditions": [ready]}}
    shown = explained(manifest)
    assert not {"\x1b", "\u202e", "\x9b", "\ud800"} & set(shown)
    assert safe(text) in shown


@given(st.text())
def test_safe_text_has_nothing_that_steers(text: str):
    assert all(character.isprintable() for character in safe(text) if not character.isspace())


@given(st.integers(0, 10**9))
def test_a_duration_has_two_units_at_most(seconds: int):
    assert sum(letter.isalpha() for letter in duration(seconds)) in (1, 2)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("2026-11-23T12:00:00"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = (
    "latest",
    "lastRefresh",
    "currentRefresh",
    "snapshots",
    "violations",
    "missedTime",
    "nextRefreshTime",
    "stable",
    "candidate",
    "previous",
    "quarantined",
    "readyReplicas",
    "attempts",
    "failures",
    "metrics",
    "model",
    "memo",
    "dataset",
    "inputs",
    "conditions",
    "digest",
    "version",
    "number",
    "time",
    "phase",
    "phaseTime",
    "step",
    "weight",
    "failure",
    "createdTime",
    "rows",
    "bytes",
    "type",
    "status",
    "reason",
    "message",
    "until",
    "since",
    "infrastructure",
    "startTime",
    "endTime",
    "name",
    "generation",
    "annotations",
    "steps",
    "checks",
    "pauseSeconds",
    "suspend",
    "retry",
    "rollout",
    "champion",
    "challenger",
    "currentRun",
    "history",
    "verdict",
    "gates",
    "slices",
    "evidence",
    "record",
    "watched",
    "triggers",
    "guards",
    "drift",
    "performance",
    "newRows",
    "schedule",
    "monitorRef",
    "datasetRef",
    "template",
    "plan",
    "watch",
    "seconds",
    "phases",
    "job",
    "approval",
    "completionTime",
    "promotedTime",
    "versionFrom",
    "retrainPolicyRef",
    "policyRef",
    "lastWindow",
    "lastLook",
    "currentLook",
    "drifted",
    "maxPsi",
    "auc",
    "promised",
    "start",
    "end",
    "windows",
    "of",
    "cooldownSeconds",
    "maxRunsPerMonth",
    "maxConsecutiveRejections",
    "measurement",
    "previous",
    "trigger",
    "outcome",
    "seenUntil",
    "nextTime",
    "target",
    "labels",
)
STRANGE = st.recursive(
    JSON,
    lambda inner: st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6) | st.lists(inner, max_size=2),
    max_leaves=20,
)


@settings(deadline=None)  # the first drawing of each kind pays for the imports
@given(kind=st.sampled_from([*VIEWS, "Moon"]), metadata=STRANGE, spec=STRANGE, status=STRANGE)
def test_no_object_however_strange_makes_it_fail(kind: str, metadata: Any, spec: Any, status: Any):
    manifest = {"kind": kind, "metadata": metadata, "spec": spec, "status": status}
    namespace = a_namespace([manifest])
    printed(screen.status(namespace, now=NOW + timedelta(days=1)))
    printed(screen.tree(view_of(kind).tree(manifest, namespace, now=NOW)))
    events = [manifest, status] if isinstance(status, dict) else []
    printed(screen.report(explain(manifest, events, namespace, now=NOW)))
    printed(screen.gates(manifest))

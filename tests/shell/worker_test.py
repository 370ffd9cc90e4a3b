"""What becomes of a pass that fails."""

from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
import structlog
from prometheus_client import generate_latest
from springtide.cluster.client import ApiError
from springtide.shell import worker
from springtide.shell.metrics import Metrics

from tests.core.training_run.world import KEY, World, a_run, create_run
from tests.shell.virtual_time import simulate


@pytest.fixture
def world() -> World:
    world = World()
    create_run(world)
    world.deliver()
    return world


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


def _fail_at(world: World, resource: str, error: Exception) -> None:
    def strike(_: str, of: str, __: str) -> None:
        if of == resource:
            raise error

    world.server.before = strike


def _outcome(world: World) -> str:
    """Of the passes over the run until one fails or there is nothing more to do: a Job is made in one and told of in
    the next."""
    queue, outcome = world.operator.queue, "done"
    queue.add(KEY)
    while outcome == "done" and len(queue):
        key = simulate(queue.get())
        outcome = simulate(worker._outcome(world.operator, key))
        queue.done(key)
    return outcome


@pytest.mark.parametrize(
    "error",
    [
        ApiError(429, "slow down"),
        ApiError(500, "etcd"),
        ApiError(503, "away"),
        OSError(),
        TimeoutError(),
        aiohttp.ServerDisconnectedError(),
        aiohttp.ClientPayloadError(),
    ],
)
@pytest.mark.parametrize("resource", ["jobs", "trainingruns/status"])
def test_trouble_with_the_api_server_brings_the_key_back(world: World, error: Exception, resource: str) -> None:
    _fail_at(world, resource, error)
    assert _outcome(world) == "unavailable"
    assert KEY in world.operator.queue._due


def test_a_status_that_may_not_be_written_brings_the_key_back(world: World) -> None:
    _fail_at(world, "trainingruns/status", ApiError(403, "forbidden"))
    assert _outcome(world) == "unavailable"


@pytest.mark.parametrize("code", [404, 409])
def test_a_conflict_waits_for_the_news(world: World, code: int) -> None:
    _fail_at(world, "trainingruns/status", ApiError(code, "conflict"))
    assert _outcome(world) == "stale"
    assert KEY in world.operator.queue._due


def test_a_defect_of_ours_is_logged_and_does_not_end_the_worker(world: World, logs: list[Any]) -> None:
    _fail_at(world, "jobs", ZeroDivisionError())
    assert _outcome(world) == "error"
    assert logs[-1]["log_level"] == "error"
    assert KEY in world.operator.queue._due


def test_an_event_that_cannot_be_told_costs_nothing(world: World) -> None:
    world.server.update("TrainingRun", "churn", lambda run: run["spec"].update(seed="x"))
    world.deliver()
    _fail_at(world, "events", ApiError(403, "forbidden"))
    assert _outcome(world) == "done"
    assert world.state == "InvalidSpec"


def test_a_key_whose_object_is_gone_is_done(world: World) -> None:
    world.server.delete("TrainingRun", "churn")
    world.deliver()
    assert _outcome(world) == "done"


def test_the_metrics_say_how_passes_ended_and_where_the_objects_stand() -> None:
    world = a_run()
    metrics: Metrics = world.operator.metrics
    metrics.collect_objects(["TrainingRun"], world.operator.store.reasons)
    simulate(worker._safely(world.operator, KEY))
    metrics.observe_request("patch", "jobs", 403)
    text = generate_latest(metrics.registry).decode()
    assert 'springtide_reconcile_total{kind="TrainingRun",outcome="done"} 1.0' in text
    assert 'springtide_objects{kind="TrainingRun",reason="Starting"} 1.0' in text
    assert 'springtide_api_requests_total{code="403",resource="jobs",verb="patch"} 1.0' in text
    assert 'springtide_reconcile_seconds_count{kind="TrainingRun"} 1.0' in text

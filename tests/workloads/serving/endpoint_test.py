"""How long a kept connection lasts: a Service chooses a server for each connection, not for each request."""

from types import SimpleNamespace

import pytest
from springtide_workloads.serving import endpoint
from springtide_workloads.serving.endpoint import Bounds, Endpoint


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The seconds that have passed: `now`."""
    time = SimpleNamespace(now=100.0)
    monkeypatch.setattr(endpoint, "time", SimpleNamespace(monotonic=lambda: time.now))
    return time


def an_endpoint(*, requests: int, seconds: float) -> Endpoint:
    bounds = Bounds(body_bytes=1024, text_bytes=1024, connection_requests=requests, connection_seconds=seconds)
    return Endpoint(None, None, None, bounds)  # type: ignore[arg-type]  # nothing is asked of them


@pytest.mark.usefixtures("clock")
def test_it_ends_after_so_many_requests():
    found = an_endpoint(requests=3, seconds=10)
    assert [found._is_worn("a") for _ in range(4)] == [False, False, True, False]
    assert not found._is_worn("b"), "each is counted for itself"


def test_it_ends_after_so_many_seconds(clock: SimpleNamespace):
    found = an_endpoint(requests=1000, seconds=10)
    assert not found._is_worn("a")
    clock.now += 9
    assert not found._is_worn("a")
    clock.now += 1
    assert found._is_worn("a")
    assert not found._is_worn("a"), "one that begins again has its time before it"


def test_those_that_their_clients_have_ended_are_forgotten(clock: SimpleNamespace):
    found = an_endpoint(requests=2, seconds=10)
    for client in range(100):
        found._is_worn(client)
    clock.now += 21
    found._is_worn("new")
    assert found._is_worn("new")
    assert not found._connections

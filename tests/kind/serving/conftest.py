"""What the tests of serving start from."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.kind import volumes
from tests.kind.cluster import Document, Namespace, a_run
from tests.kind.conftest import NewNamespace
from tests.kind.serving.services import serving

Serve = Callable[[Document], str]

ROUNDS = {"1": 100, "2": 110, "3": 1}
"""The versions: two that are nearly alike, and one that has hardly begun to learn, so that its scores lie elsewhere."""


@pytest.fixture(scope="session")
def serving_team(new_shared_namespace: NewNamespace, census: Path) -> Namespace:
    """A namespace in whose registry three versions of the model `employment` are."""
    namespace = new_shared_namespace("serving")
    volumes.load(namespace, census)
    for version, rounds in ROUNDS.items():
        run = a_run(f"version-{version}", recipe={"name": "gbdt", "parameters": {"numRounds": rounds}})
        namespace.apply(run)
        trained = namespace.wait_for_reason(f"version-{version}", "Succeeded")
        assert trained.status["model"]["version"] == version
    return namespace


@pytest.fixture
def serve(serving_team: Namespace) -> Iterator[Serve]:
    """Applies a service and gives its name, once it answers. After the test it is deleted."""
    with ExitStack() as services:
        yield lambda service: services.enter_context(serving(serving_team, service))

"""What the tests of serving start from."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.kind import volumes
from tests.kind.cluster import Document, Namespace
from tests.kind.conftest import NewNamespace
from tests.kind.serving import versions
from tests.kind.serving.services import serving

Serve = Callable[[Document], str]


@pytest.fixture(scope="session")
def serving_team(new_shared_namespace: NewNamespace, census: Path) -> Namespace:
    """A namespace in whose registry three versions of the model `employment` are."""
    namespace = new_shared_namespace("serving")
    volumes.load(namespace, census)
    versions.train(namespace)
    return namespace


@pytest.fixture
def serve(serving_team: Namespace) -> Iterator[Serve]:
    """Applies a service and gives its name, once it answers. After the test it is deleted."""
    with ExitStack() as services:
        yield lambda service: services.enter_context(serving(serving_team, service))

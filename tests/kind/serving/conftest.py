"""What the tests of serving start from."""

from pathlib import Path

import pytest

from tests.kind import volumes
from tests.kind.cluster import Namespace
from tests.kind.conftest import NewNamespace
from tests.kind.serving import versions


@pytest.fixture(scope="session")
def serving_team(new_shared_namespace: NewNamespace, census: Path) -> Namespace:
    """A namespace in whose registry three versions of the model `employment` are."""
    namespace = new_shared_namespace("serving")
    volumes.load(namespace, census)
    versions.train(namespace)
    return namespace

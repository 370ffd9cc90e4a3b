"""What the tests of the loop start from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kind import volumes
from tests.kind.cluster import Namespace
from tests.kind.conftest import NewNamespace
from tests.kind.retrain.loops import (
    ASKING,
    BETTER,
    FIRST,
    POLICY,
    SERVICE,
    a_dataset,
    a_policy,
    a_service,
    ended,
)
from tests.kind.volumes import Shelf


@pytest.fixture(scope="session")
def loop(new_shared_namespace: NewNamespace, census: Path) -> Namespace:
    """A namespace whose policy has promoted its first champion, while another one waits for a person."""
    namespace = new_shared_namespace("retrain")
    volumes.load(namespace, census)
    namespace.apply(
        a_dataset(),
        a_policy(POLICY, parameters=FIRST, serviceRef={"name": SERVICE}),
        a_policy(ASKING, parameters=BETTER, model="asked-for", approval="Manual"),
        a_service(),
    )
    ended(namespace, f"{POLICY}-1")
    return namespace


@pytest.fixture
def shelf(loop: Namespace) -> Iterator[Shelf]:
    with volumes.shelf(loop) as shelf:
        yield shelf

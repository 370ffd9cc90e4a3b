"""One API server for all tests of this tier, and a namespace for each test."""

from collections.abc import Iterator

import pytest

from tests.apiserver.server import ApiServer, shared


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    base = tmp_path_factory.getbasetemp()
    # Under xdist each worker has a folder of its own in one that they share.
    folder = base.parent if base.name.startswith("popen-") else base
    with shared(folder) as server:
        yield server


@pytest.fixture
def namespace(api_server: ApiServer) -> Iterator[str]:
    name = api_server.new_namespace()
    yield name
    api_server.request("DELETE", f"/api/v1/namespaces/{name}")

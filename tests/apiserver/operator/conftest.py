"""A namespace with a hand on its pods for each test, and a proxy where one is asked for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apiserver.operator.team import Team, a_team
from tests.apiserver.server import ApiServer
from tests.faults.proxy import Proxy


@pytest.fixture
def team(api_server: ApiServer, tmp_path: Path) -> Iterator[Team]:
    with a_team(api_server, tmp_path) as team:
        yield team


@pytest.fixture
def proxy(api_server: ApiServer) -> Iterator[Proxy]:
    certificate = str(api_server.kubeconfig.parent / "certs/apiserver.crt")
    with Proxy(api_server.url, api_server.token, certificate).running() as proxy:
        yield proxy

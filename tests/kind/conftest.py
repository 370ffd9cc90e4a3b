"""What the tests on the local cluster start from."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kind import mlflow, volumes
from tests.kind.cluster import SYSTEM, CommandError, Namespace, command, make_namespace

NewNamespace = Callable[[str], Namespace]


@pytest.fixture(scope="session")
def system() -> Namespace:
    """The namespace of the operator and MLflow, both running."""
    try:
        command("kubectl", "get", "--raw", "/readyz", seconds=10)
    except (CommandError, subprocess.TimeoutExpired) as error:
        pytest.exit(f"the local cluster does not answer: run `make dev` ({error})", returncode=3)
    namespace = Namespace(SYSTEM)
    try:
        for deployment in ("springtide-operator", "springtide-mlflow"):
            namespace.kubectl("rollout", "status", f"deployment/{deployment}", "--timeout=120s")
    except CommandError as error:
        pytest.exit(f"Springtide does not run in the local cluster: run `make dev` ({error})", returncode=3)
    return namespace


@pytest.fixture(scope="module")
def new_namespace(system: Namespace) -> Iterator[NewNamespace]:  # noqa: ARG001  # the cluster must be there
    """Makes namespaces in which nothing but restricted pods may run; they are gone after the module."""
    yield from _namespaces()


@pytest.fixture(scope="session")
def new_shared_namespace(system: Namespace) -> Iterator[NewNamespace]:  # noqa: ARG001  # the cluster must be there
    """The same for what several modules share: they are gone after the last test."""
    yield from _namespaces()


def _namespaces() -> Iterator[NewNamespace]:
    made: list[Namespace] = []

    def make(purpose: str) -> Namespace:
        made.append(make_namespace(purpose))
        return made[-1]

    yield make
    for namespace in made:
        command("kubectl", "delete", "namespace", namespace.name, "--wait=false")


@pytest.fixture(scope="module")
def team(request: pytest.FixtureRequest, new_namespace: NewNamespace, census: Path) -> Namespace:
    """A namespace with some of the census on its volume."""
    namespace = new_namespace(request.path.stem.removesuffix("_test").replace("_", "-")[:30])
    volumes.load(namespace, census)
    return namespace


@pytest.fixture(scope="session")
def census(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 2,000 people of each year, and beside it what is wrong in many ways."""
    return volumes.write(tmp_path_factory.mktemp("data"))


@pytest.fixture
def mlflow_url(system: Namespace) -> Iterator[str]:
    """MLflow, through a port of this machine."""
    with mlflow.reached(system) as url:
        yield url


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The figures that tests recorded, though they passed."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{report.nodeid}: {name}: {value}")

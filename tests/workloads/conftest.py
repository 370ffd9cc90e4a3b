"""What the tests of the workloads share: an MLflow on SQLite, an S3 server, small data."""

import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError, URLError

import pytest
from hypothesis import settings

from tests.workloads.builders import Place, a_table, write

# A machine that is busy with other things is no failure.
settings.register_profile("workloads", deadline=None)
settings.load_profile("workloads")

REPOSITORY = Path(__file__).parents[2]
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "springtide",
    "AWS_SECRET_ACCESS_KEY": "only-for-tests",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@pytest.fixture(scope="session")
def tracking_uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An MLflow of this test session: a database file."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"


@pytest.fixture
def place(tmp_path: Path, tracking_uri: str) -> Place:
    return Place(root=tmp_path, tracking_uri=tracking_uri)


@pytest.fixture(scope="session")
def loans(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URI of a small table in two files."""
    return write(a_table(), tmp_path_factory.mktemp("loans"))


@pytest.fixture(scope="session")
def s3_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real S3 server on loopback, with an empty folder behind it."""
    cache = Path(os.environ.get("SPRINGTIDE_CACHE") or Path.home() / ".cache" / "springtide")
    subprocess.run([REPOSITORY / "tests/cluster/programs/build.sh", "versitygw"], check=True)
    folder = tmp_path_factory.mktemp("s3")
    (folder / "lake").mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "ROOT_ACCESS_KEY": CREDENTIALS["AWS_ACCESS_KEY_ID"],
        "ROOT_SECRET_KEY": CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    }
    command = [cache / "programs" / "versitygw", "--port", f"127.0.0.1:{port}", "posix", folder]
    log = (tmp_path_factory.mktemp("s3-log") / "log").open("w")
    with subprocess.Popen(command, env=environment, stdout=log, stderr=log) as server:
        endpoint = f"http://127.0.0.1:{port}"
        _wait_for(endpoint, server)
        yield endpoint
        server.terminate()


@pytest.fixture
def s3(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket of this server, reached as in a pod: by environment alone."""
    import s3fs

    for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": s3_endpoint}.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    yield "s3://lake"
    s3fs.S3FileSystem.clear_instance_cache()


def _wait_for(endpoint: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert server.poll() is None, f"the S3 server ended with {server.returncode}"
        try:
            urllib.request.urlopen(endpoint, timeout=1)  # noqa: S310  # http, on loopback
        except HTTPError:
            return  # it answers: it wants credentials
        except URLError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"the S3 server at {endpoint} did not answer within 20 s")

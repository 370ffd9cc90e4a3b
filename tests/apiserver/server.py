"""A real API server for the tests: started by the first process that needs it, stopped by the last one."""

import fcntl
import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
FAST = REPOSITORY / "tests/cluster/fast.sh"
PORT = os.environ.get("SPRINGTIDE_TEST_PORT", "18643")
"""Another than fast.sh's own, so that the tests leave alone what a person started."""
ENVIRONMENT = os.environ | {"FAST_PORT": PORT}


@dataclass(frozen=True)
class ApiServer:
    """One that runs, with the rights of an administrator."""

    kubeconfig: Path
    url: str
    token: str

    def request(self, method: str, path: str, body: Any = None, **parameters: str) -> requests.Response:
        """Send one request. The body is a document; a PATCH is a merge patch."""
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        return requests.request(
            method,
            f"{self.url}{path}",
            json=body,
            params=parameters,
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": kind},
            verify=str(self.kubeconfig.parent / "certs/apiserver.crt"),
            timeout=30,
        )

    def kubectl(self, *arguments: str, document: str | None = None) -> str:
        """What kubectl prints; raises RuntimeError with its words when it fails."""
        command = ["kubectl", "--kubeconfig", str(self.kubeconfig), *arguments]
        done = subprocess.run(command, input=document, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
        return done.stdout

    def new_namespace(self) -> str:
        """The name of a namespace that nobody else uses."""
        name = f"test-{uuid.uuid4().hex[:10]}"
        reply = self.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        reply.raise_for_status()
        return name


@contextmanager
def shared(folder: Path) -> Iterator[ApiServer]:
    """The one server of all processes that name the same folder (the workers of one test run)."""
    users = folder / "api-server-users"
    with _locked(users):
        count = int(users.read_text() or 0)
        if count == 0:
            _install_crds(_start(folder))
        users.write_text(str(count + 1))
    try:
        yield _read(folder)
    finally:
        with _locked(users):
            count = int(users.read_text()) - 1
            users.write_text(str(count))
            if count == 0:
                subprocess.run([FAST, "stop"], env=ENVIRONMENT, check=True, capture_output=True)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    with file.open("a+") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _start(folder: Path) -> ApiServer:
    done = subprocess.run([FAST, "start"], env=ENVIRONMENT, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{FAST} start failed:\n{done.stderr}")
    (folder / "api-server").write_text(done.stdout.splitlines()[-1])
    return _read(folder)


def _read(folder: Path) -> ApiServer:
    kubeconfig = Path((folder / "api-server").read_text())
    config = yaml.safe_load(kubeconfig.read_text())
    return ApiServer(kubeconfig, config["clusters"][0]["cluster"]["server"], config["users"][0]["user"]["token"])


def _install_crds(server: ApiServer) -> None:
    server.kubectl("apply", "--server-side", "-f", str(REPOSITORY / "crds"))
    server.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(REPOSITORY / "crds"))

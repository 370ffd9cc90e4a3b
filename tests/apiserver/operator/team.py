"""A namespace with runs in it, operators that work on them, and a hand on its pods.

The namespace's name begins with `hold-`: kwok lets a pod run there until it is told how to end.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import requests
import yaml

from tests.apiserver.server import ApiServer

T = TypeVar("T")
DIGEST = "sha256:" + "d" * 64
RESULT: dict[str, Any] = {
    "status": "Succeeded",
    "reason": "Succeeded",
    "message": "trained on 1000 rows",
    "metrics": {"auc": 0.93},
    "inputs": {"digest": DIGEST, "rows": 1000},
    "model": {"name": "churn", "version": "1", "digest": DIGEST},
}
UNREACHABLE = {"status": "Failed", "reason": "StoreUnavailable", "retryable": True, "message": "the store is away"}
RUNS = "/apis/springtide.dev/v1alpha1/namespaces/{}/trainingruns"


def wait(what: str, look: Callable[[], T], *, seconds: float = 30.0) -> T:
    """The first true answer of `look`; an AssertionError that says what was waited for and what was there last."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:.0f} s for {what}; the last answer was {seen!r}")
        time.sleep(0.1)


class Process:
    """An operator as a process of its own. Use it as a context."""

    def __init__(self, folder: Path, *, kubeconfig: Path, namespace: str, name: str, platform: dict[str, Any]) -> None:
        self.name = name
        self.port = _free_port()
        self.log = folder / f"{name}.log"
        self._settings = folder / f"{name}.yaml"
        self._settings.write_text(
            yaml.safe_dump(
                {
                    "workloadsImage": "springtide/workloads:test",
                    "trackingUri": "http://mlflow:5000",
                    "artifactsUri": "s3://artifacts",
                    "artifactsVolume": None,
                    "namespaces": [namespace],
                    "resyncSeconds": 10,
                }
                | platform
            )
        )
        self._environment = os.environ | {
            "KUBECONFIG": str(kubeconfig),
            "POD_NAME": name,
            "POD_NAMESPACE": namespace,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Process":
        """A new process. It need not be ready when this returns."""
        command = [Path(sys.executable).with_name("springtide-operator"), "--platform", self._settings]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen([*command, "--port", str(self.port)], env=self._environment, stderr=log)
        return self

    def __enter__(self) -> "Process":
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.is_running:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGKILL)
        if self._process:
            self._process.wait(10)

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def signal(self, number: int) -> None:
        """Send a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it without a chance to say goodbye, and wait until it is gone."""
        self.signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait(10)

    def terminate(self, *, within: float = 20.0) -> int:
        """Ask it to end, as Kubernetes does; returns its exit code."""
        self.signal(signal.SIGTERM)
        assert self._process is not None
        return self._process.wait(within)

    def metrics(self) -> str:
        """Its metrics page."""
        return requests.get(f"http://127.0.0.1:{self.port}/metrics", timeout=5).text

    def healthy(self) -> bool:
        """Whether its liveness probe is content."""
        return requests.get(f"http://127.0.0.1:{self.port}/healthz", timeout=5).status_code == 200

    @property
    def is_leading(self) -> bool:
        """Whether it says that it leads."""
        return self._says("springtide_leading 1.0")

    @property
    def is_following(self) -> bool:
        """Whether it says that it does not lead."""
        return self._says("springtide_leading 0.0")

    def _says(self, line: str) -> bool:
        try:
            return line in self.metrics()
        except requests.RequestException:
            return False

    def words(self) -> str:
        """Its log."""
        return self.log.read_text()

    def wait_until_in_sync(self) -> "Process":
        """Until it has seen everything once since its last start."""
        before = self.words().count('"in sync"')
        wait(f"{self.name} to be in sync", lambda: self.words().count('"in sync"') > before or self._is_synced())
        return self

    def _is_synced(self) -> bool:
        return self.words().rfind('"in sync"') > self.words().rfind('"leading"')


class Team:
    """A namespace and what is in it."""

    def __init__(self, server: ApiServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.namespace = f"hold-{uuid.uuid4().hex[:10]}"
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {server.token}"
        self._session.trust_env = False  # it would prefer the CA bundle that the environment names
        self._session.verify = str(server.kubeconfig.parent / "certs/apiserver.crt")
        self.send("POST", "/api/v1/namespaces", {"metadata": {"name": self.namespace}})

    def send(self, method: str, path: str, body: Any = None, *, expect: tuple[int, ...] = (200, 201, 202)) -> Any:
        """Send a request as an administrator; a PATCH is a merge patch."""
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        url = f"{self.server.url}{path}"
        reply = self._session.request(
            method, url, data=json.dumps(body) if body is not None else None, headers={"Content-Type": kind}, timeout=30
        )
        assert reply.status_code in expect, f"{method} {path} gave {reply.status_code}: {reply.text}"
        return reply.json()

    @contextmanager
    def none_of(self, resource: str) -> Iterator[None]:
        """Nobody can make any of these meanwhile, such as `pods`: a quota forbids it."""
        quotas = f"/api/v1/namespaces/{self.namespace}/resourcequotas"
        self.send("POST", quotas, {"metadata": {"name": "none"}, "spec": {"hard": {resource: "0"}}})
        wait("the quota to count", lambda: self.send("GET", f"{quotas}/none").get("status", {}).get("hard"))
        yield
        self.send("DELETE", f"{quotas}/none")

    # Operators.

    def operator(self, name: str = "operator", *, url: str = "", **platform: Any) -> Process:
        """An operator for this namespace, to be used as a context. url: of a proxy to go through."""
        kubeconfig = self.server.kubeconfig
        if url:
            kubeconfig = self.folder / f"{name}-kubeconfig"
            cluster = {"name": "proxy", "cluster": {"server": url}}
            context = {"name": "proxy", "context": {"cluster": "proxy", "user": "nobody"}}
            user = {"name": "nobody", "user": {"token": "none"}}
            document = {"apiVersion": "v1", "kind": "Config", "current-context": "proxy"}
            document |= {"clusters": [cluster], "contexts": [context], "users": [user]}  # type: ignore[dict-item]
            kubeconfig.write_text(yaml.safe_dump(document))
        return Process(self.folder, kubeconfig=kubeconfig, namespace=self.namespace, name=name, platform=platform)

    # Runs.

    @property
    def _runs(self) -> str:
        return RUNS.format(self.namespace)

    def create(self, name: str = "churn", **spec: Any) -> Any:
        """Create a run."""
        body = {
            "apiVersion": "springtide.dev/v1alpha1",
            "kind": "TrainingRun",
            "metadata": {"name": name},
            "spec": {
                "model": {"name": "churn"},
                "data": {"source": {"uri": "s3://data/churn/*.parquet"}},
                "recipe": {"name": "gbdt"},
                "target": {"column": "churned"},
                "resources": {"requests": {"cpu": "10m"}},
            }
            | spec,
        }
        return self.send("POST", self._runs, body)

    def run(self, name: str = "churn") -> Any:
        """The run as it is."""
        return self.send("GET", f"{self._runs}/{name}")

    def runs(self) -> list[Any]:
        """All runs."""
        return list(self.send("GET", self._runs)["items"])

    def edit(self, name: str = "churn", **spec: Any) -> None:
        """Change the spec of a run."""
        self.send("PATCH", f"{self._runs}/{name}", {"spec": spec})

    def delete(self, name: str = "churn") -> None:
        """Delete a run."""
        self.send("DELETE", f"{self._runs}/{name}")

    def wait_for(self, reason: str, name: str = "churn", *, seconds: float = 30.0) -> Any:
        """Until Ready gives this reason; returns the run."""
        last: Any = None

        def look() -> bool:
            nonlocal last
            last = self.run(name)
            return state_of(last) == reason

        try:
            wait(f"{name} to be {reason}", look, seconds=seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {json.dumps(last.get('status'))}") from None
        return last

    # Children.

    def jobs(self) -> list[Any]:
        """All Jobs, by name."""
        items = self.send("GET", f"/apis/batch/v1/namespaces/{self.namespace}/jobs")["items"]
        return sorted(items, key=lambda job: job["metadata"]["name"])

    def job_names(self) -> list[str]:
        """Their names."""
        return [job["metadata"]["name"] for job in self.jobs()]

    def pods(self) -> list[Any]:
        """All pods."""
        return list(self.send("GET", f"/api/v1/namespaces/{self.namespace}/pods")["items"])

    def delete_job(self, name: str) -> None:
        """Delete a Job and its pods."""
        path = f"/apis/batch/v1/namespaces/{self.namespace}/jobs/{name}"
        self.send("DELETE", path, {"propagationPolicy": "Background"})

    def running_pod(self, job: str) -> str:
        """Wait until the Job's pod runs; returns its name."""

        def look() -> str:
            for pod in self.pods():
                owner = pod["metadata"]["ownerReferences"][0]["name"]
                if owner == job and pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]:
                    return str(pod["metadata"]["name"])
            return ""

        return wait(f"a running pod of Job {job}", look)

    def end(self, job: str, *, exit_code: int = 0, message: dict[str, Any] | str = RESULT, reason: str = "") -> None:
        """Let the pod of a Job end so."""
        self.end_pod(self.running_pod(job), exit_code=exit_code, message=message, reason=reason)

    def end_pod(self, pod: str, *, exit_code: int, message: dict[str, Any] | str, reason: str = "") -> None:
        """Let the pod end so."""
        annotations = {
            "springtide.test/exit-code": str(exit_code),
            "springtide.test/message": message if isinstance(message, str) else json.dumps(message),
            **({"springtide.test/reason": reason} if reason else {}),
        }
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod}"
        self.send("PATCH", path, {"metadata": {"annotations": annotations}}, expect=(200, 404))

    def delete_pod(self, pod: str) -> None:
        """Delete a pod: it ends as the kubelet would end it, and goes."""
        self.send("DELETE", f"/api/v1/namespaces/{self.namespace}/pods/{pod}")

    def versions(self) -> dict[str, str]:
        """The resourceVersion of everything here that the operator may write: equal answers mean that it did not."""
        claims = self.send("GET", f"/api/v1/namespaces/{self.namespace}/persistentvolumeclaims")["items"]
        events = self.send("GET", f"/api/v1/namespaces/{self.namespace}/events")["items"]
        ours = [event for event in events if event.get("source", {}).get("component") == "springtide"]
        everything = [*self.runs(), *self.jobs(), *claims, *ours]
        return {item["metadata"]["uid"]: item["metadata"]["resourceVersion"] for item in everything}


def state_of(run: Any) -> str:
    """The reason of Ready."""
    conditions = run.get("status", {}).get("conditions", ())
    return next((str(item["reason"]) for item in conditions if item["type"] == "Ready"), "")


@contextmanager
def a_team(server: ApiServer, folder: Path) -> Iterator[Team]:
    """A namespace that goes after the test."""
    team = Team(server, folder)
    try:
        yield team
    finally:
        team.send("DELETE", f"/api/v1/namespaces/{team.namespace}")


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])

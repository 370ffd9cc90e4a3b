"""A namespace whose pods run on this machine; it can be asked as an object and as an API server."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml
from springtide.cli.manifest import Manifest, name_of
from springtide.cli.server import Server

WORKLOADS = Path(sys.executable).with_name("springtide-workloads")
KINDS = [{"kind": "DriftMonitor", "name": "driftmonitors", "singularName": "driftmonitor", "shortNames": ["dmon"]}]


class Cluster(Server):
    """A namespace whose pods run here, with the Jobs that an operator left there."""

    def __init__(self, *jobs: Manifest, termination_log: Path) -> None:
        super().__init__(None, host="https://here", headers={}, namespace="team")
        self._jobs = jobs
        self._termination_log = termination_log
        self._monitors: dict[str, Manifest] = {}
        self.pods: dict[str, Manifest] = {}
        self.made: list[Manifest] = []
        self._logs: dict[str, bytes] = {}

    def add(self, monitor: Manifest) -> None:
        """Put a DriftMonitor here."""
        self._monitors[name_of(monitor)] = monitor

    def ask(self, method: str, path: str, **request: Any) -> Manifest | None:
        name = path.rpartition("/")[2]
        match method:
            case "GET" if name == "v1alpha1":
                return {"resources": KINDS}
            case "GET" if name == "jobs":
                return {"items": list(self._jobs)}
            case "GET" if path.endswith(f"/driftmonitors/{name}"):
                return self._monitors.get(name)
            case "POST":
                return self._run(request["body"])
            case "DELETE":
                return self.pods.pop(name)
            case _:
                return self.pods.get(name)

    def read(self, path: str, *, what: str) -> bytes | None:  # noqa: ARG002  # nothing is refused here
        return self._logs[path.split("/")[-2]]

    def _run(self, body: Manifest) -> Manifest:
        (container,) = body["spec"]["containers"]
        environment = {"SPRINGTIDE_TERMINATION_LOG": str(self._termination_log), "PATH": ""}
        done = subprocess.run([WORKLOADS, *container["args"]], capture_output=True, check=False, env=environment)
        ended: Manifest = {"exitCode": done.returncode}
        if self._termination_log.exists():
            ended["message"] = self._termination_log.read_text()
        name = body["metadata"]["generateName"] + "x"
        phase = "Failed" if done.returncode else "Succeeded"
        status = {"phase": phase, "containerStatuses": [{"name": "main", "state": {"terminated": ended}}]}
        self.made.append(body)
        self.pods[name] = {"metadata": {"name": name}, "spec": body["spec"], "status": status}
        self._logs[name] = done.stdout + done.stderr
        return self.pods[name]


@contextmanager
def served(cluster: Cluster, folder: Path) -> Iterator[Path]:
    """Answer as an API server until the end of the block; yields a kubeconfig for it, in the folder."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path.endswith("/log"):
                self._answer(cluster.read(path, what="log") or b"")
            else:
                self._tell(cluster.ask("GET", path))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._tell(cluster.ask("POST", self.path, body=body))

        def do_DELETE(self) -> None:
            self._tell(cluster.ask("DELETE", self.path))

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

        def _tell(self, found: Manifest | None) -> None:
            self._answer(json.dumps(found or {}).encode(), code=200 if found else 404)

        def _answer(self, content: bytes, *, code: int = 200) -> None:
            self.send_response(code)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield _kubeconfig(f"http://127.0.0.1:{server.server_port}", folder / "kubeconfig", cluster.namespace)
        finally:
            server.shutdown()
            thread.join()


def _kubeconfig(url: str, path: Path, namespace: str) -> Path:
    context = {"cluster": "here", "user": "me", "namespace": namespace}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": context}],
        "clusters": [{"name": "here", "cluster": {"server": url}}],
        "users": [{"name": "me", "user": {}}],
    }
    path.write_text(yaml.safe_dump(config))
    return path

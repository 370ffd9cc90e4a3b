"""The peer: the JobSet controller (Go, sigs.k8s.io/jobset), with limits on its requests that do not bind.

Its webhooks are left out: what they would fill in is written out in the objects, so only the controller is measured.
"""

import json
import re
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from api_server import CACHE, REPOSITORY, ApiServer
from process import stop

VERSION = "v0.8.0"
METRICS_PORT, HEALTH_PORT, WEBHOOK_PORT = 19490, 19491, 19492
SETS = "/apis/jobset.x-k8s.io/v1alpha2/namespaces/default/jobsets"
REQUESTS_PER_SECOND = 500
SERVED = frozenset({("jobsets", ""), ("jobsets", "status"), ("jobs", "")})
"""What nobody else writes, as (resource, subresource), the creation of the JobSets aside."""


def custom_resources() -> list[dict[str, Any]]:
    """JobSet's CRDs, from the module that its controller is built from."""
    command = ["go", "mod", "download", "-json", f"sigs.k8s.io/jobset@{VERSION}"]
    module = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["Dir"]
    return [yaml.safe_load(path.read_text()) for path in sorted(Path(module, "config/components/crd/bases").glob("*"))]


@contextmanager
def controller(server: ApiServer) -> "Iterator[subprocess.Popen[bytes]]":
    """The controller, ready; ended with SIGTERM afterwards."""
    subprocess.run([REPOSITORY / "tests/cluster/programs/build.sh", "jobset"], check=True)
    config = server.state / "jobset.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "config.jobset.x-k8s.io/v1alpha1",
                "kind": "Configuration",
                "leaderElection": {"leaderElect": False},
                "internalCertManagement": {"enable": False},
                "webhook": {"port": WEBHOOK_PORT, "certDir": str(_certificate(server.state / "jobset-certs"))},
            }
        )
    )
    limits = {"kube-api-qps": REQUESTS_PER_SECOND, "kube-api-burst": REQUESTS_PER_SECOND}
    addresses = {"metrics-bind-address": METRICS_PORT, "health-probe-bind-address": HEALTH_PORT}
    command = [
        str(CACHE / "programs/jobset"),
        f"--config={config}",
        f"--kubeconfig={server.kubeconfig}",
        "--zap-log-level=error",
        *(f"--{name}={value}" for name, value in limits.items()),
        *(f"--{name}=127.0.0.1:{port}" for name, port in addresses.items()),
    ]
    with (server.state / "jobset.log").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            _wait_until_ready(process, server.state / "jobset.log")
            yield process
        finally:
            stop(process)


def _certificate(folder: Path) -> Path:
    """A certificate for the webhook server, which starts though nothing calls it."""
    folder.mkdir()
    key, certificate = folder / "tls.key", folder / "tls.crt"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run([*request, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return folder


def _wait_until_ready(process: "subprocess.Popen[bytes]", log: Path) -> None:
    # Its metrics are the last to be served: 401 for who has no token.
    address = f"https://127.0.0.1:{METRICS_PORT}/metrics"
    probe = ["curl", "--silent", "--insecure", "--noproxy", "*", "--output", "/dev/null", address]
    deadline = time.monotonic() + 60
    while subprocess.run(probe, check=False, capture_output=True).returncode:
        if process.poll() is not None or time.monotonic() > deadline:
            raise TimeoutError(
                f"the JobSet controller did not become ready in 60 s; its log: {log.read_text()[-2000:]}"
            )
        time.sleep(0.1)


async def writes(token: str) -> Counter[str]:
    """What the controller has written so far, as "METHOD code", by its own metrics."""
    headers = {"Authorization": f"Bearer {token}"}
    url = f"https://127.0.0.1:{METRICS_PORT}/metrics"
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers, ssl=False) as answer:
        text = await answer.text()
    pattern = r'^rest_client_requests_total\{code="(\d+)",host="[^"]*",method="(\w+)"\} (\S+)'
    counts: Counter[str] = Counter()
    for code, method, value in re.findall(pattern, text, re.MULTILINE):
        if method != "GET":
            counts[f"{method} {code}"] += int(float(value))
    return counts


def jobset(index: int) -> dict[str, Any]:
    """One of many equal JobSets: one Job of one pod, like a TrainingRun's."""
    container = {
        "name": "c",
        "image": "none",
        "command": ["true"],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
    }
    pod = {"restartPolicy": "Never", "containers": [container], "enableServiceLinks": False}
    job = {
        "parallelism": 1,
        "completions": 1,
        "backoffLimit": 0,
        "completionMode": "Indexed",
        "template": {"spec": pod},
    }
    return {
        "apiVersion": "jobset.x-k8s.io/v1alpha2",
        "kind": "JobSet",
        "metadata": {"name": f"run-{index:05d}", "namespace": "default"},
        "spec": {
            "network": {"enableDNSHostnames": False},
            "successPolicy": {"operator": "All"},
            "startupPolicy": {"startupPolicyOrder": "AnyOrder"},
            "replicatedJobs": [{"name": "w", "replicas": 1, "template": {"spec": job}}],
        },
    }


def job_of(name: str) -> str:
    """The name of the Job of a JobSet."""
    return f"{name}-w-0"


def has_ended(jobset: dict[str, Any]) -> bool:
    """Whether the JobSet says that it is complete."""
    conditions = jobset.get("status", {}).get("conditions", ())
    return any(item["type"] == "Completed" and item["status"] == "True" for item in conditions)

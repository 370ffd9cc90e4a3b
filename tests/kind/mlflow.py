"""MLflow of the local cluster: asked through a port of this machine, and taken away."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.kind.cluster import CACHE, Namespace

DEPLOYMENT = "deployment/springtide-mlflow"
SELECTOR = "app.kubernetes.io/component=mlflow,app.kubernetes.io/name=springtide"


@contextmanager
def reached(system: Namespace) -> Iterator[str]:
    """Its address while the context lasts. The way there leads to one pod, and ends with it."""
    kubectl = [CACHE / "bin" / "kubectl", "--kubeconfig", CACHE / "kubeconfig", "--namespace", system.name]
    process = subprocess.Popen(
        [*kubectl, "port-forward", "service/springtide-mlflow", ":5000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout
        line = process.stdout.readline()
        port = re.search(r"127\.0\.0\.1:(\d+)", line)
        assert port, f"kubectl port-forward says: {line}"
        yield f"http://127.0.0.1:{port[1]}"
    finally:
        process.terminate()
        process.wait()


@contextmanager
def away(system: Namespace) -> Iterator[None]:
    """It answers nobody while the context lasts, and everybody afterwards."""
    system.kubectl("scale", DEPLOYMENT, "--replicas=0")
    try:
        # A pod on its way out goes on answering.
        system.kubectl("wait", "--for=delete", "pod", "--selector", SELECTOR, "--timeout=60s")
        yield
    finally:
        system.kubectl("scale", DEPLOYMENT, "--replicas=1")
        system.kubectl("rollout", "status", DEPLOYMENT, "--timeout=120s", seconds=130)

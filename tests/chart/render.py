"""The chart as Helm renders it."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
CHART = REPOSITORY / "charts/springtide"
CACHE = Path(os.environ.get("SPRINGTIDE_CACHE", Path.home() / ".cache/springtide"))
NAMESPACE = "springtide-system"

EXTERNAL = {
    "mlflow.backendStoreUriSecret.name": "mlflow-db",
    "mlflow.artifactsDestination": "s3://models/mlflow",
    "mlflow.envFromSecrets": ["bucket"],
    "artifacts.uri": "s3://models/artifacts",
}
MONITORING = ("monitoring.coreos.com/v1/ServiceMonitor", "monitoring.coreos.com/v1/PrometheusRule")

VARIANTS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "everything external": EXTERNAL,
    "an MLflow of one's own": {"mlflow.enabled": False, "mlflow.trackingUri": "https://mlflow.example.com"},
    "two namespaces": {"namespaces": ["team-a", "team-b"]},
    "one replica, bare": {
        "operator.replicas": 1,
        "operator.priorityClass.create": False,
        "networkPolicy.enabled": False,
        "crds.install": False,
        "userRoles": False,
    },
    "all there is": {
        "imagePullSecrets": [{"name": "pull"}],
        "operator.image": "example.com/operator@sha256:" + "0" * 64,
        "operator.nodeSelector": {"pool": "system"},
        "operator.tolerations": [{"key": "system", "operator": "Exists"}],
        "operator.priorityClass": {"create": False, "name": "system-cluster-critical"},
        "workloads.env": {"OMP_NUM_THREADS": "4", "NUMBER_LIKE": "1e3"},
        "workloads.envFromSecrets": ["bucket"],
        "workloads.priorityClassName": "batch",
        "artifacts.volume.storageClassName": "fast",
        "artifacts.volume.accessMode": "ReadWriteMany",
        "mlflow.storage.storageClassName": "fast",
        "mlflow.allowedHosts": ["mlflow.example.com"],
        "monitoring.dashboard": True,
    },
}


def helm(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run Helm: the cluster's, else the one on the PATH."""
    program = next((str(path) for path in (CACHE / "bin/helm", CACHE / "programs/helm") if path.exists()), None)
    command = [program or shutil.which("helm") or "helm", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def flags(values: dict[str, Any]) -> list[str]:
    """Values as arguments, by path."""
    return [argument for path, value in values.items() for argument in ("--set-json", f"{path}={json.dumps(value)}")]


def template(values: dict[str, Any], *, apis: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Render the chart, as for a cluster that serves these further APIs."""
    versions = [argument for api in apis for argument in ("--api-versions", api)]
    place = ["--namespace", NAMESPACE, "--kube-version", "1.37.0"]
    return helm("template", "springtide", str(CHART), *place, *versions, *flags(values))


@dataclass(frozen=True)
class Rendered:
    """The documents of one rendering."""

    documents: tuple[dict[str, Any], ...]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Those of a kind."""
        return [document for document in self.documents if document["kind"] == kind]

    def one(self, kind: str, name: str) -> dict[str, Any]:
        """The one of this kind and name."""
        (found,) = [document for document in self.of(kind) if document["metadata"]["name"] == name]
        return found

    def pods(self) -> dict[str, dict[str, Any]]:
        """The spec of every pod, by the name of what makes it."""
        made = {item["metadata"]["name"]: item["spec"]["template"]["spec"] for item in self.of("Deployment")}
        return made | {item["metadata"]["name"]: item["spec"] for item in self.of("Pod")}


def rendered(values: dict[str, Any], *, apis: tuple[str, ...] = ()) -> Rendered:
    """The chart with these values; it must render."""
    done = template(values, apis=apis)
    assert done.returncode == 0, done.stderr
    return Rendered(tuple(document for document in yaml.safe_load_all(done.stdout) if document))

"""A release of the chart in real containers: it runs restricted, lets in whom it should, and leaves people's work."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.kind.cluster import CACHE, REPOSITORY, Document, Namespace, command, wait_for
from tests.kind.conftest import NewNamespace

PROBE_SECONDS = 10
_ASK = """
import sys, time, urllib.request
until = time.monotonic() + float(sys.argv[2])
while True:  # a Service takes a moment until every node knows it
    try:
        urllib.request.urlopen(sys.argv[1], timeout=3)
        break
    except OSError:
        if time.monotonic() > until:
            raise
        time.sleep(0.5)
"""


@dataclass(frozen=True)
class Release:
    """A second installation beside the cluster's own: it has rights in two namespaces and nothing cluster-wide."""

    home: Namespace
    team: Namespace

    def install(self, **values: Any) -> None:
        """Install or upgrade, and wait until it runs."""
        images = dict(line.split("=", 1) for line in (CACHE / "images.env").read_text().splitlines())
        chosen = {
            "namespaces": [self.home.name, self.team.name],
            "crds": {"install": False},
            "userRoles": False,
            "operator": {
                "image": images["OPERATOR_IMAGE"],
                "priorityClass": {"create": False},
                "resources": {"requests": {"cpu": "20m", "memory": "96Mi"}, "limits": {"memory": "256Mi"}},
            },
            "workloads": {"image": images["WORKLOADS_IMAGE"], "scratchSize": "1Gi"},
            "mlflow": {"storage": {"size": "1Gi"}, "image": images.get("MLFLOW_IMAGE", "")},
        } | values
        arguments = [
            argument for key, value in chosen.items() for argument in ("--set-json", f"{key}={json.dumps(value)}")
        ]
        chart = str(REPOSITORY / "charts/springtide")
        self.helm("upgrade", "--install", "springtide", chart, "--wait", "--timeout", "180s", *arguments)

    def helm(self, *arguments: str) -> str:
        """Helm in its namespace."""
        return command("helm", *arguments, "--namespace", self.home.name, seconds=240)

    def operator_pods(self) -> list[Document]:
        """Those that are not on their way out."""
        selector = "app.kubernetes.io/component=operator"
        pods = self.home.read("pods", "--selector", selector)["items"]
        return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]

    def leader(self) -> str:
        """Name of the pod that holds the lease, or nothing."""
        leases = self.home.read("leases")["items"]
        return next((str(lease["spec"].get("holderIdentity", "")) for lease in leases), "")


@pytest.fixture(scope="module")
def release(new_namespace: NewNamespace) -> Iterator[Release]:
    installed = Release(new_namespace("release"), new_namespace("release-team"))
    installed.install()
    yield installed
    installed.helm("uninstall", "springtide", "--ignore-not-found")


def test_two_restricted_replicas_run_on_two_nodes_and_one_leads(release: Release):
    pods = release.operator_pods()
    assert len({pod["spec"]["nodeName"] for pod in pods}) == 2
    assert all(status["restartCount"] == 0 for pod in pods for status in pod["status"]["containerStatuses"])
    wait_for(
        lambda: release.leader() in {pod["metadata"]["name"] for pod in release.operator_pods()},
        what="one of the two replicas to lead", seconds=30, state=release.leader,
    )  # fmt: skip


def test_the_releases_own_test_reaches_operator_and_mlflow(release: Release):
    release.helm("test", "springtide", "--timeout", "120s")


def reaches_mlflow(release: Release, name: str, labels: dict[str, str]) -> bool:
    """Whether a pod of the team with these labels gets an answer from the release's MLflow."""
    image = release.operator_pods()[0]["spec"]["containers"][0]["image"]
    url = f"http://springtide-mlflow.{release.home.name}.svc:5000/health"
    security = {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}}
    container = {
        "name": "ask",
        "image": image,
        "command": ["python", "-c", _ASK, url, str(PROBE_SECONDS)],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    spec = {"restartPolicy": "Never", "securityContext": security, "containers": [container]}
    release.team.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec})

    def ended() -> str | None:
        phase = str(release.team.read("pod", name)["status"].get("phase"))
        return phase if phase in ("Succeeded", "Failed") else None

    def describe() -> str:
        return release.team.kubectl("describe", "pod", name)

    return wait_for(ended, what=f"pod {name} to end", seconds=60, state=describe) == "Succeeded"


def test_workloads_reach_mlflow_and_other_pods_do_not(release: Release):
    assert reaches_mlflow(release, "workload", {"springtide.dev/kind": "TrainingRun"})
    assert not reaches_mlflow(release, "stranger", {})


def test_an_upgrade_rolls_the_operator_and_someone_leads_again(release: Release):
    before = {pod["metadata"]["name"] for pod in release.operator_pods()}
    release.install(workloads={"image": "springtide/workloads:next"})
    after = {pod["metadata"]["name"] for pod in release.operator_pods()}
    assert not before & after
    wait_for(lambda: release.leader() in after, what="a new replica to lead", seconds=60, state=release.leader)


def test_an_uninstall_leaves_runs_and_data_and_a_new_install_takes_them_back(release: Release):
    run = {
        "apiVersion": "springtide.dev/v1alpha1",
        "kind": "TrainingRun",
        "metadata": {"name": "precious"},
        "spec": {
            "model": {"name": "m"},
            "data": {"source": {"uri": "file:///data/a.parquet"}},
            "recipe": {"name": "gbdt"},
            "target": {"column": "y"},
            "suspend": True,
        },
    }
    release.team.apply(run)
    run_uid = release.team.read("trainingrun", "precious")["metadata"]["uid"]
    volume = release.home.read("pvc", "springtide-mlflow")["spec"]["volumeName"]

    release.helm("uninstall", "springtide", "--wait")
    assert not release.home.read("deployments")["items"]
    assert release.team.read("trainingrun", "precious")["metadata"]["uid"] == run_uid

    release.install()
    assert release.team.read("trainingrun", "precious")["metadata"]["uid"] == run_uid
    assert release.home.read("pvc", "springtide-mlflow")["spec"]["volumeName"] == volume

"""The commands against a real API server, with a kubeconfig alone."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from springtide.cli.errors import Exit

from tests.apiserver.server import ApiServer
from tests.cli.objects import a_monitor, a_policy, a_retrain_run, objects_of
from tests.core.drift_monitor.world import over_service

PROGRAM = Path(sys.executable).with_name("kubectl-springtide")
DIGEST = "sha256:" + "a" * 64
NOW = "2026-11-24T12:00:00Z"
PATHS = {
    "Dataset": "datasets",
    "DriftMonitor": "driftmonitors",
    "ModelService": "modelservices",
    "RetrainPolicy": "retrainpolicies",
    "RetrainRun": "retrainruns",
    "TrainingRun": "trainingruns",
}
DATASET: dict[str, Any] = {"source": {"uri": "s3://lake/x.parquet"}}
SERVICE: dict[str, Any] = {"model": {"name": "pd", "version": "2"}}

Command = Callable[..., subprocess.CompletedProcess[str]]


def run(kubeconfig: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"KUBECONFIG": str(kubeconfig), "COLUMNS": "300"}
    return subprocess.run(
        [PROGRAM, *arguments], capture_output=True, text=True, check=False, env=environment, timeout=60
    )


@pytest.fixture
def command(api_server: ApiServer, namespace: str) -> Command:
    return lambda *arguments: run(api_server.kubeconfig, *arguments, "-n", namespace)


def create(
    server: ApiServer, namespace: str, kind: str, name: str, spec: dict[str, Any], status: dict[str, Any] | None = None
) -> None:
    path = f"/apis/springtide.dev/v1alpha1/namespaces/{namespace}/{PATHS[kind]}"
    body = {"apiVersion": "springtide.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
    server.request("POST", path, body).raise_for_status()
    if status is not None:
        server.request("PATCH", f"{path}/{name}/status", {"status": status}).raise_for_status()


def served() -> dict[str, Any]:
    model = {"digest": DIGEST, "uri": "s3://artifacts/m"}
    return {
        "observedGeneration": 1,
        "stable": model | {"version": "2", "since": NOW},
        "previous": model | {"version": "1", "since": NOW, "until": NOW},
        "conditions": [
            {"type": "Ready", "status": "True", "reason": "Serving", "message": "all", "lastTransitionTime": NOW}
        ],
    }


def path_of(namespace: str, kind: str, name: str) -> str:
    return f"/apis/springtide.dev/v1alpha1/namespaces/{namespace}/{PATHS[kind]}/{name}"


def annotations_of(server: ApiServer, namespace: str, kind: str, name: str) -> dict[str, str]:
    metadata = server.request("GET", path_of(namespace, kind, name)).json()["metadata"]
    annotations: dict[str, str] = metadata.get("annotations", {})
    return annotations


def put(server: ApiServer, namespace: str, manifest: dict[str, Any]) -> None:
    create(
        server,
        namespace,
        manifest["kind"],
        manifest["metadata"]["name"],
        manifest["spec"],
        manifest["status"],
    )


def guest_of(server: ApiServer, namespace: str, folder: Path) -> Path:
    """A kubeconfig of a service account that may do nothing."""
    account = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    server.request("POST", account, {"metadata": {"name": "guest"}}).raise_for_status()
    reply = server.request("POST", f"{account}/guest/token", {"spec": {}})
    reply.raise_for_status()
    config = yaml.safe_load(server.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": reply.json()["status"]["token"]}
    (folder / "config").write_text(yaml.safe_dump(config))
    return folder / "config"


def test_an_empty_namespace_and_one_that_is_not_there_are_told_apart(api_server: ApiServer, command: Command):
    assert "Nothing of Springtide" in command("status").stdout
    gone = run(api_server.kubeconfig, "status", "-n", "no-such")
    assert gone.returncode == Exit.NOT_FOUND
    assert "there is no namespace no-such" in gone.stderr


def test_everything_is_seen_and_traced(api_server: ApiServer, namespace: str, command: Command):
    create(api_server, namespace, "Dataset", "applications", DATASET)
    create(api_server, namespace, "ModelService", "pd", SERVICE, served())
    shown = command("status").stdout
    assert "applications" in shown
    assert "Serving" in shown
    listed = json.loads(command("status", "-o", "json").stdout)
    assert {item["metadata"]["name"] for item in listed["items"]} == {"applications", "pd"}
    traced = command("tree", "msvc/pd").stdout
    assert DIGEST in traced
    assert "TrainingRun is not there" in traced
    assert "version 2" in command("explain", "modelservice/pd").stdout.lower()


def test_a_refresh_is_asked_for_by_the_annotation(api_server: ApiServer, namespace: str, command: Command):
    create(api_server, namespace, "Dataset", "applications", DATASET)
    assert command("refresh", "dset/applications").returncode == 0
    path = f"/apis/springtide.dev/v1alpha1/namespaces/{namespace}/datasets/applications"
    assert "springtide.dev/refresh" in api_server.request("GET", path).json()["metadata"]["annotations"]


def test_waiting_ends_with_an_exit_code_when_no_operator_works(api_server: ApiServer, namespace: str, command: Command):
    create(api_server, namespace, "Dataset", "applications", DATASET)
    assert command("refresh", "dset/applications", "--wait", "--timeout", "1").returncode == Exit.TIMED_OUT


def test_a_rollback_asks_for_the_version_that_is_kept(api_server: ApiServer, namespace: str, command: Command):
    create(api_server, namespace, "ModelService", "pd", SERVICE, served())
    assert "version 1 instead of 2" in command("rollback", "msvc/pd").stdout
    path = f"/apis/springtide.dev/v1alpha1/namespaces/{namespace}/modelservices/pd"
    assert str(api_server.request("GET", path).json()["spec"]["model"]["version"]) == "1"
    assert command("rollback", "msvc/pd", "--to", "1").returncode == Exit.FAILED


def test_a_retry_releases_the_version_in_quarantine(api_server: ApiServer, namespace: str, command: Command):
    held = {"digest": DIGEST, "version": "2", "reason": "CheckFailed", "message": "errors", "time": NOW}
    create(api_server, namespace, "ModelService", "pd", SERVICE, {"quarantined": [held]})
    assert command("retry", "msvc/pd").returncode == 0
    path = f"/apis/springtide.dev/v1alpha1/namespaces/{namespace}/modelservices/pd"
    assert api_server.request("GET", path).json()["metadata"]["annotations"]["springtide.dev/release"] == "2"


def test_the_loop_is_seen_on_one_screen_and_explained(api_server: ApiServer, namespace: str, command: Command):
    for manifest in (a_policy(), a_retrain_run("Rejected", number=2, version="2"), a_monitor()):
        put(api_server, namespace, manifest)
    shown = command("status").stdout
    assert "Watching" in shown
    assert "Rejected" in shown
    assert "Drifted" in shown
    assert "of the newest 2 windows" in command("explain", "rpol/pd").stdout
    assert "better: Failed" in command("explain", "rrun/pd-2").stdout
    assert "income" in command("explain", "dmon/income").stdout
    told = json.loads(command("explain", "rpol/pd", "-o", "json").stdout)
    assert told["title"].startswith("RetrainPolicy pd is Watching")
    assert {section["heading"] for section in told["sections"]} >= {"Conditions", "What is", "What comes next"}


def test_a_run_is_asked_for_by_the_annotation(api_server: ApiServer, namespace: str, command: Command):
    put(api_server, namespace, a_policy())
    assert "asked pd for a run" in command("retrain", "rpol/pd").stdout
    first = annotations_of(api_server, namespace, "RetrainPolicy", "pd")["springtide.dev/retrain"]
    assert command("retrain", "rpol/pd").returncode == 0
    assert annotations_of(api_server, namespace, "RetrainPolicy", "pd")["springtide.dev/retrain"] != first


def test_a_run_that_was_asked_for_is_followed_to_its_end(api_server: ApiServer, namespace: str, tmp_path: Path):
    put(api_server, namespace, a_policy())
    put(api_server, namespace, a_retrain_run("Judging", number=3, version="2"))
    environment = os.environ | {"KUBECONFIG": str(api_server.kubeconfig), "COLUMNS": "300"}
    arguments = [PROGRAM, "retrain", "rpol/pd", "-n", namespace, "--wait", "--timeout", "60"]
    with (tmp_path / "told").open("w") as told, subprocess.Popen(arguments, stdout=told, stderr=told, env=environment):
        asked = until(
            lambda: annotations_of(api_server, namespace, "RetrainPolicy", "pd").get("springtide.dev/retrain")
        )
        current = {"name": "pd-3", "number": 3, "uid": "u-3", "trigger": {"type": "Manual", "time": NOW}}
        begun = {"manualRetrain": asked, "currentRun": current, "runs": 3}
        patch_status(api_server, namespace, "RetrainPolicy", "pd", begun)
        until(lambda: "against champion version 1" in (tmp_path / "told").read_text())
        rejected = a_retrain_run("Rejected", number=3, version="2")["status"]
        patch_status(api_server, namespace, "RetrainRun", "pd-3", rejected)
    said = (tmp_path / "told").read_text()
    assert "Training: TrainingRun pd-3" in said
    assert said.count("Judging: challenger") == 1
    assert "error: pd-3 ended: Rejected: version 2 was rejected" in said


def patch_status(server: ApiServer, namespace: str, kind: str, name: str, status: dict[str, Any]) -> None:
    server.request("PATCH", path_of(namespace, kind, name) + "/status", {"status": status}).raise_for_status()


def until(seen: Callable[[], Any]) -> Any:
    """What is seen, once it is anything."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if found := seen():
            return found
        time.sleep(0.05)
    raise TimeoutError


def test_an_approval_says_who_as_the_server_knows_them(api_server: ApiServer, namespace: str, command: Command):
    put(api_server, namespace, a_retrain_run("AwaitingApproval"))
    done = command("approve", "rrun/pd-1")
    assert done.returncode == 0
    assert done.stdout.index("0.9310") < done.stdout.index("admin approved version 1 of pd-1")
    assert annotations_of(api_server, namespace, "RetrainRun", "pd-1")["springtide.dev/approve"] == "admin"


def test_an_approval_can_name_somebody_else(api_server: ApiServer, namespace: str, command: Command):
    put(api_server, namespace, a_retrain_run("AwaitingApproval"))
    assert command("approve", "rrun/pd-1", "--as-name", "risk committee").returncode == 0
    assert annotations_of(api_server, namespace, "RetrainRun", "pd-1")["springtide.dev/approve"] == "risk committee"


def test_a_run_that_awaits_no_approval_is_not_approved(api_server: ApiServer, namespace: str, command: Command):
    put(api_server, namespace, a_retrain_run("Judging"))
    done = command("approve", "rrun/pd-1")
    assert done.returncode == Exit.FAILED
    assert "pd-1 does not await approval: it is Judging since" in done.stderr
    assert not annotations_of(api_server, namespace, "RetrainRun", "pd-1")


def test_a_service_that_follows_a_policy_is_left_to_it_until_it_is_pinned(
    api_server: ApiServer, namespace: str, command: Command
):
    follows = {"model": {"name": "pd"}, "versionFrom": {"retrainPolicyRef": {"name": "pd"}}}
    create(api_server, namespace, "ModelService", "pd", follows, served())
    done = command("rollback", "msvc/pd")
    assert done.returncode == Exit.FAILED
    assert "RetrainPolicy pd promotes" in done.stderr
    assert "it follows RetrainPolicy pd no more" in command("rollback", "msvc/pd", "--pin").stdout
    spec = api_server.request("GET", path_of(namespace, "ModelService", "pd")).json()["spec"]
    assert "versionFrom" not in spec
    assert str(spec["model"]["version"]) == "1"


def test_a_report_is_read_by_a_pod_that_is_removed(api_server: ApiServer, namespace: str, command: Command):
    put(api_server, namespace, a_monitor())
    assert "there is no Job of Springtide left" in command("report", "dmon/income").stderr
    pods = f"/api/v1/namespaces/{namespace}/pods"
    jobs = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    (job,) = objects_of(over_service(), "Job")
    labels = job["metadata"]["labels"]
    body = {"metadata": {"name": "look", "labels": labels}, "spec": job["spec"] | {"suspend": True}}
    api_server.request("POST", jobs, body).raise_for_status()
    done = command("report", "dmon/income", "--timeout", "1")
    assert "pod income-report-" in done.stderr
    assert done.returncode != 0  # no program runs on these nodes
    left = api_server.request("GET", pods).json()["items"]
    assert all("deletionTimestamp" in pod["metadata"] for pod in left)


def test_who_may_not_make_pods_is_told_which_right_is_missing(api_server: ApiServer, namespace: str, tmp_path: Path):
    put(api_server, namespace, a_monitor())
    config = guest_of(api_server, namespace, tmp_path)
    role = {"metadata": {"name": "read"}, "rules": [{"apiGroups": ["springtide.dev"], "resources": ["*"]}]}
    role["rules"][0]["verbs"] = ["get", "list"]
    subject = {"kind": "ServiceAccount", "name": "guest", "namespace": namespace}
    binding = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "read"}
    api = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    api_server.request("POST", f"{api}/roles", role).raise_for_status()
    bound = {"metadata": {"name": "read"}, "subjects": [subject], "roleRef": binding}
    api_server.request("POST", f"{api}/rolebindings", bound).raise_for_status()
    done = run(config, "report", "dmon/income", "-n", namespace)
    assert done.returncode == Exit.FORBIDDEN
    assert "you may not list jobs in namespace" in done.stderr


def test_a_misspelt_name_is_answered_by_near_ones(api_server: ApiServer, namespace: str, command: Command):
    create(api_server, namespace, "Dataset", "applications", DATASET)
    done = command("explain", "dset/aplications")
    assert done.returncode == Exit.NOT_FOUND
    assert "did you mean applications" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("tree", "moon/x"), "there is no kind moon"),
        (("tree", "pd"), "KIND/NAME"),
        (("retry", "dset/x"), "is a Dataset"),
        (("retrain", "msvc/x"), "is a ModelService"),
        (("approve", "rpol/x"), "is a RetrainPolicy"),
    ],
)
def test_what_was_not_understood_is_said(command: Command, arguments: tuple[str, ...], words: str):
    done = command(*arguments)
    assert done.returncode == Exit.USAGE
    assert words in done.stderr


def test_a_missing_right_is_named(api_server: ApiServer, namespace: str, tmp_path: Path):
    done = run(guest_of(api_server, namespace, tmp_path), "status", "-n", namespace)
    assert done.returncode == Exit.FORBIDDEN
    assert "you may not list datasets" in done.stderr


def test_a_server_that_is_not_there_and_a_missing_kubeconfig_are_said(api_server: ApiServer, tmp_path: Path):
    config = yaml.safe_load(api_server.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    done = run(tmp_path / "config", "status")
    assert done.returncode == Exit.UNREACHABLE
    assert "cannot be reached" in done.stderr
    assert run(tmp_path / "missing", "status").returncode == Exit.UNREACHABLE


def test_a_server_without_the_crds_is_told_from_one_that_is_away(api_server: ApiServer, tmp_path: Path):
    config = yaml.safe_load(api_server.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] += "/elsewhere"  # a path below which no API is served
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    done = run(tmp_path / "config", "status")
    assert done.returncode == Exit.NOT_INSTALLED
    assert "CRDs are not installed" in done.stderr


def test_help_is_there_at_once(tmp_path: Path):
    took = []
    for _ in range(3):
        begin = time.monotonic()
        assert run(tmp_path, "--help").returncode == 0
        took.append(time.monotonic() - begin)
    assert min(took) < 0.5

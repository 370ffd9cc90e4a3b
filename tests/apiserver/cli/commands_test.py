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

PROGRAM = Path(sys.executable).with_name("kubectl-springtide")
DIGEST = "sha256:" + "a" * 64
NOW = "2026-11-24T12:00:00Z"
PATHS = {"Dataset": "datasets", "ModelService": "modelservices", "TrainingRun": "trainingruns"}
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
    ],
)
def test_what_was_not_understood_is_said(command: Command, arguments: tuple[str, ...], words: str):
    done = command(*arguments)
    assert done.returncode == Exit.USAGE
    assert words in done.stderr


def test_a_missing_right_is_named(api_server: ApiServer, namespace: str, tmp_path: Path):
    account = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    api_server.request("POST", account, {"metadata": {"name": "guest"}}).raise_for_status()
    reply = api_server.request("POST", f"{account}/guest/token", {"spec": {}})
    reply.raise_for_status()
    config = yaml.safe_load(api_server.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": reply.json()["status"]["token"]}
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    done = run(tmp_path / "config", "status", "-n", namespace)
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

"""The local cluster itself: nothing leaves this machine, and making it again does nothing."""

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from tests.kind.cluster import CACHE, REPOSITORY, Namespace, command, workloads_image
from tests.kind.conftest import NewNamespace

SCRIPTS = REPOSITORY / "tests" / "cluster"
OUTSIDE = "198.51.100.1"
"""Of a range for documentation: nobody's address, should the fence ever fail (RFC 5737)."""

pytestmark = pytest.mark.skipif(
    not (CACHE / "engine").read_text().startswith("registryless"),
    reason="the engine and its network are the user's own: there is no fence",
)


def run_python(namespace: Namespace, code: str) -> str:
    """What a restricted pod of `namespace` prints that runs `code`."""
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    namespace.apply(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "probe"},
            "spec": {
                "restartPolicy": "Never",
                "automountServiceAccountToken": False,
                "terminationGracePeriodSeconds": 0,
                "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
                "containers": [
                    {
                        "name": "probe",
                        "image": workloads_image(),
                        "command": ["python", "-c", code],
                        "securityContext": security,
                    }
                ],
            },
        }
    )
    namespace.kubectl("wait", "pod/probe", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=90s")
    return namespace.kubectl("logs", "probe").strip()


def packets_dropped() -> int:
    """By the fence, since it was put up."""
    rules = command("iptables", "-t", "mangle", "-nvxL", "SPRINGTIDE-FENCE")
    return sum(int(count) for count in re.findall(r"^\s*(\d+)\s+\d+\s+DROP", rules, re.MULTILINE))


def test_a_packet_of_a_pod_to_another_network_is_dropped_and_counted(new_namespace: NewNamespace) -> None:
    before = packets_dropped()
    answer = run_python(
        new_namespace("fence"),
        f"""
import socket
try:
    socket.create_connection(("{OUTSIDE}", 443), timeout=2)
except TimeoutError:
    print("no answer")
""",
    )
    assert answer == "no answer"
    assert packets_dropped() > before


def test_names_outside_the_cluster_do_not_exist_and_that_is_said_at_once(new_namespace: NewNamespace) -> None:
    answer = run_python(
        new_namespace("names"),
        """
import socket, time
begin = time.monotonic()
try:
    socket.getaddrinfo("somewhere.example.com", 443)
except socket.gaierror as error:
    print(error.errno == socket.EAI_NONAME, time.monotonic() - begin < 2)
""",
    )
    assert answer == "True True"


def test_making_a_cluster_that_is_there_changes_nothing_and_takes_seconds() -> None:
    def identity() -> tuple[str, str]:
        return (
            command("kubectl", "get", "nodes", "--output", "jsonpath={.items[*].metadata.uid}"),
            command("iptables", "-t", "mangle", "-S"),
        )

    before, begin = identity(), time.monotonic()
    command(str(SCRIPTS / "up.sh"), seconds=120)
    assert identity() == before
    assert time.monotonic() - begin < 30


def test_a_user_of_podman_sees_nothing_of_it() -> None:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("CONTAINERS_")}
    listed = subprocess.run(
        ["podman", "ps", "--all", "--format", "{{.Names}}"], env=plain, capture_output=True, text=True, check=True
    )
    assert "springtide" not in listed.stdout


def test_a_damaged_program_of_the_cache_is_built_again(tmp_path: Path) -> None:
    build = [str(SCRIPTS / "programs" / "build.sh"), "kind"]
    environment = os.environ | {"SPRINGTIDE_CACHE": str(tmp_path)}
    kind = tmp_path / "bin" / "kind"
    subprocess.run(build, env=environment, check=True, capture_output=True)

    with kind.open("r+b") as file:
        file.truncate(1000)
    subprocess.run(build, env=environment, check=True, capture_output=True)

    assert "kind v" in subprocess.run([kind, "version"], capture_output=True, text=True, check=True).stdout

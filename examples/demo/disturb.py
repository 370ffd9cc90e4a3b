"""What the demo breaks at a bad moment, and what comes of it: nothing but lost time."""

import contextlib
import time

from chaos import PATIENCE
from kubectl import SYSTEM, kubectl, read, typed
from tell import DemoError, command, say

LEASE = "springtide-operator"


def kill_training(run: str, *, seconds: float = 120) -> None:
    """Kill the pod in which a TrainingRun trains, as soon as it runs: one that may end in its own time may succeed."""
    selector = f"springtide.dev/name={run},springtide.dev/role=attempt"
    seconds *= PATIENCE
    deadline = time.monotonic() + seconds
    while not any(pod["status"]["phase"] == "Running" for pod in read("pods", "--selector", selector)["items"]):
        if time.monotonic() > deadline:
            raise DemoError(f"no pod of {run} was seen to run within {seconds:.0f} s")
        time.sleep(0.2)
    say("[red]breaking:[/] the pod in which the challenger trains is killed")
    typed("delete", "pod", "--selector", selector, "--grace-period=0", "--force")


def kill_operator() -> str:
    """Kill the leading replica of the operator, as if its node had lost power. Returns its name."""
    leading = leader()
    if not leading:
        raise DemoError(f"no replica of the operator leads; look at: kubectl -n {SYSTEM} get pods,leases")
    say("[red]breaking:[/] the leading replica of the operator is killed, as if its node had lost power")
    command(f"kubectl -n {SYSTEM} delete pod {leading} --grace-period=0 --force")
    # It may be gone already: chaos may have come first.
    kubectl("delete", "pod", leading, "--grace-period=0", "--force", "--ignore-not-found", namespace=SYSTEM)
    return leading


def wait_for_successor(killed: str, *, since: float, seconds: float = 90) -> float:
    """How many seconds after `since` (monotonic) another replica leads."""
    while not (leading := leader()) or leading == killed:
        if time.monotonic() - since > seconds * PATIENCE:
            raise DemoError(f"no replica of the operator leads; look at: kubectl -n {SYSTEM} get pods,leases")
        time.sleep(0.5)
    return time.monotonic() - since


def leader() -> str:
    """The pod that leads, or nothing while there is none."""
    with contextlib.suppress(DemoError):
        return str(read("lease", LEASE, namespace=SYSTEM)["spec"].get("holderIdentity") or "")
    return ""

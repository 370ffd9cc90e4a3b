"""What the demo breaks while the runs train, and what comes of it: nothing but lost time."""

import contextlib
import time
from collections.abc import Sequence

from kubectl import NAMESPACE, SYSTEM, kubectl, read
from live import Run
from tell import DemoError, command, say

LEASE = "springtide-operator"


class Disturbances:
    """First the pod of one run is deleted, then the operator's leading replica is killed; each once."""

    def __init__(self, *, victim: str) -> None:
        self._victim = victim
        self._pod_deleted = False
        self._recovered = False
        self._killed: tuple[str, float] | None = None
        self._successor = ""

    def look(self, runs: Sequence[Run]) -> None:
        """See how the runs fare, and break the next thing when its time has come."""
        victim = next(run for run in runs if run.name == self._victim)
        if not self._pod_deleted:
            if victim.reason == "Training" and victim.progress.startswith("training:"):
                self._delete_pod(victim)
        elif not self._recovered and victim.attempt > 1 and victim.reason == "Training":
            self._recovered = True
            say(f"[green]recovered:[/] attempt {victim.attempt} of {victim.name} trains; no user retry is spent")
        if self._recovered and self._killed is None and any(run.ready == "Unknown" for run in runs):
            self._kill_leader()
        if self._killed and not self._successor:
            self._find_successor()

    def sum_up(self) -> None:
        """Wait until the operator leads again, and say what the disturbances changed."""
        deadline = time.monotonic() + 60
        while self._killed and not self._successor:
            if time.monotonic() > deadline:
                raise DemoError(
                    f"no replica of the operator leads; look at: kubectl --namespace {SYSTEM} get pods,leases"
                )
            self._find_successor()
            time.sleep(0.5)
        attempts = {run["metadata"]["name"]: run["status"]["attempt"] for run in read("trainingrun")["items"]}
        told = ", ".join(f"{name} took {count} attempt{'s' * (count > 1)}" for name, count in attempts.items())
        say(f"All runs have succeeded: {told}.")

    def _delete_pod(self, victim: Run) -> None:
        self._pod_deleted = True
        selector = f"springtide.dev/name={victim.name},springtide.dev/attempt={victim.attempt}"
        say("[red]breaking:[/] the pod in which it trains is deleted")
        command(f"kubectl --namespace {NAMESPACE} delete pod --selector {selector}")
        kubectl("delete", "pod", "--selector", selector, "--wait=false")

    def _kill_leader(self) -> None:
        leader = _leader()
        if not leader:
            return
        say("[red]breaking:[/] the leading replica of the operator is killed, as if its node had lost power")
        command(f"kubectl --namespace {SYSTEM} delete pod {leader} --grace-period=0 --force")
        kubectl("delete", "pod", leader, "--grace-period=0", "--force", namespace=SYSTEM)
        self._killed = (leader, time.monotonic())

    def _find_successor(self) -> None:
        assert self._killed is not None
        killed, moment = self._killed
        leader = _leader()
        if leader and leader != killed:
            self._successor = leader
            seconds = time.monotonic() - moment
            say(f"[green]recovered:[/] {leader} leads after {seconds:.0f} s; the training pods never noticed")


def _leader() -> str:
    """The pod that leads, or nothing while there is none."""
    with contextlib.suppress(DemoError):
        return str(read("lease", LEASE, namespace=SYSTEM)["spec"].get("holderIdentity") or "")
    return ""

"""The operator's own pods: who leads, and how they are taken away."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.kind.cluster import Namespace, wait_for

DEPLOYMENT = "deployment/springtide-operator"
SELECTOR = "app.kubernetes.io/component=operator,app.kubernetes.io/name=springtide"


def leader(system: Namespace) -> str:
    """The pod that holds the lease, or nothing."""
    return str(system.read("lease", "springtide-operator")["spec"].get("holderIdentity") or "")


def wait_for_leader(system: Namespace, *, other_than: str = "", seconds: float = 60) -> str:
    """A pod that leads and is there."""

    def look() -> str | None:
        holder = leader(system)
        pods = {pod["metadata"]["name"] for pod in system.read("pods", "--selector", SELECTOR)["items"]}
        return holder if holder != other_than and holder in pods else None

    def state() -> str:
        return system.kubectl("get", "lease,pods")

    return wait_for(look, what="a replica of the operator to lead", seconds=seconds, state=state)


@contextmanager
def no_operator(system: Namespace) -> Iterator[None]:
    """All replicas are killed, as by a loss of power, and none is there while the context lasts."""
    replicas = str(system.read(DEPLOYMENT)["spec"]["replicas"])
    system.kubectl("scale", DEPLOYMENT, "--replicas=0")
    try:
        system.kubectl("delete", "pods", "--selector", SELECTOR, "--grace-period=0", "--force")
        yield
    finally:
        system.kubectl("scale", DEPLOYMENT, f"--replicas={replicas}")
        system.kubectl("rollout", "status", DEPLOYMENT, "--timeout=120s")


def let_it_know(system: Namespace, crd: str) -> None:
    """The operator knows that this kind is served: it looks at its start, and then every five minutes."""
    made = system.read("customresourcedefinition", crd)["metadata"]["creationTimestamp"]
    pods = system.read("pods", "--selector", SELECTOR)["items"]
    if not all(pod["metadata"]["creationTimestamp"] > made for pod in pods):
        system.kubectl("rollout", "restart", DEPLOYMENT)
        system.kubectl("rollout", "status", DEPLOYMENT, "--timeout=120s")

"""What the operator may do: the one table from which the chart's RBAC is generated, and which the client obeys.

A request that is not in this table is refused before it is sent, so that a missing rule shows in the first test
that needs it and not in somebody's cluster. Secrets are not in it.
"""

from dataclasses import dataclass
from typing import Literal

from springtide.api.constants import GROUP

LEASE_NAME = "springtide-operator"


@dataclass(frozen=True)
class Access:
    """Verbs on a resource (`jobs`, or with a subresource `trainingruns/status`).

    scope: `run` in the watched namespaces, `lease` in the operator's own namespace only.
    names: if given, get, update and patch are granted for objects of these names only.
    """

    group: str
    resource: str
    verbs: tuple[str, ...]
    scope: Literal["run", "lease"] = "run"
    names: tuple[str, ...] = ()


_WATCHED = ("get", "list", "watch")

ACCESS: tuple[Access, ...] = (
    Access(GROUP, "datasets", _WATCHED),
    Access(GROUP, "datasets/status", ("patch",)),
    Access(GROUP, "driftmonitors", _WATCHED),
    Access(GROUP, "driftmonitors/status", ("patch",)),
    Access(GROUP, "modelservices", _WATCHED),
    Access(GROUP, "modelservices/status", ("patch",)),
    Access(GROUP, "retrainpolicies", _WATCHED),
    Access(GROUP, "retrainpolicies/status", ("patch",)),
    Access(GROUP, "retrainruns", (*_WATCHED, "create", "patch", "delete")),
    Access(GROUP, "retrainruns/status", ("patch",)),
    Access(GROUP, "trainingruns", (*_WATCHED, "create", "patch")),
    Access(GROUP, "trainingruns/status", ("patch",)),
    Access("batch", "jobs", (*_WATCHED, "create", "patch", "delete")),
    Access("apps", "deployments", (*_WATCHED, "create", "patch", "delete")),
    Access("", "services", (*_WATCHED, "create", "patch", "delete")),
    Access("policy", "poddisruptionbudgets", (*_WATCHED, "create", "patch", "delete")),
    Access("", "pods", _WATCHED),
    Access("", "persistentvolumeclaims", (*_WATCHED, "create", "patch")),
    Access("", "events", ("create",)),
    Access("kueue.x-k8s.io", "workloads", ("list",)),
    Access("serving.kserve.io", "inferenceservices", ("get", "list", "create", "patch", "delete")),
    Access("coordination.k8s.io", "leases", ("create",), scope="lease"),
    Access("coordination.k8s.io", "leases", ("get", "update"), scope="lease", names=(LEASE_NAME,)),
)

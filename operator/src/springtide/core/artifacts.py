"""The volume behind a `file://` artifact store: one claim in each namespace that has work.

It belongs to no object and stays when they go: what was produced must outlive what produced it.
"""

from collections.abc import Set

from springtide.api.constants import LABEL_KIND, LABEL_ROLE, Role
from springtide.api.platform import Platform
from springtide.core.decision import Child
from springtide.core.kind import SHARED


def missing_claim(platform: Platform, *, namespace: str, claims: Set[str]) -> tuple[Child, ...]:
    """The claim to be made before the first Job of a namespace, if there is one to be made.

    claims: names of those that the operator made in the namespace.
    """
    store = platform.artifacts_volume
    if store is None or store.claim_name in claims:
        return ()
    spec: dict[str, object] = {
        "accessModes": [store.access_mode],
        "resources": {"requests": {"storage": store.size}},
    }
    if store.storage_class_name:
        spec["storageClassName"] = store.storage_class_name
    manifest = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": store.claim_name,
            "namespace": namespace,
            "labels": {LABEL_KIND: SHARED, LABEL_ROLE: Role.ARTIFACTS},
        },
        "spec": spec,
    }
    return (Child(manifest, owned=False),)

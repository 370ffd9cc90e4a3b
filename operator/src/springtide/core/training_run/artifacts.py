"""The volume behind a `file://` artifact store: one claim in each namespace that has runs.

It belongs to no run and stays when they go: what was produced must outlive what produced it.
"""

from springtide.api.constants import LABEL_KIND, LABEL_ROLE, Role
from springtide.core.decision import Child
from springtide.core.training_run.snapshot import TrainingRunSnapshot


def missing_claim(run: TrainingRunSnapshot) -> tuple[Child, ...]:
    """The claim to be made before the first Job of a namespace, if there is one to be made."""
    store = run.platform.artifacts_volume
    if store is None or store.claim_name in run.claims:
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
            "namespace": run.namespace,
            "labels": {LABEL_KIND: "TrainingRun", LABEL_ROLE: Role.ARTIFACTS},
        },
        "spec": spec,
    }
    return (Child(manifest, owned=False),)

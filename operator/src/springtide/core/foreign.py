"""What others may change in the spec of a child, and requests depend on. The rest is what we wrote ourselves."""

from typing import Any

from springtide.core.decision import Manifest

_FIELDS = {
    "Job": ("suspend",),
    "Deployment": ("replicas",),
    "Service": ("selector",),
    "PodDisruptionBudget": ("minAvailable", "selector"),
}


def changeable(kind: str, spec: Manifest) -> dict[str, Any]:
    """That part of a spec."""
    if kind == "InferenceService":  # its predictor is as large as a pod
        return {"predictor": {"minReplicas": spec.get("predictor", {}).get("minReplicas")}}
    return {name: spec[name] for name in _FIELDS.get(kind, ()) if name in spec}

"""Whose champion a ModelService serves."""

from springtide.core.decision import Manifest


def followed_policy(service: Manifest) -> str | None:
    """Name of the RetrainPolicy that a ModelService takes its version from; None: from its own spec."""
    ref = (service.get("spec", {}).get("versionFrom") or {}).get("retrainPolicyRef") or {}
    name: str | None = ref.get("name")
    return name

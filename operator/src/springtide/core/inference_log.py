"""Where servers write down what they answered, and where monitors read it."""

from springtide.api.platform import Platform

FOLDER = "inference"


def log_uri(platform: Platform, *, namespace: str, service: str) -> str:
    """The folder of a ModelService's inference log."""
    return f"{platform.artifacts_uri.rstrip('/')}/{FOLDER}/{namespace}.{service}"

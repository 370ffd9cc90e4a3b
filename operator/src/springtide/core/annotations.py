"""What people say to the operator by an annotation."""

from springtide.core.decision import Manifest

LENGTH = 256
"""So much of a value is kept in a status; what comes after it makes it no other value."""


def annotation(manifest: Manifest, name: str) -> str | None:
    """The value of an annotation of an object; None where it is not there, or empty."""
    value: str | None = manifest["metadata"].get("annotations", {}).get(name)
    return value[:LENGTH] if value else None

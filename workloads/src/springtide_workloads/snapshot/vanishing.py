"""A file that was listed and is gone when it is read."""

from springtide.api.constants import Reason

from springtide_workloads.errors import WorkloadError


def vanished(name: str) -> WorkloadError:
    """The failure to tell."""
    return WorkloadError(
        Reason.DATA_NOT_FOUND, f"{name} vanished while the source was read; the next refresh reads what is there then"
    )

"""A version and its servers: what they are called and how they are found."""

from dataclasses import dataclass
from typing import Any

from springtide.api.constants import (
    API_VERSION,
    LABEL_KIND,
    LABEL_MODEL,
    LABEL_NAME,
    LABEL_ROLE,
    LABEL_UID,
    Role,
)
from springtide.core.model_service.observed import ObservedService

PORT = 8080
LABEL_DIGITS = 12


@dataclass(frozen=True)
class Track:
    """A version and how many servers it has. version, digest, uri: as `springtide.api.model_service.Served`."""

    version: str
    digest: str
    uri: str
    replicas: int

    @property
    def model(self) -> str:
        """The label of its servers."""
        return model_label(self.digest)


def model_label(digest: str) -> str:
    """The beginning of a digest, as a label has it."""
    return digest.removeprefix("sha256:")[:LABEL_DIGITS]


def name_of(service: ObservedService, model: str) -> str:
    """The name of what runs a model's servers."""
    return f"{service.name}-{model}"


def labels(service: ObservedService, model: str) -> dict[str, str]:
    """The labels of a server, and of what runs it."""
    return {
        LABEL_KIND: "ModelService",
        LABEL_NAME: service.name,
        LABEL_UID: service.uid,
        LABEL_ROLE: Role.SERVER,
        LABEL_MODEL: model,
    }


def owned(service: ObservedService, *, name: str, of: dict[str, str]) -> dict[str, Any]:
    """Metadata of an object that goes with the ModelService."""
    owner = {
        "apiVersion": API_VERSION,
        "kind": "ModelService",
        "name": service.name,
        "uid": service.uid,
        "controller": True,
    }
    return {"name": name, "namespace": service.namespace, "labels": of, "ownerReferences": [owner]}


def pods_name(service: ObservedService, model: str) -> str:
    """The name that leads to each server of a model that is ready."""
    return f"{name_of(service, model)}-pods"

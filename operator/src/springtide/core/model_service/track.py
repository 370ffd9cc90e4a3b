"""What serves one version: a Deployment, and a name by which its pods are found."""

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
from springtide.api.serving import DRAIN_PATH, SERVING_VARIABLE, InferenceLogging, Serving
from springtide.core.decision import Child
from springtide.core.inference_log import log_uri
from springtide.core.model_service.applied import signed
from springtide.core.model_service.observed import ObservedService
from springtide.core.workload_job import resources_of
from springtide.core.workload_pod import Program, pod_spec

PORT = 8080
LABEL_DIGITS = 12
SERVE_ARGS = ("serve",)


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


def children(service: ObservedService, track: Track) -> tuple[Child, Child]:
    """What runs the servers, and the name that leads to each of them."""
    return Child(signed(_deployment(service, track)), force=True), Child(
        signed(_pods_service(service, track)), force=True
    )


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


def _deployment(service: ObservedService, track: Track) -> dict[str, Any]:
    own = labels(service, track.model)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": owned(service, name=name_of(service, track.model), of=own),
        "spec": {
            "replicas": track.replicas,
            "selector": {"matchLabels": own},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "revisionHistoryLimit": 1,
            "template": {"metadata": {"labels": own}, "spec": _pod(service, track)},
        },
    }


def _pods_service(service: ObservedService, track: Track) -> dict[str, Any]:
    own = labels(service, track.model)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": owned(service, name=pods_name(service, track.model), of=own),
        "spec": {"clusterIP": "None", "selector": own, "ports": [{"name": "http", "port": PORT}]},
    }


def pods_name(service: ObservedService, model: str) -> str:
    """The name that leads to each server of a model that is ready."""
    return f"{name_of(service, model)}-pods"


def _logging(service: ObservedService) -> InferenceLogging | None:
    assert service.spec is not None
    wanted = service.spec.inference_log
    if wanted is None:
        return None
    return InferenceLogging(
        uri=log_uri(service.platform, namespace=service.namespace, service=service.name),
        sample_fraction=wanted.sample_fraction,
        retention_seconds=wanted.retention_seconds,
        flush_seconds=wanted.flush_seconds,
    )


def _pod(service: ObservedService, track: Track) -> dict[str, Any]:
    spec = service.spec
    assert spec is not None, "a ModelService whose spec does not parse has no servers"
    serving = Serving(
        model_name=spec.model.name,
        version=track.version,
        store_uri=service.platform.artifacts_uri,
        digest=track.digest,
        log=_logging(service),
    )
    program = Program(
        service.platform.workloads_image,
        None,
        SERVE_ARGS,
        {SERVING_VARIABLE: serving.model_dump_json(by_alias=True, exclude_none=True)},
    )
    pod = pod_spec(
        program,
        platform=service.platform,
        resources=resources_of(spec.resources, service.platform.resources),
        overrides=spec.overrides,
    )
    del pod["restartPolicy"]
    (main,) = pod["containers"]
    ready = {"httpGet": {"path": "/v2/health/ready", "port": PORT}, "periodSeconds": 1, "failureThreshold": 3}
    alive = {"httpGet": {"path": "/v2/health/live", "port": PORT}, "periodSeconds": 10, "failureThreshold": 6}
    main |= {
        "ports": [{"name": "http", "containerPort": PORT, "protocol": "TCP"}],
        # Loading takes as long as it takes: whether it is too long is decided here, not by the kubelet.
        "startupProbe": {**alive, "periodSeconds": 1, "failureThreshold": service.platform.start_grace_seconds},
        "readinessProbe": ready,
        "livenessProbe": alive,
        "lifecycle": {"preStop": {"httpGet": {"path": DRAIN_PATH, "port": PORT}}},
    }
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": labels(service, track.model)},
    }
    return pod | {"topologySpreadConstraints": [spread]}

"""The pod that serves a version: the same whoever runs it."""

from typing import Any

from springtide.api.serving import DRAIN_PATH, SERVING_VARIABLE, InferenceLogging, Serving
from springtide.core.inference_log import log_uri
from springtide.core.model_service.observed import ObservedService
from springtide.core.model_service.track import PORT, Track, labels
from springtide.core.workload_job import resources_of
from springtide.core.workload_pod import Program, pod_spec

SERVE_ARGS = ("serve",)
PROBE_SECONDS = 5
"""How late a server may answer a probe. One that drains says so at once; one that is slow because its node is busy must
not lose its requests: where it is the only one, nobody else would answer them."""


def server_pod(service: ObservedService, track: Track) -> dict[str, Any]:
    """Its spec: one container, which is ready once it has proved the model."""
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
    ready = {**_probe("/v2/health/ready"), "periodSeconds": 1, "failureThreshold": 3}
    alive = {**_probe("/v2/health/live"), "periodSeconds": 10, "failureThreshold": 6}
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


def _probe(path: str) -> dict[str, Any]:
    return {"httpGet": {"path": path, "port": PORT}, "timeoutSeconds": PROBE_SECONDS}


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

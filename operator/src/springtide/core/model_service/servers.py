"""What runs the servers of a version, a Deployment or an InferenceService of KServe, and a name that leads to each.

Of KServe it is the Standard mode: it makes a Deployment of what it is told, with the labels by which our own Services
find the pods. Its own ways of choosing among versions are left alone: how many servers a version has, and who gets
requests, is decided here.
"""

from typing import Any

from springtide.api.constants import KSERVE, KSERVE_CONTAINER
from springtide.core.decision import Child
from springtide.core.kind import INFERENCE_SERVICE
from springtide.core.model_service.applied import signed
from springtide.core.model_service.observed import ObservedService
from springtide.core.model_service.pod import server_pod
from springtide.core.model_service.track import PORT, Track, labels, name_of, owned, pods_name

_STRATEGY = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
_MODE = {f"{KSERVE}/deploymentMode": "Standard", f"{KSERVE}/autoscalerClass": "none"}
_NO_INGRESS = {"networking.kserve.io/visibility": "cluster-local"}


def children(service: ObservedService, track: Track) -> tuple[Child, Child]:
    """What runs the servers, and the name that leads to each of them."""
    runs = _inference_service if service.status.backend == "KServe" else _deployment
    return Child(runs(service, track), force=True), Child(signed(_pods_service(service, track)), force=True)


def _deployment(service: ObservedService, track: Track) -> dict[str, Any]:
    own = labels(service, track.model)
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": owned(service, name=name_of(service, track.model), of=own),
        "spec": {
            "replicas": track.replicas,
            "selector": {"matchLabels": own},
            "strategy": _STRATEGY,
            "revisionHistoryLimit": 1,
            "template": {"metadata": {"labels": own}, "spec": server_pod(service, track)},
        },
    }
    return signed(manifest)


def _inference_service(service: ObservedService, track: Track) -> dict[str, Any]:
    """KServe repeats the annotations on the pods, and pods that differ are replaced: the digest must not change with
    the number of servers.
    """
    return signed(_predicting(service, track, track.replicas), by=_predicting(service, track, 0))


def _predicting(service: ObservedService, track: Track, replicas: int) -> dict[str, Any]:
    own = labels(service, track.model)
    pod = server_pod(service, track)
    (container,) = pod["containers"]
    predictor = {
        "minReplicas": replicas,
        "maxReplicas": replicas,
        "labels": own,
        "deploymentStrategy": _STRATEGY,
        **pod,
        "containers": [container | {"name": KSERVE_CONTAINER}],
    }
    metadata = owned(service, name=name_of(service, track.model), of=own | _NO_INGRESS) | {"annotations": _MODE}
    return {
        "apiVersion": INFERENCE_SERVICE.api_version,
        "kind": INFERENCE_SERVICE.kind,
        "metadata": metadata,
        "spec": {"predictor": predictor},
    }


def _pods_service(service: ObservedService, track: Track) -> dict[str, Any]:
    own = labels(service, track.model)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": owned(service, name=pods_name(service, track.model), of=own),
        "spec": {"clusterIP": "None", "selector": own, "ports": [{"name": "http", "port": PORT}]},
    }

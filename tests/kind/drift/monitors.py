"""DriftMonitors of the tests on the local cluster, and days of requests for them to judge."""

import json
from pathlib import Path
from typing import Any

from tests.kind.cluster import Document, Namespace, example, workloads_image
from tests.kind.serving.services import SMALL

REPLAY = (Path(__file__).parent / "replay.py").read_text()


def a_monitor(name: str, target: Document, **spec: Any) -> Document:
    return {
        "apiVersion": "springtide.dev/v1alpha1",
        "kind": "DriftMonitor",
        "metadata": {"name": name},
        "spec": {"target": target, "resources": SMALL, **spec},
    }


def replay(namespace: Namespace, service: str, *days: Document) -> None:
    """Sends the days to a service, one after another; see replay.py."""
    pod = next(document for document in example("census-data.yaml") if document["kind"] == "Pod")
    pod["metadata"] = {"name": "replay"}
    (main,) = pod["spec"]["containers"]
    main["image"] = workloads_image()
    url = f"http://{service}.{namespace.name}.svc"
    main["command"] = ["python", "-c", REPLAY, url, "employment", "/data/employment-census", json.dumps(days)]
    main["resources"]["limits"]["memory"] = "512Mi"
    namespace.apply(pod)
    namespace.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/replay", "--timeout=90s")
    assert int(namespace.kubectl("logs", "replay").splitlines()[-1]) == sum(day["rows"] for day in days)
    namespace.kubectl("delete", "pod", "replay")

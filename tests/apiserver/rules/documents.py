"""Documents with every field set, and changes to them by path."""

import copy
import re
from typing import Any

DIGEST = "sha256:" + "0123456789abcdef" * 4
NOW = "2026-01-02T03:04:05Z"

FULL_SPEC: dict[str, Any] = {
    "model": {"name": "pd-12m"},
    "data": {
        "source": {"volume": {"claimName": "census", "path": "2018/*.parquet"}},
        "digest": DIGEST,
        "split": {"type": "Time", "column": "applied_at", "testFraction": 0.3},
    },
    "recipe": {"name": "gbdt", "parameters": {"rounds": 300}},
    "target": {"column": "defaulted", "task": "BinaryClassification", "weightColumn": "weight"},
    "features": {"exclude": ["id"], "categorical": ["state"]},
    "evaluation": {"slices": ["channel"]},
    "seed": 1,
    "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "2Gi"}},
    "retry": {"infrastructure": 3, "user": 1},
    "deadlineSeconds": 3600,
    "queueName": "team-risk",
    "memoize": False,
    "suspend": True,
    "overrides": {
        "nodeSelector": {"pool": "gpu"},
        "tolerations": [
            {"key": "gpu", "operator": "Equal", "value": "a", "effect": "NoExecute", "tolerationSeconds": 5}
        ],
        "priorityClassName": "batch",
        "runtimeClassName": "gvisor",
        "serviceAccountName": "trainer",
        "env": [{"name": "OMP_NUM_THREADS", "value": "2"}],
        "envFrom": [{"secretRef": {"name": "bucket"}}],
        "volumes": [{"claimName": "lake", "mountPath": "/data/lake", "readOnly": False}],
    },
}
"""A TrainingRun's spec with every field that can be set together."""

FULL_STATUS: dict[str, Any] = {
    "observedGeneration": 1,
    "attempt": 1,
    "attempts": [
        {
            "name": "run-a1",
            "number": 1,
            "startTime": NOW,
            "endTime": NOW,
            "failure": "User",
            "reason": "OutOfMemory",
            "message": "It needed more.",
        }
    ],
    "failures": {"infrastructure": 0, "user": 1},
    "trainingSeconds": 60,
    "inputs": {"digest": DIGEST, "files": 4, "rows": 1000},
    "memo": {"key": DIGEST, "hitFrom": "team/other"},
    "metrics": {"auc": 0.78},
    "model": {"name": "pd-12m", "version": "7", "digest": DIGEST, "uri": "file:///artifacts/m"},
    "mlflow": {"runId": "abc", "experimentId": "1"},
    "completionTime": NOW,
    "conditions": [
        {
            "type": "Ready",
            "status": "True",
            "observedGeneration": 1,
            "lastTransitionTime": NOW,
            "reason": "Succeeded",
            "message": "It is there.",
        }
    ],
}

ALTERNATIVES: dict[str, dict[str, Any]] = {
    # What cannot be set beside the rest: the change that makes room for it.
    "spec.data.source.uri": {"spec.data.source": {"uri": "s3://lake/a.parquet"}},
    "spec.container": {
        "spec.recipe": None,
        "spec.container": {"image": "trainer@sha256:1", "command": ["train"], "args": ["--fast"]},
    },
}


def training_run(name: str = "run") -> dict[str, Any]:
    """A TrainingRun with every field."""
    return {
        "apiVersion": "springtide.dev/v1alpha1",
        "kind": "TrainingRun",
        "metadata": {"name": name},
        "spec": copy.deepcopy(FULL_SPEC),
        "status": copy.deepcopy(FULL_STATUS),
    }


def changed(document: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A copy with other values at these paths, such as `spec.env[0].name` or `spec.requests{cpu}`; None removes."""
    document = copy.deepcopy(document)
    for path, value in changes.items():
        *parents, last = _steps(path)
        place: Any = document
        for step in parents:
            place = place.setdefault(step, {}) if isinstance(place, dict) else place[step]
        if value is None:
            del place[last]
        else:
            place[last] = copy.deepcopy(value)
    return document


def _steps(path: str) -> list[Any]:
    found = re.findall(r"\[(\d+)\]|\{([^}]+)\}|([^.\[\]{}]+)", path)
    return [int(index) if index else key or name for index, key, name in found]


def value_at(document: dict[str, Any], path: str) -> Any:
    """What lies at a path."""
    place: Any = document
    for step in _steps(path):
        place = place[step]
    return place

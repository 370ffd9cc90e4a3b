"""What several kinds have in common."""

from collections.abc import Callable
from typing import Any

from tests.apiserver.rules.written import NOW, Changes, Rules

NO_PARENT = "a path must not contain '..'"

OVERRIDES: Changes = {
    "nodeSelector": {"pool": "gpu"},
    "tolerations": [{"key": "gpu", "operator": "Equal", "value": "a", "effect": "NoExecute", "tolerationSeconds": 5}],
    "priorityClassName": "batch",
    "runtimeClassName": "gvisor",
    "serviceAccountName": "trainer",
    "env": [{"name": "OMP_NUM_THREADS", "value": "2"}],
    "envFrom": [{"secretRef": {"name": "bucket"}}],
    "volumes": [{"claimName": "lake", "mountPath": "/data/lake", "readOnly": False}],
}

CONDITION: Changes = {
    "type": "Ready",
    "status": "True",
    "observedGeneration": 1,
    "lastTransitionTime": NOW,
    "reason": "Succeeded",
    "message": "It is there.",
}

ITEMS: dict[str, Callable[[int], Changes]] = {
    "spec.overrides.tolerations": lambda index: {"key": f"k{index}"},
    "spec.overrides.env": lambda index: {"name": f"V{index}"},
    "spec.overrides.envFrom": lambda index: {"secretRef": {"name": f"s{index}"}},
    "spec.overrides.volumes": lambda index: {"claimName": "c", "mountPath": f"/data/{index}"},
    "status.conditions": lambda index: {
        "type": f"T{index}",
        "status": "True",
        "lastTransitionTime": NOW,
        "reason": "R",
    },
}

TOLERATION = "spec.overrides.tolerations[]"
FIRST = "spec.overrides.tolerations[0]"

POD: Rules = {
    ("", "a name must have 40 characters or fewer, so that the names of its Jobs fit"): (
        [{"metadata.name": "n" * 40}],
        [{"metadata.name": "n" * 41}],
        "metadata.name: Invalid value: a name must have 40 characters or fewer, so that the names of its Jobs fit",
    ),
    ("spec.resources", "what is requested must not exceed its limit"): (
        [
            {"spec.resources": {"requests": {"memory": "1024Mi"}, "limits": {"memory": "1Gi"}}},
            {"spec.resources": {"requests": {"cpu": 64}, "limits": {"memory": "1Gi"}}},
            {"spec.resources": {"requests": {"cpu": 1}, "limits": {"cpu": "1500m"}}},
        ],
        [
            {"spec.resources": {"requests": {"memory": "1025Mi"}, "limits": {"memory": "1Gi"}}},
            {"spec.resources": {"requests": {"cpu": 2}, "limits": {"cpu": "1500m"}}},
        ],
        "spec.resources.requests: Invalid value: what is requested must not exceed its limit",
    ),
    (TOLERATION, "value is for operator Equal only"): (
        [{FIRST: {"operator": "Exists", "key": "k"}}, {FIRST: {"operator": "Equal", "key": "k", "value": "v"}}],
        [{FIRST: {"operator": "Exists", "key": "k", "value": "v"}}],
        f"{FIRST}.value: Forbidden: value is for operator Equal only",
    ),
    (TOLERATION, "key must be set unless operator is Exists"): (
        [{FIRST: {"operator": "Exists"}}],
        [{FIRST: {"operator": "Equal", "value": "v"}}, {FIRST: {}}],
        f"{FIRST}.key: Required value: key must be set unless operator is Exists",
    ),
    (TOLERATION, "tolerationSeconds is for effect NoExecute only"): (
        [{FIRST: {"key": "k", "effect": "NoExecute", "tolerationSeconds": 0}}],
        [
            {FIRST: {"key": "k", "tolerationSeconds": 0}},
            {FIRST: {"key": "k", "effect": "NoSchedule", "tolerationSeconds": 0}},
        ],
        f"{FIRST}.tolerationSeconds: Forbidden: tolerationSeconds is for effect NoExecute only",
    ),
    ("spec.overrides.env", "names that begin with SPRINGTIDE_ are reserved"): (
        [{"spec.overrides.env": [{"name": "MY_SPRINGTIDE_X"}]}],
        [{"spec.overrides.env": [{"name": "A"}, {"name": "SPRINGTIDE_TASK"}]}],
        "spec.overrides.env: Invalid value: names that begin with SPRINGTIDE_ are reserved",
    ),
    ("spec.overrides.volumes[].mountPath", NO_PARENT): (
        [{"spec.overrides.volumes[0].mountPath": "/data/a.b"}],
        [{"spec.overrides.volumes[0].mountPath": "/data/../etc"}],
        f'spec.overrides.volumes[0].mountPath: Invalid value: "/data/../etc": {NO_PARENT}',
    ),
}
"""The rules of names, resources and overrides: those of every kind that starts pods."""


def source(path: str) -> Rules:
    """The rules of where data lies."""
    return {
        (path, "exactly one of uri and volume must be set"): (
            [{path: {"uri": "s3://b/k"}}, {path: {"volume": {"claimName": "c"}}}],
            [{path: {}}, {path: {"uri": "s3://b/k", "volume": {"claimName": "c"}}}],
            f"{path}: Required value: exactly one of uri and volume must be set",
        ),
        (f"{path}.volume.path", NO_PARENT): (
            [{f"{path}.volume.path": "a.b/c"}],
            [{f"{path}.volume.path": "a/../../b"}],
            f'{path}.volume.path: Invalid value: "a/../../b": {NO_PARENT}',
        ),
    }


def beside(change: Changes) -> Changes:
    """What values of overrides need beside them."""
    needed: dict[str, Any] = {}
    if change.get(f"{FIRST}.operator") == "Exists":
        needed[f"{FIRST}.value"] = None
    if change.get(f"{FIRST}.effect") in ("NoSchedule", "PreferNoSchedule"):
        needed[f"{FIRST}.tolerationSeconds"] = None
    return needed

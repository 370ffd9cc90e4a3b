"""What a person must say about the rules: values for patterns and CEL rules, and what each refusal reads like."""

from collections.abc import Callable
from typing import Any

from tests.apiserver.rules.documents import DIGEST, NOW, training_run, value_at

OBJECT_NAME = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
MODEL_NAME = r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
QUANTITY = r"^[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei)?$"

PATTERNS: dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]] = {
    OBJECT_NAME: (("a", "a-b.c", "7"), ("A", "-a", "a-", "a_b", "a b", "a\n")),
    MODEL_NAME: (("m", "PD_12m.v-1"), ("-m", "m.", "a b", "ä")),
    QUANTITY: (("1", "1.5", "500m", "2Gi", 2), ("-1", "1 Gi", "lots", "1gb")),
    r"^[^/].*$": ((".", "2018/*.parquet"), ("/etc",)),
    r"^(s3|file)://.+$": (("s3://bucket/key", "file:///artifacts/a.parquet"), ("http://host/a", "s3://", "a.parquet")),
    r"^sha256:[0-9a-f]{64}$": ((DIGEST,), ("sha256:0", DIGEST.upper(), "md5:" + "0" * 64)),
    r"^[a-z][-a-z0-9]*$": (("gbdt", "ft-transformer2"), ("GBDT", "7up", "a.b")),
    r"^[A-Za-z_][A-Za-z0-9_]*$": (("A", "_a1"), ("1A", "A-B", "A=B")),
    r"^/(data|mnt)/[-A-Za-z0-9_./]+$": (("/data/x", "/mnt/a.b/c-d_e"), ("/etc", "/data/", "data/x", "/data/a b")),
    r"^[A-Za-z][A-Za-z0-9]*$": (("Succeeded",), ("two words", "9", "a_b")),
}
"""For each pattern values that match and values that do not."""

SOURCE = "spec.data.source"
SPLIT = "spec.data.split"
TOLERATION = "spec.overrides.tolerations[]"
FIRST = "spec.overrides.tolerations[0]"
NO_PARENT = "a path must not contain '..'"

RULES: dict[tuple[str, str], tuple[list[dict[str, Any]], list[dict[str, Any]], str]] = {
    ("", "a name must have 40 characters or fewer, so that the names of its Jobs fit"): (
        [{"metadata.name": "n" * 40}],
        [{"metadata.name": "n" * 41}],
        "metadata.name: Invalid value: a name must have 40 characters or fewer, so that the names of its Jobs fit",
    ),
    ("spec", "exactly one of recipe and container must be set"): (
        [{"spec.recipe": None, "spec.container": {"image": "i"}}],
        [{"spec.container": {"image": "i"}}, {"spec.recipe": None}],
        "spec: Required value: exactly one of recipe and container must be set",
    ),
    ("spec", "target must be set for a recipe: it says what is predicted"): (
        [{}, {"spec.target": None, "spec.recipe": None, "spec.container": {"image": "i"}}],
        [{"spec.target": None}],
        "spec.target: Required value: target must be set for a recipe: it says what is predicted",
    ),
    (SOURCE, "exactly one of uri and volume must be set"): (
        [{SOURCE: {"uri": "s3://b/k"}}, {SOURCE: {"volume": {"claimName": "c"}}}],
        [{SOURCE: {}}, {SOURCE: {"uri": "s3://b/k", "volume": {"claimName": "c"}}}],
        "spec.data.source: Required value: exactly one of uri and volume must be set",
    ),
    (f"{SOURCE}.volume.path", NO_PARENT): (
        [{f"{SOURCE}.volume.path": "a.b/c"}],
        [{f"{SOURCE}.volume.path": "a/../../b"}],
        f'spec.data.source.volume.path: Invalid value: "a/../../b": {NO_PARENT}',
    ),
    (SPLIT, "column must name the time column when type is Time"): (
        [{SPLIT: {"type": "Time", "column": "t"}}],
        [{SPLIT: {"type": "Time"}}],
        "spec.data.split.column: Required value: column must name the time column when type is Time",
    ),
    (SPLIT, "column is for type Time only"): (
        [{SPLIT: {"type": "Random"}}, {SPLIT: {}}],
        [{SPLIT: {"type": "Random", "column": "t"}}, {SPLIT: {"column": "t"}}],
        "spec.data.split.column: Forbidden: column is for type Time only",
    ),
    ("spec.target", "weightColumn must be another column than column"): (
        [{"spec.target.weightColumn": "w"}, {"spec.target.weightColumn": None}],
        [{"spec.target.weightColumn": "defaulted"}],
        "spec.target.weightColumn: Invalid value: weightColumn must be another column than column",
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
"""For each CEL rule changes that it accepts, changes that it refuses, and what it says then."""

CHANGES: dict[str, dict[str, Any]] = {
    "model": {"spec.model.name": "other"},
    "data": {"spec.data.digest": None},
    "recipe": {"spec.recipe.parameters": {"leaves": 300}},
    "container": {"spec.container": {"image": "i"}},
    "target": {"spec.target.weightColumn": None},
    "features": {"spec.features.exclude": ["name"]},
    "evaluation": {"spec.evaluation": None},
    "seed": {"spec.seed": 2},
    "resources": {"spec.resources.limits": {"memory": "3Gi"}},
    "retry": {"spec.retry.user": 2},
    "deadlineSeconds": {"spec.deadlineSeconds": None},
    "queueName": {"spec.queueName": "team-fraud"},
    "memoize": {"spec.memoize": True},
    "overrides": {"spec.overrides.env[0].value": "4"},
}
"""For each field that may not change, a change of it. Renaming a recipe's only parameter is one that CEL overlooks when
the map is untyped."""

FILL: dict[str, Callable[[int], str]] = {
    "spec.data.source.uri": lambda length: "s3://".ljust(length, "a"),
    "spec.overrides.volumes[].mountPath": lambda length: "/data/".ljust(length, "a"),
    "spec.data.digest": lambda length: DIGEST[:length],
    "status.inputs.digest": lambda length: DIGEST[:length],
    "status.memo.key": lambda length: DIGEST[:length],
    "status.model.digest": lambda length: DIGEST[:length],
    "spec.resources.requests{}": "1".zfill,
    "spec.resources.limits{}": "1".zfill,
}


def filler(path: str) -> Callable[[int], str]:
    """A function from a length to a valid string of it."""
    return FILL.get(path, lambda length: "a" * length)


def distinct_items(path: str) -> Callable[[int], Any]:
    """A function from an index to a valid item of the list, another for each."""
    items: dict[str, Callable[[int], Any]] = {
        "spec.overrides.tolerations": lambda index: {"key": f"k{index}"},
        "spec.overrides.env": lambda index: {"name": f"V{index}"},
        "spec.overrides.envFrom": lambda index: {"secretRef": {"name": f"s{index}"}},
        "spec.overrides.volumes": lambda index: {"claimName": "c", "mountPath": f"/data/{index}"},
        "status.attempts": lambda index: {"name": f"run-a{index + 1}", "number": index + 1},
        "status.conditions": lambda index: {
            "type": f"T{index}",
            "status": "True",
            "lastTransitionTime": NOW,
            "reason": "R",
        },
    }
    return items.get(path, lambda index: f"item-{index}")


def map_value(path: str) -> Any:
    """A valid value of the map."""
    if path == "spec.recipe.parameters":
        return 1
    return next(iter(value_at(training_run(), path).values()))


def needed_beside(change: dict[str, Any]) -> dict[str, Any]:
    """What a value needs beside it, so that other rules accept it too."""
    beside: dict[str, Any] = {}
    if change.get(f"{SPLIT}.type") == "Random":
        beside[f"{SPLIT}.column"] = None
    if change.get(f"{FIRST}.operator") == "Exists":
        beside[f"{FIRST}.value"] = None
    if change.get(f"{FIRST}.effect") in ("NoSchedule", "PreferNoSchedule"):
        beside[f"{FIRST}.tolerationSeconds"] = None
    return beside

"""What a person must say about the rules of a kind: a full document, values for CEL rules, and the refusals' words."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Changes = dict[str, Any]
Rules = dict[tuple[str, str], tuple[list[Changes], list[Changes], str]]

DIGEST = "sha256:" + "0123456789abcdef" * 4
NOW = "2026-01-02T03:04:05Z"

OBJECT_NAME = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
MODEL_NAME = r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
QUANTITY = r"^[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei)?$"
URI = r"^(s3|file)://.+$"
SHA256 = r"^sha256:[0-9a-f]{64}$"
MOUNT_PATH = r"^/(data|mnt)/[-A-Za-z0-9_./]+$"
SCHEDULE = r"^\S+( +\S+){4}$"

VERSION = r"^[1-9][0-9]*$"

PATTERNS: dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]] = {
    OBJECT_NAME: (("a", "a-b.c", "7"), ("A", "-a", "a-", "a_b", "a b", "a\n")),
    MODEL_NAME: (("m", "PD_12m.v-1"), ("-m", "m.", "a b", "ä")),
    QUANTITY: (("1", "1.5", "500m", "2Gi", 2), ("-1", "1 Gi", "lots", "1gb")),
    r"^[^/].*$": ((".", "2018/*.parquet"), ("/etc",)),
    URI: (("s3://bucket/key", "file:///artifacts/a.parquet"), ("http://host/a", "s3://", "a.parquet")),
    SHA256: ((DIGEST,), ("sha256:0", DIGEST.upper(), "md5:" + "0" * 64)),
    r"^[a-z][-a-z0-9]*$": (("gbdt", "ft-transformer2"), ("GBDT", "7up", "a.b")),
    r"^[A-Za-z_][A-Za-z0-9_]*$": (("A", "_a1"), ("1A", "A-B", "A=B")),
    MOUNT_PATH: (("/data/x", "/mnt/a.b/c-d_e"), ("/etc", "/data/", "data/x", "/data/a b")),
    r"^[A-Za-z][A-Za-z0-9]*$": (("Succeeded",), ("two words", "9", "a_b")),
    VERSION: (("1", "20", 7), ("0", "01", "latest", "1.0")),
    SCHEDULE: (("0 * * * *", "*/5 0-6  1,15 JAN-MAR MON"), ("@daily", "* * * *", "0 0 * * * *", " * * * * *")),
}
"""For each pattern values that match and values that do not."""

FILLERS: dict[str, Callable[[int], str]] = {
    URI: lambda length: "s3://".ljust(length, "a"),
    MOUNT_PATH: lambda length: "/data/".ljust(length, "a"),
    VERSION: lambda length: "1" * length,
    SHA256: lambda length: DIGEST[:length],
    QUANTITY: "1".zfill,
    SCHEDULE: lambda length: "* * * * ".ljust(length, "*"),
}
"""For patterns that do not match any number of letters a: a function from a length to a valid string of it."""


def nothing_beside(_: Changes) -> Changes:
    """Every value is good by itself."""
    return {}


@dataclass(frozen=True)
class Written:
    """One kind.

    spec, status: with every field that can be set together.
    alternatives: what cannot be set beside the rest, by path: the change that makes room for it.
    rules: for each CEL rule, by its path and message: changes that it accepts, changes that it refuses, and what it
    says then.
    fixed: for each field that may not change, a change of it.
    items: for each list of structs a function from an index to a valid item, another for each.
    map_values: a valid value of a map, where the full document's first one is none for any key.
    beside: what a change needs beside it, so that other rules accept it too.
    never: by path, values of an enumeration that a rule refuses wherever they stand.
    """

    kind: str
    plural: str
    spec: Changes
    status: Changes
    rules: Rules
    alternatives: Mapping[str, Changes] = field(default_factory=dict)
    fixed: Mapping[str, Changes] = field(default_factory=dict)
    items: Mapping[str, Callable[[int], Changes]] = field(default_factory=dict)
    map_values: Mapping[str, Any] = field(default_factory=dict)
    beside: Callable[[Changes], Changes] = nothing_beside
    never: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def document(self, name: str = "it") -> dict[str, Any]:
        """An object with every field."""
        return {
            "apiVersion": "springtide.dev/v1alpha1",
            "kind": self.kind,
            "metadata": {"name": name},
            "spec": copy.deepcopy(self.spec),
            "status": copy.deepcopy(self.status),
        }

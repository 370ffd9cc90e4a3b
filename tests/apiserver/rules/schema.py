"""The rules that are in a CRD, found by walking its schema: what the tests must cover."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

CRDS = Path(__file__).resolve().parents[3] / "crds"

BOUNDS = ("minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems", "minProperties", "maxProperties")


@dataclass(frozen=True)
class Constraint:
    """One rule at one place: `required` has the field as its value, `rule` the CEL expression.

    path: `spec.env[].name`; the values of a map are `{}`.
    """

    path: str
    key: str
    value: Any
    message: str = ""

    def __str__(self) -> str:
        return f"{self.path} {self.key} {self.message or self.value}"[:120]


def load(plural: str) -> dict[str, Any]:
    """The committed CRD of a kind."""
    document: dict[str, Any] = yaml.safe_load((CRDS / f"springtide.dev_{plural}.yaml").read_text())
    return document


def root(crd: dict[str, Any]) -> dict[str, Any]:
    """Its schema."""
    schema: dict[str, Any] = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def constraints(schema: dict[str, Any], *, path: str = "") -> Iterator[Constraint]:
    """Every rule in a schema and below it."""
    for key in (*BOUNDS, "pattern", "enum"):
        if key in schema:
            yield Constraint(path, key, schema[key])
    for field in schema.get("required", []):
        yield Constraint(path, "required", field)
    for rule in schema.get("x-kubernetes-validations", []):
        yield Constraint(path, "rule", rule["rule"], rule["message"])
    if schema.get("x-kubernetes-list-type") in ("map", "set"):
        yield Constraint(path, "unique", schema.get("x-kubernetes-list-map-keys"))
    for name, field in schema.get("properties", {}).items():
        yield from constraints(field, path=f"{path}.{name}".lstrip("."))
    if "items" in schema:
        yield from constraints(schema["items"], path=f"{path}[]")
    if "additionalProperties" in schema:
        yield from constraints(schema["additionalProperties"], path=f"{path}{{}}")


@cache
def patterns(plural: str) -> dict[str, str]:
    """The pattern of every field of a kind that has one, by path."""
    return {item.path: item.value for item in constraints(root(load(plural))) if item.key == "pattern"}

"""The CustomResourceDefinition of a kind."""

from typing import Any

from springtide.api.base import PrinterColumn, Rule
from springtide.api.constants import CATEGORY, GROUP, VERSION
from springtide.crdgen.kinds import Kind
from springtide.crdgen.lint import lint
from springtide.crdgen.structural import RULES, Schema, structural

MAX_BYTES = 256 * 1024
"""`kubectl apply` keeps the document in an annotation, and annotations end here."""


def root_schema(kind: Kind) -> Schema:
    """The schema of the whole object; raises ValueError with every finding of the lint."""
    resource = kind.resource
    spec = structural(resource.spec)
    status = structural(resource.status, defaults=False)
    if findings := [*lint(spec, path="spec"), *lint(status, path="status")]:
        raise ValueError(f"{resource.kind}: " + "\n  ".join(findings))
    if changes := [rule.to_wire() for rule in _immutability(kind, tuple(spec["properties"]))]:
        spec[RULES] = [*spec.get(RULES, []), *changes]
    schema = {
        "type": "object",
        "description": kind.description,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": f"`{GROUP}/{VERSION}`."},
            "kind": {"type": "string", "description": f"`{resource.kind}`."},
            "metadata": {"type": "object", "properties": {"name": {"type": "string"}}},
            "spec": spec,
            "status": status,
        },
    }
    return schema | ({RULES: [rule.to_wire() for rule in resource.rules]} if resource.rules else {})


def _immutability(kind: Kind, fields: tuple[str, ...]) -> tuple[Rule, ...]:
    """A rule for each field that may not change, so that a refusal names it.

    They stand on the spec, since a rule on an optional field is not asked when it is added or removed.
    """
    mutable = kind.resource.mutable
    if mutable is None:
        return ()
    return tuple(
        Rule(
            _unchanged(field),
            f"{field} cannot be changed: create another {kind.resource.kind}",
            field=f".{field}",
            reason="FieldValueForbidden",
        )
        for field in fields
        if field not in mutable
    )


def _unchanged(field: str) -> str:
    """CEL: not added, not removed, not changed. `self.?x == oldSelf.?x` would say it, but its cost is not estimated."""
    return f"has(self.{field}) == has(oldSelf.{field}) && (!has(self.{field}) || self.{field} == oldSelf.{field})"


def definition(kind: Kind) -> dict[str, Any]:
    """The CustomResourceDefinition."""
    resource = kind.resource
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{resource.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": resource.kind,
                "listKind": f"{resource.kind}List",
                "plural": resource.plural,
                "singular": resource.kind.lower(),
                "shortNames": list(resource.short_names),
                "categories": [CATEGORY],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [_column(column) for column in resource.columns],
                    "schema": {"openAPIV3Schema": root_schema(kind)},
                }
            ],
        },
    }


def _column(column: PrinterColumn) -> dict[str, Any]:
    optional = {"description": column.description, "priority": column.priority}
    return {
        "name": column.name,
        "type": column.type,
        "jsonPath": column.path,
        **{key: value for key, value in optional.items() if value},
    }

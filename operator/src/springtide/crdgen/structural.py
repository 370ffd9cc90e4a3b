"""A structural schema, as the API server wants it, from a pydantic model.

pydantic writes JSON schema 2020-12 with references; a CustomResourceDefinition takes a closed subset of OpenAPI v3
without them. This module translates and never guesses: what has no translation is an error that names the field.
`lint` checks the outcome.

Which defaults a user sees: those that are a value. An empty string, list or map says nothing and is left out; a nested
object gets the defaults of its fields, if they have some, so that `kubectl get -o yaml` shows them.
"""

from collections.abc import Mapping
from typing import Any

from springtide.api.base import ApiModel, Rule

Schema = dict[str, Any]

RULES = "x-kubernetes-validations"
INT_OR_STRING = "x-kubernetes-int-or-string"
PRESERVE = "x-kubernetes-preserve-unknown-fields"

EMPTY: tuple[Any, ...] = (None, "", [], {})
"""Defaults that say nothing."""

KEYS = (
    "type",
    "format",
    "description",
    "default",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "required",
    "properties",
    "additionalProperties",
    "items",
    INT_OR_STRING,
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    PRESERVE,
    RULES,
)
"""All that a schema may contain, in the order in which it is written."""

RULE_KEYS = ("rule", "message", "fieldPath", "reason")
"""The same of a rule."""


def structural(model: type[ApiModel], *, defaults: bool = True) -> Schema:
    """The schema of a model; without `defaults`, none are declared (a status is written by the operator alone).

    Raises TypeError, naming the field, for what has no structural form: unions, recursion, tuples of fixed length.
    """
    document = model.model_json_schema()
    return _Translation(document.get("$defs", {}), defaults=defaults).of(document, path=model.__name__, parents=())


_OPEN_BOUNDS = ("exclusiveMinimum", "exclusiveMaximum")
"""JSON Schema has them as numbers, OpenAPI v3.0 as booleans: left out silently, the API server would not ask them."""


class _Translation:
    def __init__(self, definitions: Mapping[str, Schema], *, defaults: bool) -> None:
        self.definitions = definitions
        self.defaults = defaults

    def of(self, node: Schema, *, path: str, parents: tuple[str, ...]) -> Schema:
        """The structural form of one node; `parents` are the definitions that it lies in."""
        node, parents = self._resolved(node, path=path, parents=parents)
        for unsupported in ("anyOf", "oneOf", "allOf", "prefixItems", "uniqueItems", *_OPEN_BOUNDS):
            if unsupported in node:
                raise TypeError(f"{path}: {unsupported} has no structural form; use one type, or a list marker")
        if "const" in node:
            node["enum"] = [node.pop("const")]
        if INT_OR_STRING in node:
            del node["type"]
        if "items" in node:
            node["items"] = self.of(node["items"], path=f"{path}[]", parents=parents)
        if node.get("type") == "object":
            self._object(node, path=path, parents=parents)
        self._default(node, path=path)
        if RULES in node:
            node[RULES] = [{key: rule[key] for key in RULE_KEYS if key in rule} for rule in node[RULES]]
        return {key: node[key] for key in KEYS if key in node}

    def _resolved(self, node: Schema, *, path: str, parents: tuple[str, ...]) -> tuple[Schema, tuple[str, ...]]:
        """The node with its reference looked up and `X | None` reduced to X; what stands beside a reference wins."""
        while "$ref" in node or "anyOf" in node:
            if "$ref" in node:
                name = node["$ref"].rpartition("/")[2]
                if name in parents:
                    raise TypeError(f"{path}: {name} contains itself, which no structural schema can say")
                target, parents = self.definitions[name], (*parents, name)
            else:
                branches = [branch for branch in node["anyOf"] if branch != {"type": "null"}]
                if len(branches) != 1:
                    raise TypeError(f"{path}: a union of {len(branches)} types has no structural form")
                target = branches[0]
            beside = {key: value for key, value in node.items() if key not in ("$ref", "anyOf")}
            rules = [*target.get(RULES, []), *beside.get(RULES, [])]
            node = {**target, **beside, **({RULES: rules} if rules else {})}
        return dict(node), parents

    def _object(self, node: Schema, *, path: str, parents: tuple[str, ...]) -> None:
        if "properties" in node:
            node["properties"] = {
                name: self.of(field, path=f"{path}.{name}", parents=parents)
                for name, field in node["properties"].items()
            }
        values = node.pop("additionalProperties", None)
        if isinstance(values, dict):
            node["additionalProperties"] = self.of(values, path=f"{path}{{}}", parents=parents)
        if longest := node.pop("propertyNames", {}).get("maxLength"):
            # OpenAPI v3.0 cannot bound the keys of a map; CEL can.
            rule = Rule(f"self.all(key, size(key) <= {longest})", f"keys must have {longest} characters or fewer")
            node[RULES] = [*node.get(RULES, []), rule.to_wire()]

    def _default(self, node: Schema, *, path: str) -> None:
        default = node.pop("default", None)
        if not self.defaults or default in EMPTY:
            return
        if "properties" not in node:
            node["default"] = default
            return
        # A nested object. Given in part, the API server fills in the defaults of its fields: the whole must equal them.
        # It must be spelt out, since rules are asked of it as it stands.
        fields = {name: field["default"] for name, field in node["properties"].items() if "default" in field}
        for name, value in default.items():
            if value not in EMPTY and not isinstance(value, dict) and value != fields.get(name):
                raise TypeError(f"{path}: its default for {name} differs from the default of {path}.{name}")
        if fields:
            node["default"] = fields

"""The base of all API models, and the markers that `crdgen` turns into schema extensions.

A marker says something that OpenAPI alone cannot: a CEL rule, the keys of a list, a field that may never change.
Markers sit in the `Annotated` metadata of a field, rules of a whole model in its `RULES`.
"""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


@dataclass(frozen=True)
class Rule:
    """A CEL rule (`x-kubernetes-validations`).

    rule: the expression; `self` is the value it stands on.
    message: one sentence that a person reads when the API server refuses the document.
    field: path of the field to blame, relative to the value, such as `.container`.
    reason: how the API server introduces the message: `Forbidden`, `Required value`, and `Invalid value` by default.
    """

    rule: str
    message: str
    field: str | None = None
    reason: Literal["FieldValueForbidden", "FieldValueRequired"] | None = None

    def to_wire(self) -> dict[str, str]:
        """The rule as a CustomResourceDefinition has it."""
        return {
            "rule": self.rule,
            "message": self.message,
            **({"fieldPath": self.field} if self.field else {}),
            **({"reason": self.reason} if self.reason else {}),
        }


class Marker:
    """What adds `extension()` to the JSON schema that pydantic writes for a field."""

    def extension(self) -> dict[str, Any]:
        """The keys to add."""
        raise NotImplementedError

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(schema) | self.extension()


@dataclass(frozen=True)
class Rules(Marker):
    """CEL rules on one field."""

    rules: tuple[Rule, ...]

    def __init__(self, *rules: Rule) -> None:
        object.__setattr__(self, "rules", rules)

    def extension(self) -> dict[str, Any]:
        """See `Marker`."""
        return {"x-kubernetes-validations": [rule.to_wire() for rule in self.rules]}


@dataclass(frozen=True)
class ListMap(Marker):
    """A list whose items are told apart by these fields, so that server-side apply merges it item by item."""

    keys: tuple[str, ...]

    def __init__(self, *keys: str) -> None:
        object.__setattr__(self, "keys", keys)

    def extension(self) -> dict[str, Any]:
        """See `Marker`."""
        return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(self.keys)}


@dataclass(frozen=True)
class ListSet(Marker):
    """A list of scalars without duplicates."""

    def extension(self) -> dict[str, Any]:
        """See `Marker`."""
        return {"x-kubernetes-list-type": "set"}


@dataclass(frozen=True)
class ListAtomic(Marker):
    """A list that is replaced as a whole: its order matters, or its items have no name."""

    def extension(self) -> dict[str, Any]:
        """See `Marker`."""
        return {"x-kubernetes-list-type": "atomic"}


@dataclass(frozen=True)
class Preserve(Marker):
    """A value whose shape is not ours to define.

    Mark the values of a map, not the map: CEL takes two untyped maps of one size for equal if no key is in both.
    """

    def extension(self) -> dict[str, Any]:
        """See `Marker`."""
        return {"x-kubernetes-preserve-unknown-fields": True}


@dataclass(frozen=True)
class IntOrString(Marker):
    """A string that may be written as a whole number, such as `cpu: 2`. minimum: of the number; None: there is none."""

    minimum: int | None = 0

    def extension(self) -> dict[str, Any]:
        """See `Marker`."""
        bound = {} if self.minimum is None else {"minimum": self.minimum}
        return {"x-kubernetes-int-or-string": True, **bound}


class ApiModel(BaseModel):
    """Frozen, camelCase on the wire; unknown fields are ignored so that an older operator reads newer objects."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)

    RULES: ClassVar[tuple[Rule, ...]] = ()
    """CEL rules on the whole model."""

    def to_wire(self) -> dict[str, Any]:
        """The document as the API server stores it: camelCase, nothing that is None."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        described = handler(schema)
        if cls.RULES:
            handler.resolve_ref_schema(described)["x-kubernetes-validations"] = [rule.to_wire() for rule in cls.RULES]
        return described


@dataclass(frozen=True)
class PrinterColumn:
    """A column of `kubectl get`. Those with priority 1 are shown with `-o wide` only."""

    name: str
    path: str
    type: str = "string"
    priority: int = 0
    description: str = ""


@dataclass(frozen=True)
class CustomResource:
    """A kind as the API server and the operator know it. Every module of `springtide.api` that has one is a kind."""

    kind: str
    plural: str
    short_names: tuple[str, ...]
    spec: type[ApiModel]
    status: type[ApiModel]
    columns: tuple[PrinterColumn, ...]
    rules: tuple[Rule, ...] = ()
    """CEL rules on the root, where `self.metadata.name` can be seen."""
    mutable: tuple[str, ...] | None = None
    """The only fields of the spec that may change once the object exists; None: all may."""


READY = '.status.conditions[?(@.type=="Ready")]'
"""Path of the Ready condition, for printer columns."""

NAME_LENGTH = 40
NAME_FITS = Rule(
    f"size(self.metadata.name) <= {NAME_LENGTH}",
    f"a name must have {NAME_LENGTH} characters or fewer, so that the names of its Jobs fit",
    field=".metadata.name",
)

ObjectName = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]
"""The name of a Kubernetes object."""
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$", max_length=71)]
"""A content digest: `sha256:` and 64 hexadecimal digits."""
Quantity = Annotated[
    str,
    Field(min_length=1, max_length=32, pattern=r"^[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei)?$"),
    # After the field: pydantic leaves a pattern out of the schema of what it does not check itself.
    BeforeValidator(lambda value: str(value) if type(value) is int else value),
    IntOrString(),
]
"""A Kubernetes quantity such as `500m`, `4Gi` or 2."""

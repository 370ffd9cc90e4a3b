"""The base of all API models, and the markers that `crdgen` turns into schema extensions.

A marker says something that OpenAPI alone cannot: a CEL rule, the keys of a list, a field that may never change.
Markers sit in the `Annotated` metadata of a field, rules of a whole model in its `RULES`.
"""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


@dataclass(frozen=True)
class Rule:
    """A CEL rule (`x-kubernetes-validations`).

    rule: the expression; `self` is the value it stands on.
    message: one sentence that a person reads when the API server refuses the document.
    field: path of the field to blame, relative to the value, such as `.container`.
    """

    rule: str
    message: str
    field: str | None = None


@dataclass(frozen=True)
class Rules:
    """CEL rules on one field."""

    rules: tuple[Rule, ...]

    def __init__(self, *rules: Rule) -> None:
        object.__setattr__(self, "rules", rules)


@dataclass(frozen=True)
class ListMap:
    """A list whose items are told apart by these fields, so that server-side apply merges it item by item."""

    keys: tuple[str, ...]

    def __init__(self, *keys: str) -> None:
        object.__setattr__(self, "keys", keys)


@dataclass(frozen=True)
class ListSet:
    """A list of scalars without duplicates."""


@dataclass(frozen=True)
class Preserve:
    """An object whose fields are not ours to define (`x-kubernetes-preserve-unknown-fields`)."""


class ApiModel(BaseModel):
    """Frozen, camelCase on the wire; unknown fields are ignored so that an older operator reads newer objects."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)

    RULES: ClassVar[tuple[Rule, ...]] = ()
    """CEL rules on the whole model."""

    def to_wire(self) -> dict[str, Any]:
        """The document as the API server stores it: camelCase, nothing that is None."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


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


NAME_FITS = Rule(
    "size(self.metadata.name) <= 40", "metadata.name must have 40 characters or fewer, so that child names fit"
)

ObjectName = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]
"""The name of a Kubernetes object."""
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$", max_length=71)]
"""A content digest: `sha256:` and 64 hexadecimal digits."""
Quantity = Annotated[
    str, Field(min_length=1, max_length=32, pattern=r"^[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei)?$")
]
"""A Kubernetes quantity such as `500m` or `4Gi`."""

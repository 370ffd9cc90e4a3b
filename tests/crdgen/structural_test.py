"""From a pydantic model to a schema that the API server takes."""

from typing import Annotated, Any, ClassVar

import pytest
from pydantic import Field
from springtide.api.base import ApiModel, IntOrString, ListMap, Preserve, Rule, Rules
from springtide.crdgen.lint import lint
from springtide.crdgen.structural import structural

Short = Annotated[str, Field(max_length=8, description="A word.")]


class Inner(ApiModel):
    """Something inside."""

    RULES: ClassVar = (Rule("self.size > 0", "size must be positive", field=".size"),)

    size: Annotated[int, Field(ge=0, description="How much.")] = 3
    word: Short = ""


def test_a_reference_is_replaced_by_what_it_names_and_the_fields_description_wins():
    class Outer(ApiModel):
        inner: Annotated[Inner, Field(description="The one inside.")]

    inner = structural(Outer)["properties"]["inner"]
    assert inner["description"] == "The one inside."
    assert inner["properties"]["size"] == {"type": "integer", "description": "How much.", "default": 3, "minimum": 0}


def test_an_optional_field_is_its_type_without_null_or_default():
    class Outer(ApiModel):
        word: Short | None = None

    assert structural(Outer)["properties"]["word"] == {"type": "string", "description": "A word.", "maxLength": 8}


def test_a_nested_default_is_spelt_out_since_rules_are_asked_of_it():
    class Outer(ApiModel):
        inner: Annotated[Inner, Field(description="Inside.")] = Inner()

    assert structural(Outer)["properties"]["inner"]["default"] == {"size": 3}


def test_a_nested_default_that_a_part_would_not_get_is_an_error():
    class Outer(ApiModel):
        inner: Annotated[Inner, Field(description="Inside.")] = Inner(size=4)

    with pytest.raises(TypeError, match=r"Outer\.inner: its default for size differs"):
        structural(Outer)


def test_a_status_has_no_defaults():
    assert "default" not in structural(Inner, defaults=False)["properties"]["size"]


def test_rules_of_a_model_and_of_the_field_that_has_it_are_both_kept():
    class Outer(ApiModel):
        inner: Annotated[Inner, Rules(Rule("self.size < 9", "size must be below 9")), Field(description="Inside.")]

    rules = structural(Outer)["properties"]["inner"]["x-kubernetes-validations"]
    assert rules == [
        {"rule": "self.size > 0", "message": "size must be positive", "fieldPath": ".size"},
        {"rule": "self.size < 9", "message": "size must be below 9"},
    ]


def test_the_keys_of_a_map_are_bounded_by_a_rule():
    class Outer(ApiModel):
        labels: Annotated[dict[Short, Short], Field(max_length=4, description="Labels.")]

    labels = structural(Outer)["properties"]["labels"]
    assert labels["maxProperties"] == 4
    assert labels["x-kubernetes-validations"] == [
        {"rule": "self.all(key, size(key) <= 8)", "message": "keys must have 8 characters or fewer"}
    ]


def test_markers_become_extensions():
    class Outer(ApiModel):
        items: Annotated[tuple[Inner, ...], ListMap("word"), Field(max_length=2, description="Items.")]
        anything: Annotated[dict[str, Annotated[Any, Preserve()]], Field(max_length=2, description="Anything.")]
        amount: Annotated[str, Field(max_length=4, pattern="^[0-9]+$", description="Amount."), IntOrString()]

    fields = structural(Outer)["properties"]
    assert fields["items"]["x-kubernetes-list-type"] == "map"
    assert fields["items"]["x-kubernetes-list-map-keys"] == ["word"]
    assert fields["anything"]["additionalProperties"] == {"x-kubernetes-preserve-unknown-fields": True}
    assert "type" not in fields["amount"]
    assert fields["amount"]["pattern"] == "^[0-9]+$"


class Tree(ApiModel):
    """A node."""

    children: tuple["Tree", ...] = ()


class Union(ApiModel):
    """One or the other."""

    either: int | str


class Pair(ApiModel):
    """Two of them."""

    pair: tuple[int, str]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Tree, r"Tree\.children\[\]: Tree contains itself"),
        (Union, r"Union\.either: a union of 2 types"),
        (Pair, r"Pair\.pair: prefixItems has no structural form"),
    ],
)
def test_what_has_no_structural_form_is_an_error_that_names_the_field(model: type[ApiModel], message: str):
    with pytest.raises(TypeError, match=message):
        structural(model)


@pytest.mark.parametrize(
    ("schema", "finding"),
    [
        ({"type": "string"}, "x: a string needs maxLength"),
        ({"type": "array", "items": {"type": "integer"}}, "x: a list needs maxItems"),
        (
            {"type": "array", "maxItems": 1, "items": {"type": "object", "properties": {}}},
            "x: a list of objects needs ListMap or ListAtomic",
        ),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "x: a map needs maxProperties"),
        ({"type": "object", "maxProperties": 1}, "x: say what an object contains"),
        ({"type": "integer", "exclusiveMinimum": 0}, "x: exclusiveMinimum is not allowed in a structural schema"),
        ({"type": "null"}, "x: type 'null' is not allowed in a structural schema"),
        ({"type": "object", "properties": {"namespace": {"type": "integer", "description": "d"}}},
         "x.namespace: namespace is a word of CEL, choose another name"),
        ({"type": "object", "properties": {"size": {"type": "integer"}}}, "x.size: a field needs a description"),
    ],
)  # fmt: skip
def test_the_lint_finds(schema: dict[str, Any], finding: str):
    assert finding in list(lint(schema, path="x"))


def test_the_lint_wants_the_keys_of_a_list_to_be_required():
    item = {"type": "object", "properties": {"name": {"type": "integer", "description": "d"}}}
    schema = {"type": "array", "maxItems": 1, "items": item}
    schema |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
    assert list(lint(schema, path="x")) == ["x: the list's key name must be a required field"]

"""For every rule of the CRD a document that it lets pass and one that it refuses, with the words of the refusal.

Bounds follow from the schema: the last value inside, the first one outside. What a person wrote (patterns, CEL rules)
is answered by the tables of `written`.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tests.apiserver.rules import written
from tests.apiserver.rules.documents import changed, value_at
from tests.apiserver.rules.schema import Constraint, patterns
from tests.apiserver.rules.written import Changes, Written


@dataclass(frozen=True)
class Case:
    """Changes to a full document: all of `accepted` pass, each of `refused` does not, and `says` is in the answer."""

    constraint: Constraint
    accepted: tuple[Changes, ...]
    refused: tuple[Changes, ...]
    says: str


def case_for(constraint: Constraint, kind: Written) -> Case:
    """The case of one rule of a kind. Raises LookupError for a rule that a person must write one for."""
    path, before = _placed(constraint.path, kind)
    accepted, refused, says = _VALUES[constraint.key](constraint, path, kind)
    accepted = tuple(before | change | kind.beside(change) for change in accepted)
    return Case(constraint, accepted, tuple(before | change for change in refused), says)


def _placed(path: str, kind: Written) -> tuple[str, Changes]:
    """The path with its list and map places filled in, and what makes room for it in a full document."""
    before = next((change for prefix, change in kind.alternatives.items() if path.startswith(prefix)), {})
    document = changed(kind.document(), before)
    path = path.replace("[]", "[0]")
    while "{}" in path:
        parent = path.partition("{}")[0]
        path = path.replace("{}", f"{{{next(iter(value_at(document, parent)))}}}", 1)
    return path, before


def _filler(path: str, kind: Written) -> Callable[[int], str]:
    return written.FILLERS.get(patterns(kind.plural).get(path, ""), lambda length: "a" * length)


def _map_value(path: str, kind: Written) -> Any:
    first = kind.map_values.get(path)
    return next(iter(value_at(kind.document(), path).values())) if first is None else first


Answer = tuple[tuple[Changes, ...], tuple[Changes, ...], str]


def _required(constraint: Constraint, path: str, _: Written) -> Answer:
    field = f"{path}.{constraint.value}".lstrip(".")
    return ({},), ({field: None},), f"{field}: Required value"


def _length(constraint: Constraint, path: str, kind: Written) -> Answer:
    limit = constraint.value
    fill = _filler(constraint.path, kind)
    if constraint.key == "minLength":
        return ({path: fill(limit)},), ({path: fill(limit)[:-1]},), f"should be at least {limit} chars long"
    return ({path: fill(limit)},), ({path: fill(limit) + "0"},), f"Too long: may not be more than {limit} bytes"


def _minimum(constraint: Constraint, path: str, _: Written) -> Answer:
    limit = constraint.value
    return ({path: limit},), ({path: limit - 1},), f"should be greater than or equal to {limit}"


def _maximum(constraint: Constraint, path: str, _: Written) -> Answer:
    limit = constraint.value
    return ({path: limit},), ({path: limit + 1},), f"should be less than or equal to {limit}"


def _items(constraint: Constraint, path: str, kind: Written) -> Answer:
    limit = constraint.value
    item = kind.items.get(constraint.path, lambda index: f"item-{index}")
    items = [item(index) for index in range(limit + 1)]
    return ({path: items[:-1]},), ({path: items},), f"{path}: Too many: {limit + 1}: must have at most {limit} items"


def _at_least(constraint: Constraint, path: str, kind: Written) -> Answer:
    items = list(value_at(kind.document(), path))
    assert constraint.value == 1, "no list has to be longer so far"
    below = path.removeprefix("status.")  # a status is validated by itself
    return (
        ({path: items[:1]},),
        ({path: []},),
        f"{path}: Invalid value: 0: {below} in body should have at least 1 items",
    )


def _properties(constraint: Constraint, path: str, kind: Written) -> Answer:
    limit = constraint.value
    value = _map_value(constraint.path, kind)
    entries = {f"key-{index}": value for index in range(limit + 1)}
    inside = dict(list(entries.items())[:-1])
    return ({path: inside},), ({path: entries},), f"{path}: Too many: {limit + 1}: must have at most {limit} items"


def _enum(constraint: Constraint, path: str, kind: Written) -> Answer:
    return (
        tuple({path: value} for value in constraint.value if value not in kind.never.get(path, ())),
        ({path: "Bogus"},),
        f'{path}: Unsupported value: "Bogus": supported values: '
        + ", ".join(f'"{value}"' for value in constraint.value),
    )


def _pattern(constraint: Constraint, path: str, _: Written) -> Answer:
    good, bad = written.PATTERNS[constraint.value]
    return tuple({path: value} for value in good), tuple({path: value} for value in bad), "should match"


def _unique(_: Constraint, path: str, kind: Written) -> Answer:
    item = value_at(kind.document(), path)[0]
    return ({path: [item]},), ({path: [item, item]},), f"{path}[1]: Duplicate value"


def _rule(constraint: Constraint, path: str, kind: Written) -> Answer:
    if match := re.fullmatch(r"keys must have (\d+) characters or fewer", constraint.message):
        limit = int(match[1])
        value = _map_value(constraint.path, kind)
        return ({path: {"k" * limit: value}},), ({path: {"k" * (limit + 1): value}},), constraint.message
    accepted, refused, says = kind.rules[constraint.path, constraint.message]
    return tuple(accepted), tuple(refused), says


_VALUES: dict[str, Callable[[Constraint, str, Written], Answer]] = {
    "required": _required,
    "minLength": _length,
    "maxLength": _length,
    "minimum": _minimum,
    "maximum": _maximum,
    "minItems": _at_least,
    "maxItems": _items,
    "maxProperties": _properties,
    "enum": _enum,
    "pattern": _pattern,
    "unique": _unique,
    "rule": _rule,
}


def is_immutability(constraint: Constraint) -> bool:
    """Whether a rule compares with what was there before: it is tested by changing, not by creating."""
    return constraint.key == "rule" and "oldSelf" in constraint.value


def unused(table: Iterable[Any], constraints: Iterable[Constraint]) -> set[Any]:
    """Keys of a written table that no rule of the CRD asks for."""
    asked = {(item.path, item.message) for item in constraints if item.key == "rule"}
    return set(table) - asked

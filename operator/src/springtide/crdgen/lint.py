"""What the API server would refuse, or regret later, found before it is asked.

Bounds are not decoration: the cost of a CEL rule is estimated from them, and what has none is taken to be 3 MB long.
"""

from collections.abc import Iterator

from springtide.crdgen.structural import INT_OR_STRING, KEYS, PRESERVE, RULES, Schema

CEL_RESERVED = frozenset(
    (
        *("true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if"),
        *("import", "let", "loop", "package", "namespace", "return", "var", "void", "while"),
    )
)


def lint(schema: Schema, *, path: str) -> Iterator[str]:
    """Everything that is wrong with a structural schema, each with the place of it."""
    for key in schema.keys() - set(KEYS):
        yield f"{path}: {key} is not allowed in a structural schema"
    match schema.get("type"):
        case None if INT_OR_STRING in schema or PRESERVE in schema:
            pass
        case "string":
            if not schema.keys() & {"maxLength", "enum", "format"}:
                yield f"{path}: a string needs maxLength"
        case "array":
            yield from _lint_array(schema, path=path)
        case "object":
            yield from _lint_object(schema, path=path)
        case "integer" | "number" | "boolean":
            pass
        case other:
            yield f"{path}: type {other!r} is not allowed in a structural schema"
    for rule in schema.get(RULES, []):
        if not rule["message"] or "\n" in rule["message"]:
            yield f"{path}: the message of a rule must be one line: {rule['rule']}"


def _lint_array(schema: Schema, *, path: str) -> Iterator[str]:
    items = schema["items"]
    if "maxItems" not in schema:
        yield f"{path}: a list needs maxItems"
    if items.get("type") == "object" and "x-kubernetes-list-type" not in schema:
        yield f"{path}: a list of objects needs ListMap or ListAtomic"
    for key in schema.get("x-kubernetes-list-map-keys", []):
        if key not in items.get("required", []):
            yield f"{path}: the list's key {key} must be a required field"
    yield from lint(items, path=f"{path}[]")


def _lint_object(schema: Schema, *, path: str) -> Iterator[str]:
    if "properties" not in schema:
        if "maxProperties" not in schema:
            yield f"{path}: a map needs maxProperties"
        if "additionalProperties" not in schema:
            yield f"{path}: say what an object contains"
    elif "additionalProperties" in schema:
        yield f"{path}: properties and additionalProperties exclude each other"
    for name, field in schema.get("properties", {}).items():
        if name in CEL_RESERVED:
            yield f"{path}.{name}: {name} is a word of CEL, choose another name"
        if not field.get("description"):
            yield f"{path}.{name}: a field needs a description"
        yield from lint(field, path=f"{path}.{name}")
    if "additionalProperties" in schema:
        yield from lint(schema["additionalProperties"], path=f"{path}{{}}")

"""Whatever the API server can store, the operator's models read, and write back as the API server takes it."""

from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from springtide.api.base import ApiModel
from springtide.crdgen.kinds import discover
from springtide.crdgen.structural import structural

MODELS: dict[str, type[ApiModel]] = {
    f"{kind.resource.kind}.{part.__name__}": part
    for kind in discover()
    for part in (kind.resource.spec, kind.resource.status)
}


def documents(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Documents that a structural schema allows."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema.get("type"):
        case "object" if "properties" in schema:
            required = set(schema.get("required", ()))
            fields = {name: documents(field) for name, field in schema["properties"].items()}
            return st.fixed_dictionaries(
                {name: field for name, field in fields.items() if name in required},
                optional={name: field for name, field in fields.items() if name not in required},
            )
        case "object":
            values = documents(schema["additionalProperties"])
            return st.dictionaries(st.text("abcxyz./-", min_size=1, max_size=12), values, max_size=3)
        case "array":
            unique = schema.get("x-kubernetes-list-type") == "set"
            return st.lists(documents(schema["items"]), min_size=schema.get("minItems", 0), max_size=3, unique=unique)
        case "integer":
            return st.integers(schema.get("minimum", -(2**53)), schema.get("maximum", 2**53))
        case "number":
            return st.floats(schema.get("minimum"), schema.get("maximum"), allow_nan=False, allow_infinity=False)
        case "boolean":
            return st.booleans()
        case "string" if schema.get("format") == "date-time":
            return st.datetimes().map(lambda time: time.strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20))
        case "string":
            return strings(schema)
    if "x-kubernetes-int-or-string" in schema:
        return st.one_of(st.integers(schema.get("minimum", -(10**6)), 10**6), strings(schema))
    return st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists, max_leaves=4)


def strings(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    if "pattern" in schema:
        bounded = st.from_regex(schema["pattern"].replace("$", r"\Z"), alphabet=st.characters(max_codepoint=126))
        return bounded.filter(lambda text: schema.get("minLength", 0) <= len(text) <= schema["maxLength"])
    return st.text(min_size=schema.get("minLength", 0), max_size=min(schema["maxLength"], 20))


@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_a_document_survives_the_model(name: str, data: st.DataObject):
    model: type[ApiModel] = MODELS[name]
    schema = structural(model)
    document = data.draw(documents(schema))
    jsonschema.validate(document, schema)

    parsed = model.model_validate(document)
    written = parsed.to_wire()
    jsonschema.validate(written, schema)
    assert model.model_validate(written) == parsed

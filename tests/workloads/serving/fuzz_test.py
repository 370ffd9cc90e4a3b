"""Whatever bytes come, the answer is scores or a refusal in words; nothing else leaves the reader."""

from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from springtide_workloads.data.signature import FeatureSignature, Signature
from springtide_workloads.serving.protocol import DTYPES, read_v1, read_v2
from springtide_workloads.serving.refusal import RefusedError
from springtide_workloads.serving.tensors import Inputs


def signature(*, category: bool) -> Signature:
    numbers = [FeatureSignature(name=name, kind="Number", type="double") for name in ("a", "b")]
    words = FeatureSignature(name="c", kind="Category", type="string", categories=("x", "y"))
    codes = FeatureSignature(name="d", kind="Category", type="int64", categories=("1", "2"))
    return Signature(
        features=(*numbers, *([words, codes] if category else [])),
        target="t",
        negative="0",
        positive="1",
        wide_numbers=False,
    )


MOST_TEXT = 8 << 20
INPUTS = {"with categories": Inputs(signature(category=True)), "numbers alone": Inputs(signature(category=False))}

values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.sampled_from(["x", "", "a", "1e400"]),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)
rows = st.lists(st.lists(st.none() | st.text(max_size=2) | st.integers(-1, 2), max_size=2) | values, max_size=4)
tensors = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b", "c", "d", "m"]) | values, "datatype": st.sampled_from([*DTYPES, "X"]) | values},
    optional={
        "shape": st.lists(st.integers(0, 3), max_size=3) | values,
        "data": rows | values,
        "parameters": st.fixed_dictionaries({"binary_data_size": st.integers(-1, 20) | values}) | values,
    },
)
documents = st.fixed_dictionaries(
    {"inputs": st.lists(tensors, max_size=4) | values},
    optional={"parameters": values, "outputs": values, "id": values},
)
lengths = st.none() | st.text(max_size=6) | st.integers(0, 99).map(str) | st.integers(0, 5000).map("9".__mul__)


def _one(**fields: Any) -> dict[str, Any]:
    """A document of one input."""
    return {"inputs": [{"name": "c", **fields}]}


@st.composite
def well_formed(draw: st.DrawFn) -> dict[str, Any]:
    """A request for the model with categories, whose features are all there with as many values as they say."""
    rows = draw(st.integers(0, 3))
    inputs = []
    for name in "abcd":
        kind = draw(st.sampled_from([*DTYPES]))
        one = {"BYTES": st.none() | st.sampled_from(["x", "1", "1.5"]), "BOOL": st.booleans()}
        of_kind = one.get(kind, st.integers(0, 100) | st.floats(-10, 10))
        data = draw(st.lists(of_kind, min_size=rows, max_size=rows))
        inputs.append({"name": name, "datatype": kind, "shape": [rows], "data": data})
    return {"inputs": inputs}


def _answer(inputs: Inputs, read: Any) -> None:
    try:
        rows = inputs.encode(read().tensors).encoded
    except RefusedError as error:
        refused = error
    else:
        assert rows.numbers.shape[1] == rows.codes.shape[1]
        assert rows.numbers.dtype == np.float32
        return
    assert str(refused)
    assert 400 <= refused.code < 500


def _dumped(document: Any) -> bytes:
    try:
        return orjson.dumps(document)
    except TypeError:  # an integer beyond 64 bits
        return repr(document).replace("'", '"').replace("None", "null").encode()


@pytest.mark.parametrize("model", INPUTS)
@settings(max_examples=400, deadline=None)
@given(document=documents | well_formed(), rest=st.binary(max_size=24))
@example(document={"inputs": [{"name": "m", "datatype": "BOOL", "shape": [1, 2], "data": [True, False]}]}, rest=b"")
@example(document={"inputs": [{"name": "a", "datatype": "FP32", "shape": [0], "data": []}]}, rest=b"")
@example(document=_one(datatype="BYTES", shape=[2], data=[["a"], 1]), rest=b"")
@example(document=_one(datatype="BYTES", shape=[1], data=[[], None]), rest=b"")
def test_any_document_of_v2_is_answered_or_refused(model: str, document: Any, rest: bytes):
    text = _dumped(document)
    _answer(INPUTS[model], lambda: read_v2(text + rest, header_length=str(len(text)), most_text=MOST_TEXT))
    _answer(INPUTS[model], lambda: read_v2(text, header_length=None, most_text=MOST_TEXT))


@pytest.mark.parametrize("field", ["name", "datatype", "shape", "data", "parameters", "binary_data_size", "event_time"])
def test_what_is_nested_deeply_is_refused_in_few_words(field: str):
    item = {"name": "c", "datatype": "FP32", "shape": [1], "parameters": {"binary_data_size": 4}, field: "DEEP"}
    if field == "data":
        del item["parameters"]
    if field == "binary_data_size":
        item["parameters"] = {field: "DEEP"}
    text = orjson.dumps({"inputs": [item], "parameters": {"event_time": "DEEP" if field == "event_time" else None}})
    body = text.replace(b'"DEEP"', b"[" * 1000 + b"]" * 1000)
    head = str(len(body))
    with pytest.raises(RefusedError) as refused:
        INPUTS["with categories"].encode(read_v2(body + bytes(4), header_length=head, most_text=MOST_TEXT).tensors)
    assert len(str(refused.value)) < 300


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=64), length=lengths)
@example(body=b"{}", length="9" * 4301)
def test_any_bytes_are_refused(body: bytes, length: str | None):
    _answer(INPUTS["with categories"], lambda: read_v2(body, header_length=length, most_text=MOST_TEXT))
    _answer(INPUTS["with categories"], lambda: read_v1(body))


@pytest.mark.parametrize("model", INPUTS)
@settings(max_examples=300, deadline=None)
@given(
    rows=st.lists(st.lists(values, max_size=4) | st.dictionaries(st.sampled_from("abcd"), values) | values, max_size=4)
)
def test_any_rows_of_v1_are_answered_or_refused(model: str, rows: list[Any]):
    _answer(INPUTS[model], lambda: read_v1(_dumped({"instances": rows})))

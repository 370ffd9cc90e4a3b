"""Values of JSON are what their datatype says, exactly, or they are refused: none is changed on the way."""

from typing import Any

import orjson
import pytest
from springtide_workloads.serving.protocol import Request, read_v1, read_v2
from springtide_workloads.serving.refusal import RefusedError


def v2(datatype: str, data: list[Any], *, shape: list[int] | None = None) -> Request:
    item = {"name": "x", "datatype": datatype, "shape": shape or [len(data)], "data": data}
    return read_v2(orjson.dumps({"inputs": [item]}), header_length=None, most_text=1 << 20)


def v1(rows: list[Any]) -> Request:
    return read_v1(orjson.dumps({"instances": rows}))


def values(request: Request) -> list[Any]:
    (tensor,) = request.tensors
    return tensor.values.tolist()


@pytest.mark.parametrize(
    ("datatype", "data"),
    [
        ("INT64", [1.7]),
        ("INT64", [1, 1.5]),
        ("INT64", ["1"]),
        ("INT64", [None]),
        ("INT64", [2**63]),
        ("INT8", [300]),
        ("INT8", [300.0]),
        ("UINT8", [-1]),
        ("UINT8", [-1.0]),
        ("BOOL", [None]),
        ("BOOL", [1]),
        ("BOOL", ["false"]),
        ("FP64", ["1.5"]),
        ("FP64", [None, "1.5"]),
        ("FP32", [{}]),
        ("BYTES", [1]),
        ("BYTES", [True]),
    ],
)
def test_a_value_that_its_datatype_does_not_have_is_refused(datatype: str, data: list[Any]):
    with pytest.raises(RefusedError, match="input x has values that are not"):
        v2(datatype, data)


@pytest.mark.parametrize(
    ("datatype", "data", "found"),
    [
        ("INT64", [1.0, 2], [1, 2]),
        ("INT64", [2**53 + 1], [2**53 + 1]),
        ("UINT64", [2**64 - 1], [2**64 - 1]),
        ("FP64", [1, 2.5, True], [1.0, 2.5, 1.0]),
        ("BOOL", [True, False], [True, False]),
        ("BYTES", ["a", None], ["a", None]),
        ("INT8", [], []),
    ],
)
def test_a_value_that_its_datatype_has_is_accepted_however_it_is_written(datatype: str, data: list, found: list):
    assert values(v2(datatype, data)) == found


def test_rows_may_be_nested_or_flat():
    for data in ([[1, 2], [3, 4]], [1, 2, 3, 4]):
        assert values(v2("FP32", data, shape=[2, 2])) == [[1, 2], [3, 4]]
    assert values(v2("BYTES", [["ab"], ["cd"]], shape=[2])) == ["ab", "cd"]


@pytest.mark.parametrize("data", [[["ab"], "cd"], [[], None], [[1], [2, 3]], [["a"], {}]])
@pytest.mark.parametrize("datatype", ["BYTES", "FP64"])
def test_rows_of_unequal_length_are_refused(datatype: str, data: list[Any]):
    with pytest.raises(RefusedError, match="input x has rows that are not all lists of equal length"):
        v2(datatype, data, shape=[len(data)])


@pytest.mark.parametrize("rows", [[{"x": 1}, {"x": "1"}], [{"x": True}, {"x": "a"}], [{"x": [1]}], [["1.5"]], [[{}]]])
def test_v1_takes_no_text_for_a_number(rows: list[Any]):
    with pytest.raises(RefusedError, match="values that are not all numbers"):
        v1(rows)


def test_v1_keeps_what_a_boolean_is():
    assert values(v1([{"x": True}, {"x": False}])) == [True, False]


def test_bytes_are_text_as_json_is_and_have_one_limit_with_it():
    inputs = [
        {"name": name, "datatype": "BYTES", "shape": [25], "parameters": {"binary_data_size": 100}} for name in "ab"
    ]
    head = orjson.dumps({"inputs": inputs})
    body, length = head + bytes(200), str(len(head))
    assert len(read_v2(body, header_length=length, most_text=len(body)).tensors) == 2
    for most in (len(body) - 1, len(head) - 1):
        with pytest.raises(RefusedError, match="too much JSON and BYTES") as refused:
            read_v2(body, header_length=length, most_text=most)
        assert refused.value.code == 413

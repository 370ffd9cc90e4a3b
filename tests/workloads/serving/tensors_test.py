"""From tensors to the arrays of a model: what comes one by one, by name, is what training would make of the columns."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from springtide_workloads.data.encoding import Encoder
from springtide_workloads.data.signature import FeatureSignature, Signature
from springtide_workloads.recipes.gbdt_dataset import as_matrix
from springtide_workloads.serving.protocol import DTYPES
from springtide_workloads.serving.refusal import RefusedError
from springtide_workloads.serving.tensors import Inputs, Tensor


def signature(*, wide: bool = False, category: bool = True, numbers: bool = True) -> Signature:
    words = FeatureSignature(name="grade", kind="Category", type="string", categories=("x", "y"))
    columns = [FeatureSignature(name=name, kind="Number", type="double") for name in ("a", "b")]
    return Signature(
        features=(*([words] if category else []), *(columns if numbers else [])),
        target="t",
        negative="0",
        positive="1",
        wide_numbers=wide,
    )


kinds = st.sampled_from([kind for kind in DTYPES.values() if not kind.hasobject])


@settings(deadline=None, max_examples=200)
@given(data=st.data(), rows=st.integers(1, 4), wide=st.booleans())
def test_named_tensors_of_any_type_are_encoded_as_in_training(data, rows: int, *, wide: bool):
    columns = {name: data.draw(arrays.arrays(data.draw(kinds), rows)) for name in ("a", "b")}
    columns["grade"] = np.array(
        data.draw(st.lists(st.sampled_from(["x", "z", None]), min_size=rows, max_size=rows)), "O"
    )
    with np.errstate(over="ignore", invalid="ignore"):  # what is beyond float32 is infinite, here and there
        expected = Encoder(signature(wide=wide)).encode(
            pa.RecordBatch.from_pydict({name: pa.array(column) for name, column in columns.items()})
        )
        tensors = [Tensor(name, column) for name, column in columns.items()]
        found = Inputs(signature(wide=wide)).encode(tensors).encoded
    assert found.numbers.dtype == expected.numbers.dtype
    np.testing.assert_array_equal(found.numbers, expected.numbers)
    np.testing.assert_array_equal(found.codes, expected.codes)


def test_a_column_and_a_matrix_of_the_same_numbers_are_the_same_rows():
    values = np.arange(6, dtype=np.float32).reshape(3, 2)
    inputs = Inputs(signature(category=False))
    whole = as_matrix(inputs.encode([Tensor("rows", values)]).encoded)
    named = as_matrix(inputs.encode([Tensor("b", values[:, 1:]), Tensor("a", values[:, 0])]).encoded)
    np.testing.assert_array_equal(whole, values)
    np.testing.assert_array_equal(named, values)
    assert named.flags.c_contiguous
    assert np.shares_memory(whole, values), "a matrix is handed on as it came"


def test_numbers_without_a_value_are_missing():
    found = Inputs(signature()).encode(
        [Tensor("a", np.array([None])), Tensor("b", np.array([1.0])), Tensor("grade", np.array(["x"], dtype=object))]
    )
    assert np.isnan(found.encoded.numbers[0, 0])


def test_text_for_a_number_is_refused_by_name():
    tensors = [Tensor(name, np.array(["x"], dtype=object)) for name in ("a", "b", "grade")]
    with pytest.raises(RefusedError, match="column a is string; the model was trained on numbers"):
        Inputs(signature()).encode(tensors)


def test_a_model_of_categories_alone_can_be_asked():
    found = Inputs(signature(numbers=False)).encode([Tensor("grade", np.array(["y", "z"], dtype=object))])
    assert found.encoded.numbers.shape == (0, 2)
    assert found.encoded.codes.tolist() == [[1, 2]]


def test_the_input_of_another_length_is_named():
    tensors = [Tensor("a", np.zeros(2)), Tensor("b", np.zeros(3)), Tensor("grade", np.array(["x", "y"], dtype=object))]
    with pytest.raises(RefusedError, match="input b has 3 rows, input grade has 2"):
        Inputs(signature()).encode(tensors)


def coded(kind: str) -> Inputs:
    """A model of one category of this type."""
    words = ("true", "false") if kind == "bool" else ("1", "2")
    feature = FeatureSignature(name="code", kind="Category", type=kind, categories=words)
    return Inputs(Signature(features=(feature,), target="t", negative="0", positive="1", wide_numbers=False))


@pytest.mark.parametrize("kind", ["string", "large_string", "dictionary<values=string, indices=int32, ordered=0>"])
@pytest.mark.parametrize("dtype", [dtype for dtype in DTYPES.values() if not dtype.hasobject])
def test_numbers_for_a_category_that_was_text_are_refused_by_name(kind: str, dtype: np.dtype):
    with pytest.raises(RefusedError, match=r"input code is \w+, but the model was trained on (large_)?string"):
        coded(kind).encode([Tensor("code", np.ones(1, dtype))])


@pytest.mark.parametrize("kind", ["int64", "dictionary<values=int64, indices=int32, ordered=0>"])
@pytest.mark.parametrize("dtype", [*DTYPES.values()])
def test_a_category_that_was_a_number_may_come_as_any_type_that_has_it(kind: str, dtype: np.dtype):
    values = np.array(["1", "2"] if dtype.hasobject else [1, 2], dtype)
    if dtype.kind == "b":
        with pytest.raises(RefusedError, match="input code is bool, but the model was trained on int64"):
            coded(kind).encode([Tensor("code", values)])
        return
    assert coded(kind).encode([Tensor("code", values)]).encoded.codes.tolist() == [[0, 1]]


def test_a_category_that_was_a_boolean_may_come_as_one_or_as_text():
    for values in (np.array([True, False]), np.array(["true", "false"], "O"), np.array([True, False], "O")):
        assert coded("bool").encode([Tensor("code", values)]).encoded.codes.tolist() == [[0, 1]]
    with pytest.raises(RefusedError, match="input code is double, but the model was trained on bool"):
        coded("bool").encode([Tensor("code", np.array([1.0, 0.0]))])


def test_a_category_that_is_missing_may_come_as_text_or_not_a_number():
    assert coded("string").encode([Tensor("code", np.array([None]))]).encoded.codes.tolist() == [[-1]]
    assert coded("int64").encode([Tensor("code", np.array([np.nan]))]).encoded.codes.tolist() == [[-1]]


@pytest.mark.parametrize("shape", [((1 << 20) + 1, 2), (1 << 20, 17)])
def test_more_rows_and_values_than_there_is_memory_for_are_refused_before_they_are_widened(shape: tuple[int, int]):
    with pytest.raises(RefusedError, match="send at most 1048576 rows") as refused:
        Inputs(signature(category=False)).encode([Tensor("rows", np.broadcast_to(np.int8(0), shape))])
    assert refused.value.code == 413

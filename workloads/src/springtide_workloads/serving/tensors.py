"""From the tensors of a request to the arrays that a model computes on, checked against its signature.

Two ways to ask: one tensor of shape [rows, features] with all features in the signature's order, where all of them are
numbers; or a tensor of shape [rows] or [rows, 1] for each feature, by its name. Nothing here looks at single rows.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from springtide_workloads.data.chunks import ArrowArray
from springtide_workloads.data.encoding import Encoded, Encoder, Numbers, as_numbers
from springtide_workloads.data.signature import FeatureSignature, Signature
from springtide_workloads.errors import WorkloadError
from springtide_workloads.serving.refusal import RefusedError

Array = npt.NDArray[np.generic]
NAMES_TOLD = 5
MOST_ROWS, MOST_VALUES = 1 << 20, 16 << 20
VALUES = re.compile(r"(?:dictionary<values=)?(\w+)")
NUMBER = re.compile("u?int[0-9]+|halffloat|float|double")
"""Arrow's names of types."""


class Tensor(NamedTuple):
    """An input of a request; there can be thousands. values: of any shape; text is an array of objects."""

    name: str
    values: Array


@dataclass(frozen=True)
class Rows:
    """The rows of a request. categories: the categorical features as they came, in the signature's order."""

    encoded: Encoded
    categories: tuple[ArrowArray, ...] = ()


class Inputs:
    """What a model's signature makes of tensors."""

    def __init__(self, signature: Signature) -> None:
        self._signature = signature
        self._encoder = Encoder(signature)
        self._order = [feature.name for feature in signature.features]
        self._numbers = tuple(feature.name for feature in signature.numbers)
        self._names = frozenset(self._order)
        self._dtype = np.float64 if signature.wide_numbers else np.float32
        self._all_numbers = not signature.categories

    def encode(self, tensors: Sequence[Tensor]) -> Rows:
        """The rows of a request. Raises RefusedError."""
        if not tensors:
            raise RefusedError("the request has no inputs")
        if len(tensors) == 1 and tensors[0].values.ndim == 2 and tensors[0].name not in self._names:
            return self._matrix(tensors[0])
        return self._columns({tensor.name: tensor for tensor in tensors}, count=len(tensors))

    def _matrix(self, tensor: Tensor) -> Rows:
        rows, width = tensor.values.shape
        _check_size(rows, width)
        if not self._all_numbers:
            raise RefusedError(
                f"input {tensor.name} is a matrix, but the model has categories: send one input a feature, by name"
            )
        if width != len(self._order):
            raise RefusedError(
                f"input {tensor.name} has shape [{rows}, {width}]; the model takes [rows, {len(self._order)}]"
            )
        if tensor.values.dtype.hasobject:
            raise RefusedError(f"input {tensor.name} is BYTES; the model takes numbers")
        numbers = cast("Numbers", tensor.values.astype(self._dtype, copy=False))
        return Rows(Encoded(numbers.T, np.empty((0, rows), dtype=np.int32)))

    def _columns(self, tensors: Mapping[str, Tensor], *, count: int) -> Rows:
        if len(tensors) != count:
            raise RefusedError("two inputs have the same name")
        if missing := [name for name in self._order if name not in tensors]:
            raise RefusedError(f"{_named(missing)} missing: the model takes {len(self._order)} features, by name")
        if unknown := sorted(tensors.keys() - self._names):
            raise RefusedError(f"{_named(unknown)} not known to the model")
        columns = {name: _flat(tensors[name]) for name in self._order}
        first = self._order[0]
        rows = columns[first].size
        _check_size(rows, len(columns))
        if odd := next((name for name, column in columns.items() if column.size != rows), None):
            raise RefusedError(f"input {odd} has {columns[odd].size} rows, input {first} has {rows}")
        try:
            categories = tuple(_category(feature, columns[feature.name]) for feature in self._signature.categories)
            codes = self._encoder.encode_categories(categories, rows=rows)
            return Rows(Encoded(self._joined(columns, rows=rows), codes), categories)
        except WorkloadError as error:
            raise RefusedError(error.message) from error

    def _joined(self, columns: Mapping[str, Array], *, rows: int) -> Numbers:
        """(numeric features, rows). One call for all of them: a model can have thousands."""
        numbers: list[Array] = [
            as_numbers(_arrow(name, column), column=name) if (column := columns[name]).dtype.hasobject else column
            for name in self._numbers
        ]
        nothing = np.empty(0, dtype=self._dtype)  # a model may have categories alone
        joined = np.concatenate([nothing, *numbers], dtype=self._dtype, casting="unsafe")
        return cast("Numbers", joined.reshape(len(numbers), rows))


def _check_size(rows: int, features: int) -> None:
    """Small numbers, and rows of few, become several times what came."""
    if rows > MOST_ROWS or rows * features > MOST_VALUES:
        raise RefusedError(
            f"the request has {rows} rows of {features} features; send at most {MOST_ROWS} rows, and {MOST_VALUES}"
            " values, at once",
            code=413,
        )


def _flat(tensor: Tensor) -> Array:
    shape = tensor.values.shape
    if len(shape) == 1:
        return tensor.values
    if len(shape) == 2 and shape[1] == 1:
        return tensor.values.reshape(-1)
    raise RefusedError(f"input {tensor.name} has shape {list(shape)}; a feature has [rows] or [rows, 1]")


def _category(feature: FeatureSignature, column: Array) -> ArrowArray:
    """Text is always taken. What else is spelled otherwise than in training would be an unseen category."""
    if column.dtype == np.float16:
        column = column.astype(np.float32)  # Arrow makes no dictionary of it
    values = _arrow(feature.name, column)
    kind = values.type
    if pa.types.is_string(kind) or pa.types.is_null(kind):
        return values
    (trained,) = cast("re.Match[str]", VALUES.match(feature.type)).groups()
    if trained == "bool" if pa.types.is_boolean(kind) else NUMBER.fullmatch(trained):
        return values
    raise RefusedError(f"input {feature.name} is {kind}, but the model was trained on {trained}: send it as text")


def _arrow(name: str, column: Array) -> ArrowArray:
    try:
        return pa.array(column, from_pandas=column.dtype.hasobject)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise RefusedError(f"input {name} mixes types: {error}") from error


def _named(names: Sequence[str]) -> str:
    told = ", ".join(names[:NAMES_TOLD]) + (f" and {len(names) - NAMES_TOLD} more" if len(names) > NAMES_TOLD else "")
    return f"feature{'s' if len(names) > 1 else ''} {told} {'are' if len(names) > 1 else 'is'}"

"""From Arrow columns to the arrays that models compute on. The same code when training, testing and serving."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from springtide.api.constants import Reason

from springtide_workloads.data.chunks import ArrowArray
from springtide_workloads.data.signature import Signature
from springtide_workloads.errors import WorkloadError

MISSING = -1

Numbers = npt.NDArray[np.float32] | npt.NDArray[np.float64]
Codes = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Encoded:
    """Rows, feature by feature.

    numbers: (numeric features, rows), float32 or float64; NaN is missing.
    codes: (categorical features, rows), int32; -1 is missing, the number of categories is a value that training
        did not see or that was too rare.
    """

    numbers: Numbers
    codes: Codes

    @property
    def rows(self) -> int:
        """How many rows."""
        return int(self.numbers.shape[1])

    def take(self, index: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> "Encoded":
        """Some of the rows, by number or by mask."""
        return Encoded(self.numbers[:, index], self.codes[:, index])


class Encoder:
    """Encodes batches as a signature says."""

    def __init__(self, signature: Signature) -> None:
        self.signature = signature
        self._dtype = np.float64 if signature.wide_numbers else np.float32

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns that a batch must have."""
        return self.signature.names

    @cached_property
    def _places(self) -> tuple[dict[str, int], ...]:
        return tuple(
            {word: place for place, word in enumerate(feature.categories)} for feature in self.signature.categories
        )

    def encode(self, batch: pa.RecordBatch) -> Encoded:
        """All rows of a batch. Raises ColumnNotFound or WrongType, naming the column."""
        numbers = np.empty((len(self.signature.numbers), batch.num_rows), dtype=self._dtype)
        for row, feature in enumerate(self.signature.numbers):
            numbers[row] = as_numbers(_column(batch, feature.name), column=feature.name)
        categories = [_column(batch, feature.name) for feature in self.signature.categories]
        return Encoded(numbers, self.encode_categories(categories, rows=batch.num_rows))

    def encode_categories(self, columns: Sequence[ArrowArray], *, rows: int) -> Codes:
        """The codes of the categorical features, which come in the signature's order and have so many rows each."""
        codes = np.empty((len(self.signature.categories), rows), dtype=np.int32)
        for row, column in enumerate(columns):
            codes[row] = self._codes(column, places=self._places[row])
        return codes

    def _codes(self, values: ArrowArray, *, places: dict[str, int]) -> Codes:
        indices, words = as_words(values)
        unseen = len(places)
        lookup = [MISSING if word is None else places.get(word, unseen) for word in words]
        return np.array([*lookup, MISSING], dtype=np.int32)[indices]


def as_numbers(values: ArrowArray, *, column: str) -> npt.NDArray[np.generic]:
    """A column of numbers or booleans; null becomes NaN. Raises WrongType."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        values, kind = values.dictionary_decode(), kind.value_type
    if pa.types.is_boolean(kind):
        values = values.cast(pa.uint8())
    elif pa.types.is_decimal(kind) or pa.types.is_null(kind):
        values = values.cast(pa.float64())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise WorkloadError(Reason.WRONG_TYPE, f"column {column} is {kind}; the model was trained on numbers")
    if values.null_count:
        return np.asarray(values.to_numpy(zero_copy_only=False))
    return np.from_dlpack(values)  # as `to_numpy`, which would import pandas first: a third of a second


def as_words(values: ArrowArray) -> tuple[npt.NDArray[np.int64], list[str | None]]:
    """A column as text: for each row an index into the words, `len(words)` where the value is null."""
    encoded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    words = [_spelled(word) for word in encoded.dictionary.to_pylist()]
    indices = encoded.indices
    if indices.null_count:
        indices = indices.cast(pa.int32()).fill_null(len(words))
    return np.asarray(indices.to_numpy(zero_copy_only=False)), words


def as_text(values: ArrowArray) -> ArrowArray:
    """A column as an array of text, spelled as `as_words` does."""
    if pa.types.is_string(values.type):
        return values
    indices, words = as_words(values)
    return pa.array([*words, None], pa.string()).take(pa.array(indices, pa.int64()))


def _spelled(value: object) -> str | None:
    """The text of a category. 3.0 is 3: a column of codes becomes floating point as soon as one is missing."""
    if value is None or value != value:  # NaN
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _column(batch: pa.RecordBatch, name: str) -> ArrowArray:
    place = batch.schema.get_field_index(name)
    if place < 0:
        raise WorkloadError(Reason.COLUMN_NOT_FOUND, f"column {name} is missing; the model needs it")
    return batch.column(place)

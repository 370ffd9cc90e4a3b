"""The target: two classes, however the data spells them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from springtide.api.constants import Reason

from springtide_workloads.data.chunks import ArrowArray
from springtide_workloads.errors import WorkloadError

NULL = -1
SHOWN = 5


@dataclass(frozen=True)
class Classes:
    """How the data spells the negative and the positive class."""

    negative: str
    positive: str


class TargetEncoder:
    """Turns the values of the target column into 0, 1 and -1 for null, chunk by chunk.

    Booleans; numbers 0 and 1; or two strings, of which the second in sorted order is the positive class. The codes of
    strings are final only when `classes` was called after the last chunk.
    """

    def __init__(self, column: str, kind: pa.DataType) -> None:
        self._column = column
        self._kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        self._is_string = pa.types.is_string(self._kind) or pa.types.is_large_string(self._kind)
        self._is_boolean = bool(pa.types.is_boolean(self._kind))
        self._seen: list[str] = []
        if not (self._is_string or self._is_boolean or _is_plain_number(self._kind)):
            raise WorkloadError(
                Reason.WRONG_TYPE,
                f"target.column: column {column} is {kind}; it must be boolean, the numbers 0 and 1, or two strings",
            )

    def encode(self, values: ArrowArray) -> npt.NDArray[np.int8]:
        """Codes of a chunk: the place of each string in the order of first appearance, or the number itself."""
        if self._is_string:
            return self._encode_strings(values)
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        numbers = values.cast(pa.float64()) if not self._is_boolean else values.cast(pa.uint8()).cast(pa.float64())
        found = numbers.to_numpy(zero_copy_only=False)
        known = ~np.isnan(found)
        strange = known & (found != 0) & (found != 1)
        if strange.any():
            shown = ", ".join(f"{value:g}" for value in np.unique(found[known])[:SHOWN])
            raise self._not_binary(shown)
        return np.where(known, found, NULL).astype(np.int8)

    def classes(self) -> tuple[Classes, npt.NDArray[np.int8]]:
        """How the classes are spelled, and what each code so far stands for (index with the code, -1 for null)."""
        if not self._is_string:
            spelled = Classes("false", "true") if self._is_boolean else Classes("0", "1")
            return spelled, np.array([0, 1, NULL], dtype=np.int8)
        ordered = sorted(self._seen)
        final = [ordered.index(value) for value in self._seen]
        codes = np.array([*final, *[0] * (2 - len(final)), NULL], dtype=np.int8)
        return Classes(*[*ordered, "", ""][:2]), codes

    def _encode_strings(self, values: ArrowArray) -> npt.NDArray[np.int8]:
        encoded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
        indices = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)
        present = np.unique(indices)
        words = encoded.dictionary.to_pylist()
        codes = np.full(len(words) + 1, NULL, dtype=np.int8)
        for index in present[present < len(words)]:
            if words[index] is None:
                continue
            if words[index] not in self._seen:
                self._seen.append(words[index])
            if len(self._seen) > 2:
                raise self._not_binary(", ".join(sorted({*self._seen, *filter(None, words)})[:SHOWN]))
            codes[index] = self._seen.index(words[index])
        found: npt.NDArray[np.int8] = codes[indices]
        return found

    def _not_binary(self, shown: str) -> WorkloadError:
        return WorkloadError(
            Reason.TARGET_NOT_BINARY,
            f"target.column: column {self._column} has values such as {shown}; BinaryClassification needs true and"
            " false, 0 and 1, or two strings",
        )


def _is_plain_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))

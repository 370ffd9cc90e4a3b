"""The Open Inference Protocol v2 (JSON, and its binary extension) and V1: bodies to tensors, scores to bodies."""

import gc
import math
import re
import struct
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from reprlib import repr as _told  # what came can be of any length and depth
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from springtide_workloads.serving.refusal import RefusedError
from springtide_workloads.serving.tensors import Array, Tensor

DTYPES: Mapping[str, np.dtype[Any]] = {
    name: np.dtype(kind)
    for name, kind in {
        "BOOL": "?", "INT8": "<i1", "INT16": "<i2", "INT32": "<i4", "INT64": "<i8", "UINT8": "<u1", "UINT16": "<u2",
        "UINT32": "<u4", "UINT64": "<u8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8", "BYTES": "O",
    }.items()
}  # fmt: skip
OUTPUT = "probability"
HEADER_LENGTH = "inference-header-content-length"
EVENT_TIME = "event_time"
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LEAD = timedelta(minutes=5)
"""So much may a client's clock be ahead."""
ID_LENGTH = 256
LENGTH = re.compile(r"[0-9]{1,18}")
LENGTH_TOLD = 20

NUMBERS = frozenset({int, float, bool})
JSON_TYPES: Mapping[str, frozenset[type]] = {
    "b": frozenset({bool}), "i": NUMBERS, "u": NUMBERS, "f": NUMBERS | {type(None)}, "O": frozenset({str, type(None)}),
}  # fmt: skip
"""What JSON may have in a tensor, by numpy's kind of it. A number is any that has exactly this value as the datatype
has it, but for the precision of floating point; null is NaN there, and can be in no integer."""

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Request:
    """A request.

    id: as the client gave it, or one of our own. time: when what it tells of happened, as the client says, or now.
    binary: whether the answer shall be.
    """

    tensors: tuple[Tensor, ...]
    id: str
    time: datetime
    binary: bool = False


@dataclass
class _TextLeft:
    """How many bytes of text a request may still have: each becomes several of objects."""

    size: int

    def take(self, size: int) -> None:
        self.size -= size
        if self.size < 0:
            raise RefusedError("the request has too much JSON and BYTES; send fewer rows at once", code=413)


def read_v2(body: bytes, *, header_length: str | None, most_text: int) -> Request:
    """A v2 request. Raises RefusedError.

    header_length: value of the header that makes it a binary one. most_text: bytes of JSON and BYTES that it may have.
    """
    head, rest = _parts(body, header_length)
    text = _TextLeft(most_text)
    text.take(len(head))
    document = _object(head)
    inputs = document.get("inputs")
    if not isinstance(inputs, list):
        raise RefusedError("the request has no list `inputs`")
    tensors, place = [], 0
    for item in inputs:
        tensor, size = _tensor(item, rest, place, text=text)
        tensors.append(tensor)
        place += size
    if place != len(rest):
        raise RefusedError(f"{len(rest)} bytes of tensors follow the JSON, but its inputs describe {place}")
    return Request(
        tuple(tensors),
        id=_identity(document.get("id")),
        time=_event_time(document),
        binary=_wants_binary(document),
    )


def read_v1(body: bytes) -> Request:
    """A V1 request: `instances` as rows, each a list of all features or an object of them. Raises RefusedError."""
    instances = _object(body).get("instances")
    if not isinstance(instances, list) or not instances:
        raise RefusedError("the request has no rows in `instances`")
    if all(isinstance(row, dict) for row in instances):
        names = instances[0].keys()
        if any(row.keys() != names for row in instances):
            raise RefusedError("the rows in `instances` do not all have the same features")
        tensors = tuple(Tensor(name, _values(name, [row[name] for row in instances])) for name in names)
    else:
        tensors = (Tensor("instances", _matrix(instances)),)
    return Request(tensors, id=_identity(), time=datetime.now(UTC))


def write_v2(scores: Scores, *, model: str, version: str, request: Request) -> tuple[bytes, dict[str, str]]:
    """Body and headers of the answer."""
    output: dict[str, Any] = {"name": OUTPUT, "shape": [scores.size], "datatype": "FP64"}
    answer: dict[str, Any] = {"id": request.id, "model_name": model, "model_version": version, "outputs": [output]}
    if not request.binary:
        output["data"] = scores
        return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY), {"content-type": "application/json"}
    raw = scores.astype("<f8", copy=False).tobytes()
    output["parameters"] = {"binary_data_size": len(raw)}
    head = orjson.dumps(answer)
    return head + raw, {"content-type": "application/octet-stream", HEADER_LENGTH: str(len(head))}


def write_v1(scores: Scores) -> tuple[bytes, dict[str, str]]:
    """Body and headers of the answer."""
    return orjson.dumps({"predictions": scores}, option=orjson.OPT_SERIALIZE_NUMPY), {
        "content-type": "application/json"
    }


def _parts(body: bytes, header_length: str | None) -> tuple[memoryview, memoryview]:
    view = memoryview(body)
    if header_length is None:
        return view, view[:0]
    if not LENGTH.fullmatch(header_length) or int(header_length) > len(body):
        raise RefusedError(
            f"Inference-Header-Content-Length is {header_length[:LENGTH_TOLD]}; the body has {len(body)} bytes"
        )
    return view[: int(header_length)], view[int(header_length) :]


def _object(text: bytes | memoryview) -> dict[str, Any]:
    gc.disable()  # there is no garbage in it, but millions of lists would have it looked for, for seconds
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise RefusedError(f"the request is not valid JSON: {error}") from error
    finally:
        gc.enable()
    if not isinstance(document, dict):
        raise RefusedError("the request is not a JSON object")
    return document


def _tensor(item: Any, rest: memoryview, place: int, *, text: _TextLeft) -> tuple[Tensor, int]:
    """An input, and how many bytes of the rest, from `place` on, are its own."""
    if not isinstance(item, dict) or not isinstance(item.get("name"), str):
        raise RefusedError("an input has no name")
    name, datatype = item["name"], item.get("datatype")
    dtype = DTYPES.get(datatype) if isinstance(datatype, str) else None
    if dtype is None:
        raise RefusedError(f"input {name} has datatype {_told(datatype)}; known are {', '.join(DTYPES)}")
    shape = _shape(item)
    parameters = item.get("parameters") or {}
    size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
    if size is None:
        values, size = _listed(name, item.get("data"), dtype), 0
    else:
        values = _binary(name, rest, place, size=size, dtype=dtype, text=text)
    expected = math.prod(shape)
    if values.size != expected:
        raise RefusedError(f"input {name} has shape {list(shape)}, which is {expected} values, but {values.size} came")
    return Tensor(name, values if len(shape) == 1 else values.reshape(shape)), size


def _shape(item: dict[str, Any]) -> tuple[int, ...]:
    shape = item.get("shape")
    if (
        not isinstance(shape, list)
        or not 1 <= len(shape) <= 2
        or {*map(type, shape)} != {int}
        or not 0 <= min(shape) <= max(shape) < 1 << 31
    ):
        raise RefusedError(f"input {item['name']} has shape {_told(shape)}; it must be [rows] or [rows, columns]")
    return tuple(shape)


def _listed(name: str, data: Any, dtype: np.dtype[Any]) -> Array:
    if not isinstance(data, list):
        raise RefusedError(f"input {name} has neither a list `data` nor a binary_data_size")
    flat, types = _flat(f"input {name}", data)
    if types - JSON_TYPES[dtype.kind]:
        raise RefusedError(f"input {name} has values that are not {'text' if dtype.hasobject else dtype.name}")
    try:
        if float not in types or dtype.kind == "f":
            return np.array(flat, dtype)
        numbers = np.array(flat, np.float64)
    except OverflowError as error:
        raise RefusedError(f"input {name} has values that are not {dtype.name}: {error}") from error
    with np.errstate(invalid="ignore"):
        whole: Array = numbers.astype(dtype)
    if not np.array_equal(whole, numbers):
        raise RefusedError(f"input {name} has values that are not {dtype.name}")
    return whole


def _flat(what: str, data: list[Any]) -> tuple[list[Any], set[type]]:
    """Values row by row, as a list or as lists of equal length, and of which types they are."""
    types = {*map(type, data)}
    if list not in types:
        return data, types
    if len(types) > 1 or len({*map(len, data)}) > 1:
        raise RefusedError(f"{what} has rows that are not all lists of equal length")
    flat = [*chain.from_iterable(data)]
    return flat, {*map(type, flat)}


def _binary(name: str, rest: memoryview, place: int, *, size: Any, dtype: np.dtype[Any], text: _TextLeft) -> Array:
    left = len(rest) - place
    if type(size) is not int or not 0 <= size <= left:
        raise RefusedError(f"input {name} has binary_data_size {_told(size)}, but {left} bytes are left")
    if dtype.hasobject:
        text.take(size)
        return _texts(name, rest[place : place + size])
    count, over = divmod(size, dtype.itemsize)
    if over:
        raise RefusedError(f"input {name} has {size} bytes, which are no whole {dtype.name} values")
    return np.frombuffer(rest, dtype, count, place) if count else np.empty(0, dtype)


def _texts(name: str, raw: memoryview) -> Array:
    found: list[str] = []
    place = 0
    while place < len(raw):
        if place + 4 > len(raw):
            raise RefusedError(f"input {name} ends within a length")
        (length,) = struct.unpack_from("<I", raw, place)
        end = place + 4 + length
        if end > len(raw):
            raise RefusedError(f"input {name} ends within a value")
        try:
            found.append(str(raw[place + 4 : end], "utf-8"))
        except UnicodeDecodeError as error:
            raise RefusedError(f"input {name} has a value that is not UTF-8") from error
        place = end
    return np.array(found, dtype=object)


def _identity(value: Any = None) -> str:
    if value in (None, ""):
        return uuid.uuid4().hex
    if not isinstance(value, str) or len(value) > ID_LENGTH:
        raise RefusedError(f"the request's id must be text of at most {ID_LENGTH} characters")
    return value


def _event_time(document: dict[str, Any]) -> datetime:
    now = datetime.now(UTC)
    parameters = document.get("parameters")
    said = parameters.get(EVENT_TIME) if isinstance(parameters, dict) else None
    if said is None:
        return now
    try:
        time = datetime.fromisoformat(said).astimezone(UTC) if datetime.fromisoformat(said).tzinfo else None
    except (ValueError, TypeError, OverflowError):
        time = None
    if time is None:
        raise RefusedError(f"parameter {EVENT_TIME} is {_told(said)}; it must be a time such as 2026-03-01T12:00:00Z")
    if not EARLIEST <= time <= now + LEAD:
        # One row of the future would end the windows of everybody who watches the model.
        raise RefusedError(f"parameter {EVENT_TIME} is {said}; it must lie between 1970 and now")
    return time


def _wants_binary(document: dict[str, Any]) -> bool:
    parameters, outputs = document.get("parameters"), document.get("outputs")
    if isinstance(parameters, dict) and parameters.get("binary_data_output"):
        return True
    wishes = [item.get("parameters") for item in outputs if isinstance(item, dict)] if isinstance(outputs, list) else []
    return any(isinstance(wish, dict) and wish.get("binary_data") for wish in wishes)


def _values(name: str, values: Sequence[Any]) -> Array:
    types = {*map(type, values)}
    if types <= JSON_TYPES["O"] or types == {bool}:
        return np.array(values, dtype=object)
    return _numbers(f"feature {name}", values, types)


def _matrix(rows: list[Any]) -> Array:
    flat, types = _flat("`instances`", rows)
    if flat is rows:
        raise RefusedError("a row in `instances` must be a list or an object, and all of them the same")
    return _numbers("`instances`, where rows are lists,", flat, types).reshape(len(rows), -1)


def _numbers(what: str, values: Sequence[Any], types: set[type]) -> Array:
    if types - JSON_TYPES["f"]:
        raise RefusedError(f"{what} has values that are not all numbers; a text feature is sent by name, all as text")
    return np.array(values, dtype=np.float64)

"""Whole HTTP requests for predictions, byte for byte: the ways in which the Open Inference Protocol lets one ask."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

Values = npt.NDArray[np.float32]
MODEL = "wide"


@dataclass(frozen=True)
class Way:
    """A way to ask. binary: tensors follow the JSON. by_name: a tensor for each feature, instead of one of all."""

    binary: bool
    by_name: bool

    def __str__(self) -> str:
        return f"{'binary' if self.binary else 'JSON'}, {'a tensor a feature' if self.by_name else 'one tensor'}"


def http_request(way: Way, values: Values) -> bytes:
    """A request for the scores of (rows, features)."""
    add = _binary if way.binary else _listed
    if way.by_name:
        columns = [(f"x{number}", np.ascontiguousarray(values[:, number])) for number in range(values.shape[1])]
    else:
        columns = [("rows", values)]
    inputs, raw = [], b""
    for name, tensor in columns:
        item, part = add(tensor)
        inputs.append({"name": name, "shape": list(tensor.shape), "datatype": "FP32", **item})
        raw += part
    # The stock server makes a table of named tensors only if it is told that they are one.
    parameters = {"binary_data_output": way.binary} | ({"content_type": "pd"} if way.by_name else {})
    document = orjson.dumps({"inputs": inputs, "parameters": parameters}, option=orjson.OPT_SERIALIZE_NUMPY)
    kind = "application/octet-stream" if way.binary else "application/json"
    head = [
        f"POST /v2/models/{MODEL}/infer HTTP/1.1",
        "host: 127.0.0.1",
        f"content-type: {kind}",
        f"content-length: {len(document) + len(raw)}",
    ]
    if way.binary:
        head.append(f"inference-header-content-length: {len(document)}")
    return "\r\n".join([*head, "", ""]).encode() + document + raw


def read_scores(headers: dict[str, str], body: bytes) -> npt.NDArray[np.float64]:
    """The scores of an answer."""
    length = headers.get("inference-header-content-length")
    if length is not None:
        return np.frombuffer(body[int(length) :], dtype="<f8")
    return np.array(orjson.loads(body)["outputs"][0]["data"])


def _binary(tensor: Values) -> tuple[dict[str, Any], bytes]:
    raw = tensor.tobytes()
    return {"parameters": {"binary_data_size": len(raw)}}, raw


def _listed(tensor: Values) -> tuple[dict[str, Any], bytes]:
    return {"data": tensor.reshape(-1)}, b""

"""A real server over HTTP: what it answers, what it refuses in words, and how it begins and ends."""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import httpx
import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from springtide.api.serving import DRAIN_PATH, SERVING_VARIABLE, InferenceLogging, Serving
from springtide_workloads.model.folder import load_model
from springtide_workloads.model.golden import read_golden

from tests.workloads.builders import Place, a_task, do
from tests.workloads.serving.running import running

URL = "/v2/models/pd/infer"
PATHS = {"V2 JSON": URL, "V2 binary": URL, "V1": "/v1/models/pd:predict"}


@dataclass
class Server:
    """A server of this machine, in a process of its own."""

    process: subprocess.Popen[bytes]
    client: httpx.Client
    folder: Path
    log: Path

    @cached_property
    def golden(self):
        signature = load_model(self.folder).signature
        return read_golden(self.folder, signature=signature)

    def inputs(self, *, rows: int = 3) -> list[dict]:
        batch, _, _ = self.golden
        return [_input(name, batch.column(name).to_pylist()[:rows]) for name in batch.schema.names]

    def ask(self, inputs: list[dict], **fields) -> httpx.Response:
        return self.client.post(URL, json={"inputs": inputs, **fields})

    def whole(self, protocol: str) -> bytes:
        """The body of a request about three rows."""
        if protocol == "V2 binary":
            return b"".join(_binary(self.inputs()))
        if protocol == "V2 JSON":
            return json.dumps({"inputs": self.inputs()}).encode()
        rows = [{item["name"]: item["data"][row] for item in self.inputs()} for row in range(3)]
        return json.dumps({"instances": rows}).encode()

    def headers(self, protocol: str) -> dict[str, str]:
        head = len(_binary(self.inputs())[0])
        return {"inference-header-content-length": str(head)} if protocol == "V2 binary" else {}

    def send(self, protocol: str, body: bytes) -> httpx.Response:
        return self.client.post(PATHS[protocol], content=body, headers=self.headers(protocol))

    def faults(self) -> float:
        """How many requests it could not answer by its own fault."""
        lines = self.client.get("/metrics").text.splitlines()
        mark = 'springtide_server_requests_total{outcome="server_error"} '
        return sum(float(line.removeprefix(mark)) for line in lines if line.startswith(mark))


def _binary(inputs: list[dict]) -> tuple[bytes, bytes]:
    """The two parts of a request whose tensors come as bytes."""
    head, raw = [], b""
    for item in inputs:
        if item["datatype"] == "BYTES":
            values = [(value or "").encode() for value in item["data"]]
            part = b"".join(struct.pack("<I", len(value)) + value for value in values)
        else:
            part = np.array(item["data"], dtype="<f8").tobytes()
        head.append(
            {key: item[key] for key in ("name", "shape", "datatype")} | {"parameters": {"binary_data_size": len(part)}}
        )
        raw += part
    return json.dumps({"inputs": head, "parameters": {"binary_data_output": True}}).encode(), raw


def _input(name: str, values: list) -> dict:
    text = any(isinstance(value, str) for value in values)
    kind = "BYTES" if text else "FP64"
    data = values if text else [None if value is None else float(value) for value in values]
    return {"name": name, "shape": [len(values)], "datatype": kind, "data": data}


@pytest.fixture(scope="module", params=["gbdt", "mlp"])
def server(request, loans, tracking_uri, tmp_path_factory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp(request.param)
    result = do(a_task(Place(root=root, tracking_uri=tracking_uri), loans, recipe=request.param), root)
    serving = Serving(
        model_name="pd",
        version="7",
        store_uri=(root / "artifacts").as_uri(),
        digest=result.model.digest,
        max_body_bytes=1 << 20,
        max_text_bytes=1 << 18,
        connection_requests=50,
        forget_seconds=0.5,
        log=InferenceLogging(uri=(root / "log").as_uri(), retention_seconds=86_400, flush_seconds=60),
    )
    with running(serving) as (process, client):
        yield Server(process, client, Path(result.model.uri.removeprefix("file://")), log=root / "log")


def test_golden_requests_are_answered_as_when_it_was_trained(server):
    _, expected, tolerance = server.golden
    answer = server.ask(server.inputs(rows=len(expected)), id="one").json()
    assert (answer["id"], answer["model_name"], answer["model_version"]) == ("one", "pd", "7")
    (output,) = answer["outputs"]
    assert (output["name"], output["shape"], output["datatype"]) == ("probability", [len(expected)], "FP64")
    assert np.abs(np.array(output["data"]) - expected).max() <= tolerance


def test_the_binary_extension_says_the_same(server):
    plain = server.ask(server.inputs()).json()["outputs"][0]["data"]
    answer = server.send("V2 binary", server.whole("V2 binary"))
    length = int(answer.headers["inference-header-content-length"])
    size = json.loads(answer.content[:length])["outputs"][0]["parameters"]["binary_data_size"]
    assert np.frombuffer(answer.content[length:], dtype="<f8").tolist() == plain
    assert size == len(answer.content) - length


def test_v1_says_the_same(server):
    plain = server.ask(server.inputs()).json()["outputs"][0]["data"]
    assert server.send("V1", server.whole("V1")).json()["predictions"] == plain


def test_a_missing_an_unknown_and_a_short_feature_are_named(server):
    inputs = server.inputs()
    name = inputs[0]["name"]
    assert f"feature {name} is missing" in _refusal(server.ask(inputs[1:]))
    assert "feature nonsense is not known to the model" in _refusal(
        server.ask([*inputs, _input("nonsense", [1, 2, 3])])
    )
    short = inputs[0] | {"shape": [2], "data": inputs[0]["data"][:2]}
    assert "has 3 rows" in _refusal(server.ask([short, *inputs[1:]]))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "no list `inputs`"),
        (b'{"inputs": []}', "no inputs"),
        (b'{"inputs": [{}]}', "an input has no name"),
        (b'{"inputs": [{"name": "x"}]}', "input x has datatype None"),
        (b'{"inputs": [{"name": "x", "datatype": "FP64"}]}', "input x has shape None"),
        (
            b'{"inputs": [{"name": "x", "datatype": "FP64", "shape": [2], "data": [1]}]}',
            "which is 2 values, but 1 came",
        ),
        (b'{"inputs": [{"name": "x", "datatype": "FP64", "shape": [1], "data": ["a"]}]}', "not float64"),
        (b'{"inputs": [{"name": "x", "datatype": "FP64", "shape": [9999999999], "data": []}]}', "has shape"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(body: bytes, says: str, server):
    assert says in _refusal(server.client.post(URL, content=body))


def test_a_truncated_binary_request_is_refused(server):
    text = b'{"inputs": [{"name": "x", "datatype": "FP64", "shape": [2], "parameters": {"binary_data_size": 16}}]}'
    headers = {"inference-header-content-length": str(len(text))}
    assert "but 8 bytes are left" in _refusal(server.client.post(URL, content=text + b"12345678", headers=headers))
    headers = {"inference-header-content-length": "9999"}
    assert "the body has" in _refusal(server.client.post(URL, content=text, headers=headers))


@pytest.mark.parametrize("protocol", PATHS)
def test_a_large_request_is_refused(server, protocol: str):
    limit = 1 << 20 if protocol == "V2 binary" else 1 << 18
    answer = server.send(protocol, server.whole(protocol).ljust(limit + 1))
    assert answer.status_code == 413
    assert f"larger than {limit} bytes" in answer.json()["error"]


@pytest.mark.parametrize("protocol", PATHS)
def test_a_request_that_is_cut_off_anywhere_is_refused(server, protocol: str):
    body = server.whole(protocol)
    for size in range(0, len(body), len(body) // 40):
        assert _refusal(server.send(protocol, body[:size]))
    assert server.send(protocol, body).status_code == 200


@pytest.mark.parametrize("protocol", PATHS)
def test_a_client_that_goes_in_the_middle_of_its_request_harms_nobody(server, protocol: str):
    body = server.whole(protocol)
    fields = {"host": "pd", "content-length": str(len(body))} | server.headers(protocol)
    lines = [f"POST {PATHS[protocol]} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    address = (server.client.base_url.host, server.client.base_url.port)
    with socket.create_connection(address, timeout=10) as client:
        client.sendall("\r\n".join(lines).encode() + body[: len(body) // 2])
    assert server.send(protocol, body).status_code == 200
    assert server.faults() == 0


@settings(max_examples=150, deadline=None)
@given(
    protocol=st.sampled_from(sorted(PATHS)),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=3)), min_size=1, max_size=6),
)
def test_whatever_bytes_change_on_the_way_the_server_answers_or_refuses(server, protocol: str, changes):
    body = bytearray(server.whole(protocol))
    for place, new in changes:
        start = int(place * len(body))
        body[start : start + len(new)] = new
    answer = server.send(protocol, bytes(body))
    assert answer.status_code == 200 or 400 <= answer.status_code < 500, answer.text
    assert server.faults() == 0


def test_another_model_is_not_found(server):
    answer = server.client.post("/v2/models/other/infer", json={"inputs": []})
    assert answer.status_code == 404
    assert "there is no model other here, but pd, version 7" in answer.json()["error"]


def test_metadata_names_the_features(server):
    metadata = server.client.get("/v2/models/pd").json()
    assert [item["name"] for item in metadata["inputs"]] == [item["name"] for item in server.inputs()]


def test_requests_times_and_scores_are_counted(server):
    server.ask(server.inputs())
    text = server.client.get("/metrics").text
    assert 'springtide_server_requests_total{outcome="ok"}' in text
    assert "springtide_server_request_seconds_bucket" in text
    assert "springtide_server_scores_total" in text


def test_a_kept_connection_is_ended_after_a_while(server):
    answers = [server.ask(server.inputs()).headers.get("connection") for _ in range(110)]
    assert 1 <= answers.count("close") <= 3


def test_a_model_whose_files_are_not_there_is_not_served(tmp_path):
    serving = Serving(model_name="pd", version="7", store_uri=tmp_path.as_uri(), digest="sha256:" + "0" * 64)
    told = tmp_path / "told"
    environment = {SERVING_VARIABLE: serving.model_dump_json(by_alias=True), "SPRINGTIDE_TERMINATION_LOG": str(told)}
    done = subprocess.run(
        [sys.executable, "-m", "springtide_workloads", "serve", "--port", "1"],
        env=os.environ | environment, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 64
    assert json.loads(told.read_text())["reason"] == "DigestMismatch"


def test_while_it_drains_every_answer_ends_its_connection(server):
    with ThreadPoolExecutor(1) as kubelet:
        drained = kubelet.submit(httpx.get, str(server.client.base_url.join(DRAIN_PATH)), trust_env=False)
        seen = set()
        while not drained.done():
            seen.add(server.ask(server.inputs()).headers.get("connection"))
    assert drained.result().status_code == 200
    assert "close" in seen
    assert server.ask(server.inputs()).headers.get("connection") is None


@pytest.mark.parametrize(
    "said", ["yesterday", "2018-03-01T12:00:00", 7, "9999-01-01T00:00:00Z", "1815-06-18T20:00:00Z"]
)
def test_an_event_time_that_cannot_be_is_refused(said, server):
    assert str(said) in _refusal(server.ask(server.inputs(), parameters={"event_time": said}))


def test_an_answer_has_the_requests_id_or_one_of_its_own(server):
    ids = {server.ask(server.inputs()).json()["id"] for _ in range(3)}
    assert len(ids - {""}) == 3
    assert "at most 256 characters" in _refusal(server.ask(server.inputs(), id="x" * 257))


def test_sigterm_ends_it_after_what_is_under_way_and_the_log_has_all_rows(server):
    scores = server.ask(server.inputs(), id="last", parameters={"event_time": "2018-03-01T13:30:00+01:00"}).json()
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=30) == 0
    (folder,) = (server.log / "date=2018-03-01").iterdir()
    assert folder.name == "hour=12"
    (path,) = folder.iterdir()
    rows = pq.read_table(path).to_pylist()
    assert [(row["request_id"], row["row"], row["model_version"]) for row in rows] == [
        ("last", n, "7") for n in range(3)
    ]
    expected = {item["name"]: item["data"][0] for item in server.inputs()}
    assert {name: rows[0][name] for name in expected} == pytest.approx(expected, nan_ok=True)
    assert [row["prediction"] for row in rows] == pytest.approx(scores["outputs"][0]["data"])


def _refusal(answer: httpx.Response) -> str:
    assert answer.status_code == 400, answer.text
    return str(answer.json()["error"])

"""A server with the limits that the operator gives it never needs more memory than our examples allow it."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from springtide.api.serving import Serving
from springtide_workloads.serving.bodies import Room, read_body
from springtide_workloads.serving.refusal import RefusedError

from tests.workloads.builders import Place, a_task, do
from tests.workloads.serving.running import running

MEBIBYTE = 1 << 20
ALLOWED = 1024 * MEBIBYTE
"""See `resources.limits.memory` of examples/model-service.yaml."""
URL, V1 = "/v2/models/pd/infer", "/v1/models/pd:predict"


@dataclass
class Server:
    """With what it needs most: its own largest resident memory."""

    process: subprocess.Popen[bytes]
    client: httpx.Client

    def peak(self) -> int:
        """In bytes."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        (found,) = (line.split()[1] for line in lines if line.startswith("VmHWM"))
        return int(found) * 1024

    def send(self, body: bytes | Iterator[bytes], *, path: str = URL, head: int | None = None) -> httpx.Response:
        """head: the bytes of JSON before the tensors."""
        headers = {"inference-header-content-length": str(head)} if head else {}
        return self.client.post(path, content=body, headers=headers)


@pytest.fixture(scope="module")
def server(loans, tracking_uri, tmp_path_factory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("bodies")
    result = do(a_task(Place(root=root, tracking_uri=tracking_uri), loans, recipe="gbdt"), root)
    store = (root / "artifacts").as_uri()
    serving = Serving(model_name="pd", version="7", store_uri=store, digest=result.model.digest)
    with running(serving) as (process, client):
        yield Server(process, client)


def filled(start: bytes, item: bytes, end: bytes, *, size: int) -> bytes:
    """JSON of about so many bytes, with as many items as fit."""
    return start + item * ((size - len(start) - len(end)) // len(item) - 1) + item.rstrip(b",") + end


ITEMS = [b"[],", b"{},", b"0,", b"[[]],", b'"word",']


@pytest.mark.parametrize("item", ITEMS)
def test_json_of_the_largest_size_is_survived(item: bytes, server: Server):
    data = b'{"inputs":[{"name":"x","datatype":"BYTES","shape":[1],"data":['
    for start, end in ((b'{"inputs":[', b"]}"), (data, b"]}]}")):
        assert server.send(filled(start, item, end, size=8 * MEBIBYTE)).status_code == 400
    assert server.send(filled(b'{"instances":[', item, b"]}", size=8 * MEBIBYTE), path=V1).status_code in (400, 413)
    assert server.peak() < ALLOWED


def test_larger_json_is_refused_whether_or_not_it_says_how_long_it_is(server: Server):
    body = filled(b'{"inputs":[', b"[],", b"]}", size=64 * MEBIBYTE)
    chunks = (body[start : start + MEBIBYTE] for start in range(0, len(body), MEBIBYTE))
    for sent in (body, chunks):
        answer = server.send(sent)
        assert answer.status_code == 413
        assert "larger than 8388608 bytes; send fewer rows at once, or their tensors as bytes" in answer.json()["error"]
    assert server.send(body, head=len(body)).status_code == 413
    assert server.send(body, path=V1, head=10).status_code == 413
    assert server.peak() < ALLOWED


@pytest.mark.parametrize(("datatype", "width"), [("INT8", 1), ("FP32", 4), ("FP64", 8), ("BYTES", 4)])
def test_tensors_of_the_largest_size_are_survived(datatype: str, width: int, server: Server):
    metadata = server.client.get("/v2/models/pd").json()
    names = [item["name"] for item in metadata["inputs"]]
    rows = (63 * MEBIBYTE) // width // len(names)
    inputs = [
        {"name": name, "datatype": datatype, "shape": [rows], "parameters": {"binary_data_size": rows * width}}
        for name in names
    ]
    head = json.dumps({"inputs": inputs}).encode()
    assert server.send(head + bytes(rows * width * len(names)), head=len(head)).status_code in (400, 413)
    assert server.peak() < ALLOWED


def test_many_at_once_are_survived_and_those_without_room_are_told_to_ask_again(server: Server):
    start = b'{"inputs":[{"name":"x","datatype":"BYTES","shape":[1],"data":['
    answers = at_once(server, filled(start, b'"word",', b"]}]}", size=8 * MEBIBYTE), times=12)
    assert {answer.status_code for answer in answers} <= {400, 429}
    assert all(answer.headers.get("retry-after") == "1" for answer in answers if answer.status_code == 429)
    assert server.peak() < ALLOWED
    assert server.send(b"{}").status_code == 400, "there is room again"


def test_large_batches_are_answered_also_several_at_once(server: Server):
    features = server.client.get("/v2/models/pd").json()["inputs"]
    widths = {item["name"]: 4 if item["datatype"] == "BYTES" else 8 for item in features}  # empty words; zeros
    rows = 24 * MEBIBYTE // sum(widths.values())
    inputs = [
        {**item, "shape": [rows], "parameters": {"binary_data_size": rows * widths[item["name"]]}} for item in features
    ]
    head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    body = head + bytes(rows * sum(widths.values()))
    answer = server.send(body, head=len(head))
    assert answer.status_code == 200, answer.text
    codes = [answer.status_code for answer in at_once(server, body, times=4, head=len(head))]
    assert set(codes) <= {200, 429}
    assert 200 in codes
    assert server.peak() < ALLOWED


def at_once(server: Server, body: bytes, *, times: int, head: int | None = None) -> list[httpx.Response]:
    with ThreadPoolExecutor(times) as clients:
        return [*clients.map(lambda _: server.send(body, head=head), range(times))]


def test_a_request_has_its_share_of_the_room_until_it_is_answered():
    room = Room(body=100, text=10)
    with room.share() as one, room.share() as other:
        one.take(200)
        with pytest.raises(RefusedError, match="ask again") as refused:
            other.take(101)
        assert refused.value.code == 429, "others hold the room"
        with pytest.raises(RefusedError, match="send fewer") as refused:
            one.take(101)
        assert refused.value.code == 413, "there is never so much room"
    assert room.held == 0


def test_a_body_that_does_not_come_to_its_end_gives_its_share_back():
    messages = [{"type": "http.request", "body": b"12345", "more_body": True}]

    async def receive():
        if messages:
            return messages.pop()
        return await asyncio.Event().wait()

    room = Room(body=100, text=10)
    with pytest.raises(RefusedError, match=r"not whole after 0\.01 seconds") as refused, room.share() as share:
        asyncio.run(read_body(receive, {}, share=share, is_text=True, seconds=0.01))
    assert refused.value.code == 408
    assert (share.held, room.held) == (50, 0), "a byte of text counts as much more as its limit is lower"

"""The inference log: what was answered can be read afterwards, whatever else fails nothing waits for it."""

import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
import pytest
import s3fs
from hypothesis import given
from hypothesis import strategies as st
from springtide.api.serving import InferenceLogging
from springtide_workloads.data.encoding import Encoded
from springtide_workloads.data.signature import FeatureSignature, Signature
from springtide_workloads.errors import WorkloadError
from springtide_workloads.serving import inference_log
from springtide_workloads.serving.inference_log import InferenceLog
from springtide_workloads.serving.log_block import Answered, Block
from springtide_workloads.serving.log_file import Model, check_names
from springtide_workloads.serving.log_losses import HOUR, MINUTE, read_metadata
from springtide_workloads.serving.log_retention import remove_old_files
from springtide_workloads.serving.tensors import Rows

DIGEST = "sha256:" + "7" * 64
SIGNATURE = Signature(
    features=(
        FeatureSignature(name="grade", kind="Category", type="string", categories=("A", "B")),
        FeatureSignature(name="income", kind="Number", type="double"),
        FeatureSignature(name="state", kind="Category", type="int64", categories=("1", "2")),
    ),
    target="defaulted",
    negative="0",
    positive="1",
    wide_numbers=False,
)
MARCH = int(datetime(2018, 3, 1, 12, 30, tzinfo=UTC).timestamp()) * 1_000_000


class Log:
    """A log in a folder, and what it counted."""

    def __init__(self, folder: Path, **settings) -> None:
        self.folder = folder
        self.counts: dict[str, int] = {}
        self.counted = threading.Event()
        values = {"uri": folder.as_uri(), "retention_seconds": 86_400, "flush_seconds": 0.05} | settings
        model = Model(SIGNATURE, digest=DIGEST, version="7")
        self.log = InferenceLog(InferenceLogging(**values), model=model, count=self._count)

    def _count(self, rows: int, outcome: str) -> None:
        self.counts[outcome] = self.counts.get(outcome, 0) + rows
        self.counted.set()

    def offer(self, request: str, *, rows: int = 2, at: int = MARCH) -> None:
        self.log.offer(answered(request, rows=rows, at=at))

    def read(self) -> pa.Table:
        self.log.close(seconds=10)
        files = sorted(str(path) for path in self.folder.rglob("*.parquet"))
        return pa.concat_tables([pads.dataset(path).to_table() for path in files])


def until(condition: Callable[[], object], *, what: object = "") -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.001)


def answered(request: str, *, rows: int = 2, at: int = MARCH) -> Answered:
    numbers = np.arange(rows, dtype=np.float32).reshape(1, rows)
    codes = np.zeros((2, rows), dtype=np.int32)
    words = (pa.array(["A", None] * rows).slice(0, rows), pa.array([1.0, float("nan")] * rows).slice(0, rows))
    return Answered(request, at, Rows(Encoded(numbers, codes), words), np.full(rows, 0.25))


def test_each_row_can_be_read_under_its_features_names(tmp_path):
    log = Log(tmp_path)
    log.offer("one")
    log.offer("two", rows=1)
    rows = log.read().to_pylist()
    assert rows[0] == {
        "request_id": "one", "row": 0, "time": datetime(2018, 3, 1, 12, 30, tzinfo=UTC), "model_digest": DIGEST,
        "model_version": "7", "income": 0.0, "grade": "A", "state": "1", "prediction": 0.25,
    }  # fmt: skip
    assert [(row["request_id"], row["row"], row["grade"], row["state"]) for row in rows] == [
        ("one", 0, "A", "1"), ("one", 1, None, None), ("two", 0, "A", "1"),
    ]  # fmt: skip
    assert log.counts == {"written": 3}


def test_rows_lie_in_the_folder_of_their_hour(tmp_path):
    log = Log(tmp_path, flush_seconds=60)
    for request, at in (("one", MARCH), ("two", MARCH + HOUR), ("three", MARCH)):
        log.offer(request, at=at)
    log.log.close(seconds=10)
    folders = sorted(str(path.parent.relative_to(tmp_path)) for path in tmp_path.rglob("*.parquet"))
    assert folders == ["date=2018-03-01/hour=12", "date=2018-03-01/hour=13"]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 40)), max_size=30))
def test_every_row_is_written_once(tmp_path_factory, requests):
    log = Log(tmp_path_factory.mktemp("log"), flush_seconds=0.001)
    for number, (hour, rows) in enumerate(requests):
        log.offer(str(number), rows=rows, at=MARCH + hour * HOUR)
    expected = [(str(number), row) for number, (_, rows) in enumerate(requests) for row in range(rows)]
    found = log.read().select(["request_id", "row"]).to_pylist() if requests else []
    assert sorted((row["request_id"], row["row"]) for row in found) == sorted(expected)


def keep_at_most(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one block, which is written when it is time."""
    monkeypatch.setattr(inference_log, "BLOCKS", 1)
    monkeypatch.setattr(Block, "of_bytes", lambda signature, _: Block(signature, rows=rows))


def test_what_there_is_no_room_for_is_dropped_and_counted_and_nobody_waits(tmp_path, monkeypatch):
    keep_at_most(3, monkeypatch)
    log = Log(tmp_path, flush_seconds=60)
    log.offer("one")
    log.offer("two")
    assert log.read()["request_id"].to_pylist() == ["one", "one"]
    assert log.counts == {"dropped": 2, "written": 2}


def test_the_files_of_an_hour_tell_which_of_its_minutes_lost_rows(tmp_path, monkeypatch):
    keep_at_most(5, monkeypatch)
    log = Log(tmp_path, flush_seconds=60)
    for at in (MARCH, MARCH + HOUR, MARCH, MARCH, MARCH + MINUTE, MARCH + 2 * HOUR):
        log.offer("one", at=at)
    log.log.close(seconds=10)
    half_past = MARCH // MINUTE
    told = {
        path.parent.name: read_metadata(pq.read_metadata(path).metadata) for path in sorted(tmp_path.rglob("*.parquet"))
    }
    assert told == {"hour=12": {half_past: 4, half_past + 1: 2}, "hour=13": {}, "hour=14": {half_past + 120: 2}}
    assert log.read().num_rows == 4, "of an hour of which nothing could be kept there is a file without rows"
    assert log.counts == {"dropped": 8, "written": 4}


def test_what_a_file_told_of_losses_is_not_told_again(tmp_path, monkeypatch):
    keep_at_most(3, monkeypatch)
    log = Log(tmp_path, flush_seconds=0.5)
    log.offer("one")
    log.offer("lost")
    until(lambda: log.counts.get("written"))
    log.offer("two")
    log.log.close(seconds=10)
    told = [read_metadata(pq.read_metadata(path).metadata) for path in sorted(tmp_path.rglob("*.parquet"))]
    assert told == [{MARCH // MINUTE: 2}, {}]


def test_blocks_are_written_as_they_are_filled_and_used_again(tmp_path, monkeypatch):
    monkeypatch.setattr(inference_log, "SHARE", 1.0)
    monkeypatch.setattr(Block, "of_bytes", lambda signature, _: Block(signature, rows=5))
    log = Log(tmp_path, flush_seconds=60)
    requests = {str(number): 1 + number % 7 for number in range(40)}
    for written, (request, rows) in enumerate(requests.items()):
        log.offer(request, rows=rows)
        until(lambda: log.log._room() >= 7, what=written)
    expected = [(request, row) for request, rows in requests.items() for row in range(rows)]
    found = [(row["request_id"], row["row"]) for row in log.read().select(["request_id", "row"]).to_pylist()]
    assert sorted(found) == sorted(expected)
    assert log.log._blocks <= inference_log.BLOCKS
    assert log.counts == {"written": len(expected)}


def test_rows_are_not_late_for_their_window_however_long_the_files_before_took(tmp_path, monkeypatch):
    monkeypatch.setattr(inference_log, "SHARE", 1e-9)
    monkeypatch.setattr(inference_log, "LONGEST_REST", 0.1)
    log = Log(tmp_path, flush_seconds=0.1)
    for written, request in enumerate(("one", "two"), 1):
        log.offer(request)
        until(lambda rows=2 * written: log.counts.get("written", 0) >= rows, what=request)


def test_a_store_that_is_away_costs_no_row_once_it_is_back(tmp_path):
    place = tmp_path / "store"
    place.write_text("a file where the folder should be")
    log = Log(place)
    log.offer("one")
    until(lambda: log.log._is_failing)
    place.unlink()
    log.offer("two")
    assert log.counted.wait(10)
    assert sorted(log.read()["request_id"].to_pylist()) == ["one", "one", "two", "two"]
    assert log.counts == {"written": 4}


def test_a_store_that_stays_away_is_no_reason_not_to_end(tmp_path):
    place = tmp_path / "store"
    place.write_text("a file where the folder should be")
    log = Log(place, flush_seconds=60)
    log.offer("one")
    log.log.close(seconds=10)
    assert log.counts == {"dropped": 2}


def test_all_servers_choose_the_same_requests(tmp_path):
    half, other, all_of_them = (
        Log(tmp_path / name, sample_fraction=share).log for name, share in (("a", 0.5), ("b", 0.5), ("c", 1.0))
    )
    ids = [f"request-{number}" for number in range(2_000)]
    chosen = [one for one in ids if half.wants(one)]
    assert chosen == [one for one in ids if other.wants(one)]
    assert 900 < len(chosen) < 1_100
    assert all(all_of_them.wants(one) for one in ids)


def test_files_go_when_they_are_old_enough_by_when_they_were_written(tmp_path):
    folder = tmp_path / "date=2018-03-01" / "hour=12"
    folder.mkdir(parents=True)
    for name, age in (("old.parquet", 90_000), (".left.parquet", 90_000), ("new.parquet", 80_000)):
        (folder / name).write_bytes(b"")
        os.utime(folder / name, (time.time() - age,) * 2)
    log = Log(tmp_path)
    until(lambda: not (folder / "old.parquet").exists() and not (folder / ".left.parquet").exists())
    log.log.close(seconds=10)
    assert [path.name for path in folder.iterdir()] == ["new.parquet"]


def test_a_log_in_a_bucket_is_written_and_its_old_files_go(tmp_path, s3):
    uri = f"{s3}/{tmp_path.name}"
    log = Log(tmp_path, uri=uri)
    log.offer("one")
    log.log.close(seconds=30)
    (file,) = s3fs.S3FileSystem().find(uri)
    assert file.startswith(f"lake/{tmp_path.name}/date=2018-03-01/hour=12/")
    with s3fs.S3FileSystem().open(file) as opened:
        assert pq.read_table(opened)["request_id"].to_pylist() == ["one", "one"]
    assert remove_old_files(uri, before=time.time() - 3600) == 0
    assert remove_old_files(uri, before=time.time() + 3600) == 1
    s3fs.S3FileSystem.clear_instance_cache()
    assert s3fs.S3FileSystem().find(uri) == []


def test_a_feature_with_the_name_of_a_column_of_the_log_is_told():
    clash = SIGNATURE.model_copy(
        update={"features": (FeatureSignature(name="prediction", kind="Number", type="double"),)}
    )
    with pytest.raises(WorkloadError, match="feature prediction has the name of a column of the inference log"):
        check_names(clash)
    check_names(SIGNATURE)

"""The process: what it reads, how it ends, what it leaves. Run as in a pod, without a terminal."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from springtide.api.constants import Reason
from springtide.api.task import Owner, RecoverTask, Result, decode_result
from springtide.api.training_run import Recipe

from tests.workloads.builders import Place, a_table, a_task, do, write

COMMAND = [sys.executable, "-m", "springtide_workloads"]


class Pod:
    """A process with a termination message, as a container has one."""

    def __init__(self, task: Any, folder: Path, *, before: tuple[str, ...] = (), **environment: str) -> None:
        self.message = folder / "termination-log"
        self.message.touch()
        text = task if isinstance(task, str) else task.model_dump_json(by_alias=True, exclude_none=True)
        (folder / "tmp").mkdir(exist_ok=True)
        variables = {
            "SPRINGTIDE_TASK": text,
            "SPRINGTIDE_TERMINATION_LOG": str(self.message),
            "TMPDIR": str(folder / "tmp"),
        }
        self.log_path = folder / "log"
        with self.log_path.open("w") as log:
            self.process = subprocess.Popen(
                [*before, *COMMAND, "run"], env=os.environ | variables | environment, stdout=log, stderr=log
            )

    def wait(self, seconds: float = 120) -> int:
        return self.process.wait(timeout=seconds)

    def wait_for(self, words: str, seconds: float = 60) -> None:
        """Until the log has these words."""
        deadline = time.monotonic() + seconds
        while words not in self.log:
            assert self.process.poll() is None, f"ended before {words!r}: {self.log}"
            assert time.monotonic() < deadline, f"no {words!r} in the log within {seconds} s: {self.log}"
            time.sleep(0.02)

    @property
    def log(self) -> str:
        return self.log_path.read_text()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]

    @property
    def result(self) -> Any:
        return decode_result(self.message.read_text())


def test_a_task_ends_with_its_result_in_the_store_in_the_message_and_in_the_exit_code(loans, place, tmp_path):
    task = a_task(place, loans)
    pod = Pod(task, tmp_path)
    assert pod.wait() == 0, pod.log
    assert pod.result.status == "Succeeded"
    assert pod.result.start_time < pod.result.end_time
    assert decode_result(Path(task.result_uri.removeprefix("file://")).read_text()) == pod.result
    assert not list((tmp_path / "tmp").glob("springtide-*")), "the scratch folder is gone"
    assert [event["event"] for event in pod.events if event["event"] == "training"], "progress is logged as JSON lines"


def test_a_users_error_ends_with_64_and_no_traceback(loans, place, tmp_path):
    pod = Pod(a_task(place, loans, target="defalted"), tmp_path)
    assert pod.wait() == 64
    assert pod.result.reason == Reason.COLUMN_NOT_FOUND
    assert "did you mean defaulted?" in pod.result.message
    assert "Traceback" not in pod.log


def test_what_nobody_foresaw_is_told_in_one_line_and_its_traceback_is_in_the_log_only(loans, place, tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "lightgbm.py").write_text("raise RuntimeError('no such\\n  luck')")
    path = os.pathsep.join([str(tmp_path / "broken"), os.environ.get("PYTHONPATH", "")])
    pod = Pod(a_task(place, loans), tmp_path, PYTHONPATH=path)
    assert pod.wait() == 64
    assert pod.result.reason == Reason.TRAINING_FAILED
    assert pod.result.message == "RuntimeError: no such luck"
    assert "Traceback" in pod.log


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("", "there is no task"),
        ("{", "the task is not valid"),
        ('{"operation": "Bake"}', "Bake"),
        ('{"operation": "Train", "storeUri": 3}', "storeUri"),
    ],
)
def test_a_task_that_cannot_be_read_is_an_invalid_spec(task, words, tmp_path):
    pod = Pod(task, tmp_path)
    assert pod.wait() == 64
    assert pod.result.reason == Reason.INVALID_SPEC
    assert words in pod.result.message
    assert len(pod.result.message) <= 1024


def test_sigterm_ends_it_promptly_and_the_result_says_so(place, tmp_path):
    long = Recipe(name="gbdt", parameters={"numRounds": 100_000, "earlyStoppingRounds": 0})
    task = a_task(place, write(a_table(20_000), tmp_path / "data")).model_copy(update={"recipe": long})
    pod = Pod(task, tmp_path)
    pod.wait_for('"event": "training"')
    began = time.monotonic()
    pod.process.send_signal(signal.SIGTERM)
    assert pod.wait() == 143
    assert time.monotonic() - began < 5
    assert (pod.result.reason, pod.result.retryable) == (Reason.INTERRUPTED, True)
    assert not (tmp_path / "artifacts" / "models").exists()
    assert not list((tmp_path / "tmp").glob("springtide-*"))


def test_sigkill_while_training_leaves_nothing_and_the_next_attempt_succeeds(place, tmp_path):
    data = write(a_table(), tmp_path / "data")
    task = a_task(place, data, recipe="mlp", parameters={"epochs": 500, "patience": 0, "hidden": [8]})
    pod = Pod(task, tmp_path)
    pod.wait_for('"event": "training"')
    pod.process.kill()
    pod.wait()
    assert pod.message.read_text() == ""
    assert not (tmp_path / "artifacts" / "models").exists()
    pod = Pod(task.model_copy(update={"recipe": Recipe(name="mlp", parameters={"epochs": 1})}), tmp_path)
    assert pod.wait() == 0, pod.log


def test_a_task_may_come_from_a_file_or_from_standard_input(loans, place, tmp_path):
    task = a_task(place, loans, target="nothing").model_dump_json(by_alias=True)
    (tmp_path / "task.json").write_text(task)
    for source, given in ((tmp_path / "task.json", None), ("-", task)):
        done = subprocess.run(
            [*COMMAND, "run", "--task", source], input=given, text=True, capture_output=True, check=False
        )
        assert done.returncode == 64
        assert "ColumnNotFound" in done.stderr


def test_the_example_task_can_be_run(loans, tmp_path):
    example = [*COMMAND, "example-task", "train", loans, "--target", "defaulted", "--folder", tmp_path / "all"]
    task = subprocess.run(example, check=True, capture_output=True, text=True).stdout
    done = subprocess.run([*COMMAND, "run", "--task", "-"], input=task, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "all" / "mlflow.db").exists()
    assert (tmp_path / "all" / "result.json").exists()


def test_the_recipes_are_listed_with_their_parameters():
    done = subprocess.run([*COMMAND, "recipes"], check=True, capture_output=True, text=True)
    assert {"gbdt", "mlp", "numLeaves", "learningRate"} <= set(done.stdout.split())


def test_boosting_trees_imports_neither_torch_nor_pandas_until_mlflow_does(loans, place, tmp_path):
    """A Job pays only for what it uses: until the first tree none of these seconds."""
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "sitecustomize.py").write_text(
        "import atexit, sys\n"
        "class Watch:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name in ('torch', 'pandas', 'sklearn', 'matplotlib', 'mlflow'):\n"
        "            print('importing', name, file=sys.stderr, flush=True)\n"
        "sys.meta_path.insert(0, Watch())\n"
    )
    path = os.pathsep.join([str(tmp_path / "watch"), os.environ.get("PYTHONPATH", "")])
    pod = Pod(a_task(place, loans), tmp_path, PYTHONPATH=path)
    assert pod.wait() == 0, pod.log
    assert "importing torch" not in pod.log
    before, _, _ = pod.log.partition('"event": "profiling features: done"')
    assert "importing mlflow" not in before
    assert "importing matplotlib" not in before


def test_the_first_line_of_training_comes_within_seconds_of_the_start(loans, place, tmp_path):
    pod = Pod(a_task(place, loans), tmp_path)
    began = time.monotonic()
    pod.wait_for('"event": "training"')
    assert time.monotonic() - began < 8, "half of that is what a busy machine may take"
    pod.process.kill()
    pod.wait()


def test_a_full_disk_is_named_and_nothing_half_written_is_readable(loans, place, tmp_path):
    """A real one: a file system of 150 kB in a namespace of its own."""
    store = tmp_path / "small"
    store.mkdir()
    small = Place(root=tmp_path, tracking_uri=place.tracking_uri, store_uri=store.as_uri())
    script = f'mount -t tmpfs -o size=150k none {store} && "$@"; code=$?; ls -R {store} > {tmp_path}/left; exit $code'
    before = ("unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh")
    if subprocess.run([*before[:3], "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine allows no namespaces")
    pod = Pod(a_task(small, loans), tmp_path, before=before)
    assert pod.wait() == 64, pod.log
    assert pod.result.reason == Reason.DISK_FULL
    assert "volume larger" in pod.result.message
    assert "manifest.json" not in (tmp_path / "left").read_text()


def test_an_mlflow_that_is_not_there_is_worth_waiting_for(loans, place, tmp_path):
    began = time.monotonic()
    pod = Pod(a_task(Place(place.root, "http://127.0.0.1:9"), loans), tmp_path)
    assert pod.wait() == 75
    assert pod.result.reason == Reason.TRACKING_UNAVAILABLE
    assert "http://127.0.0.1:9" in pod.result.message
    assert time.monotonic() - began < 60


def test_an_mlflow_that_never_answers_is_given_up_within_a_minute(loans, place, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        began = time.monotonic()
        pod = Pod(a_task(Place(place.root, f"http://127.0.0.1:{deaf.getsockname()[1]}"), loans), tmp_path)
        assert pod.wait() == 75
    assert pod.result.reason == Reason.TRACKING_UNAVAILABLE
    assert time.monotonic() - began < 60


def test_a_store_that_may_not_be_written_ends_the_task_with_access_denied(loans, place, tmp_path):
    pod = Pod(a_task(Place(place.root, place.tracking_uri, "file:///proc/none"), loans), tmp_path)
    assert pod.wait() == 64
    assert pod.result.reason == Reason.ACCESS_DENIED


@pytest.mark.usefixtures("s3")
def test_everything_may_lie_in_s3(loans, place, tmp_path):
    import s3fs

    s3fs.S3FileSystem().put(loans.removeprefix("file://") + "/", "lake/loans/", recursive=True)
    elsewhere = Place(place.root, place.tracking_uri, "s3://lake/artifacts")
    task = a_task(elsewhere, "s3://lake/loans", recipe="gbdt", memoize=False)
    pod = Pod(task, tmp_path)
    assert pod.wait() == 0, pod.log
    first = pod.result
    local = do(a_task(place, loans, memoize=False), tmp_path)
    assert first.inputs == local.inputs, "equal data, wherever it lies"
    assert first.model.digest == local.model.digest
    again = Pod(a_task(elsewhere, "s3://lake/loans/*.parquet"), tmp_path)
    assert again.wait() == 0, again.log
    assert again.result.reason == Reason.MEMOIZED
    recovered = Pod(_recovery(task.result_uri, elsewhere), tmp_path)
    assert recovered.wait() == 0
    assert recovered.result == first


def test_a_recovery_repeats_the_result_that_was_left(place, tmp_path):
    left = tmp_path / "1.json"
    result = Result(status="Failed", reason="OneClass", message="all are 0", start_time=datetime.now(UTC))
    left.write_text(result.encode())
    recovery = Pod(_recovery(left.as_uri(), place), tmp_path)
    assert recovery.wait() == 64
    assert recovery.result == result
    assert left.read_text() == result.encode(), "a recovery changes nothing"


@pytest.mark.parametrize("text", ["", '{"status": "Succ', "[]"])
def test_a_recovery_of_half_a_result_is_lost(text, place, tmp_path):
    (tmp_path / "1.json").write_text(text)
    recovery = Pod(_recovery((tmp_path / "1.json").as_uri(), place), tmp_path)
    assert recovery.wait() == 75
    assert (recovery.result.reason, recovery.result.retryable) == (Reason.RESULT_LOST, True)


def test_a_recovery_of_nothing_is_lost(place, tmp_path):
    recovery = Pod(_recovery((tmp_path / "none.json").as_uri(), place), tmp_path)
    assert recovery.wait() == 75
    assert recovery.result.reason == Reason.RESULT_LOST
    assert not (tmp_path / "none.json").exists()


def _recovery(result_uri: str, place: Place) -> RecoverTask:
    owner = Owner(kind="TrainingRun", namespace="team", name="run", uid="u", attempt=1)
    return RecoverTask(owner=owner, store_uri=place.store, result_uri=result_uri)

"""The platform's settings file: what is wrong with it is said once, with the field."""

import subprocess
import sys
from pathlib import Path

import pytest
from springtide.shell.main import read_platform

GOOD = "workloadsImage: springtide/workloads:1\ntrackingUri: http://mlflow:5000\n"


def test_a_good_file_is_read(tmp_path: Path) -> None:
    assert read_platform(_file(tmp_path, GOOD)).workers == 8


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("trackingUri: http://mlflow:5000\n", "workloadsImage: Field required"),
        (GOOD + "worker: 3\n", "worker: Extra inputs are not permitted"),
        (GOOD + "workers: many\n", "workers: Input should be a valid integer"),
        (GOOD + "artifactsUri: ftp://x\n", "artifactsUri: String should match pattern"),
        ("- a\n- b\n", "valid dictionary"),
        ("", "valid dictionary"),
        ("a: [1\n", "are not YAML"),
        ("a: \x00", "are not YAML"),
    ],
)
def test_what_is_wrong_is_told_with_the_field(tmp_path: Path, text: str, words: str) -> None:
    path = _file(tmp_path, text)
    with pytest.raises(ValueError, match="settings") as caught:
        read_platform(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_or_no_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read: No such file"):
        read_platform(tmp_path / "none.yaml")
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(ValueError, match="settings"):
        read_platform(binary)


def test_the_command_ends_with_one_line_and_no_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "springtide.shell.main", "--platform", str(tmp_path / "none.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("springtide-operator: the settings ")
    assert len(done.stderr.splitlines()) == 1


def _file(folder: Path, text: str) -> Path:
    path = folder / "platform.yaml"
    path.write_text(text)
    return path

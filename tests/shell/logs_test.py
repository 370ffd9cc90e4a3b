"""Logs: one JSON object a line where no person looks, and no secret in any of them."""

import json
import subprocess
import sys
from typing import Any

PROGRAM = """
import logging, structlog
from springtide.shell import logs
logs.configure(level="info")
structlog.get_logger("worker").info("hello", name="churn")
structlog.get_logger("worker").debug("not this")
logging.getLogger("kopf.x").info("nor this")
logging.getLogger("kopf.x").warning("but %s", "this")
def pass_():
    headers = {"authorization": "Bearer s3cr3t-token"}
    raise ValueError("broken")
try:
    pass_()
except ValueError:
    structlog.get_logger("worker").exception("a defect")
    logging.getLogger("asyncio").exception("another")
"""


def _lines() -> tuple[str, list[dict[str, Any]]]:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == ""
    return done.stderr, [json.loads(line) for line in done.stderr.splitlines()]


def test_every_line_is_json_with_level_logger_and_time() -> None:
    _, lines = _lines()
    assert [line["event"] for line in lines] == ["hello", "but this", "a defect", "another"]
    assert all({"level", "logger", "timestamp"} <= set(line) for line in lines)
    assert lines[0]["name"] == "churn"
    assert lines[2]["exception"][0]["exc_value"] == "broken"


def test_a_traceback_shows_no_local_variables() -> None:
    text, _ = _lines()
    assert "s3cr3t" not in text

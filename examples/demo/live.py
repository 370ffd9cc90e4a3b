"""What the runs do, while they do it: a live table on a terminal, a line for each change in a pipe."""

import contextlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from kubectl import TYPED, kubectl, read
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from tell import DemoError, command, console, say

EVERY_SECONDS = 1.0
COLOURS = {"True": "green", "False": "red", "Unknown": "yellow"}


@dataclass(frozen=True)
class Run:
    """A TrainingRun as the table shows it. ready: True, False, or Unknown while it is under way."""

    name: str
    ready: str
    reason: str
    message: str
    attempt: int
    auc: float | None
    seconds: int
    progress: str = ""


class Watcher(Protocol):
    """Whoever wants to know what the runs do."""

    def look(self, runs: Sequence[Run]) -> None:
        """Called about once a second."""


def watch(names: Sequence[str], *, disturbances: Watcher, patience: float) -> None:
    """Show the runs until all have ended. Raises DemoError if one failed, or if it takes longer than `patience`."""
    command(f"{TYPED} get trun --watch")
    began = time.monotonic()
    shown = _Table() if console.is_terminal else _Lines()
    with shown:
        while True:
            runs = read_runs(names)
            shown.update(runs)
            disturbances.look(runs)
            if all(run.ready != "Unknown" for run in runs):
                break
            if time.monotonic() - began > patience:
                raise DemoError(f"the runs have not ended after {patience:.0f} s; {_what_to_look_at(runs)}")
            time.sleep(EVERY_SECONDS)
    if failed := [run for run in runs if run.ready == "False"]:
        run = failed[0]
        raise DemoError(f"{run.name} ended with {run.reason}: {run.message}; {_what_to_look_at(failed)}")


def read_runs(names: Sequence[str]) -> list[Run]:
    """The runs as they are now, in this order."""
    found = {item["metadata"]["name"]: item for item in read("trainingrun")["items"]}
    if missing := [name for name in names if name not in found]:
        raise DemoError(f"{missing[0]} is gone: somebody else deleted it")
    return [_run(found[name]) for name in names]


def _run(document: dict[str, Any]) -> Run:
    metadata, status = document["metadata"], document.get("status", {})
    ready: dict[str, Any] = next((item for item in status.get("conditions", ()) if item["type"] == "Ready"), {})
    end = datetime.fromisoformat(status["completionTime"]) if "completionTime" in status else datetime.now(UTC)
    return Run(
        name=metadata["name"],
        ready=ready.get("status", "Unknown"),
        reason=ready.get("reason", "Created"),
        message=ready.get("message", ""),
        attempt=status.get("attempt", 0),
        auc=status.get("metrics", {}).get("auc"),
        seconds=max(0, int((end - datetime.fromisoformat(metadata["creationTimestamp"])).total_seconds())),
        progress=_progress(metadata["name"], status) if ready.get("reason") == "Training" else "",
    )


def _progress(name: str, status: dict[str, Any]) -> str:
    """What the training says of itself in its newest log line."""
    with contextlib.suppress(DemoError, ValueError):  # a pod that was just killed has no logs
        line = json.loads(kubectl("logs", f"job/{name}-a{status['attempt']}", "--tail=1").strip() or "{}")
        if "done" in line:
            loss = f", loss {line['loss']:.4f}" if "loss" in line else ""
            return f"{line['event']}: {line['done']} of {line['of']} {line['unit']}{loss}"
        return str(line.get("event", ""))
    return ""


def _what_to_look_at(runs: Sequence[Run]) -> str:
    return f"look at: {TYPED} describe trun {runs[0].name}"


class _Table:
    """On a terminal: a table that changes in place. What is said meanwhile appears above it."""

    def __init__(self) -> None:
        self._live = Live(console=console, auto_refresh=False)

    def __enter__(self) -> None:
        self._live.start()

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def update(self, runs: Sequence[Run]) -> None:
        table = Table(box=None, expand=True, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        for title in ("  NAME", "STATE", "ATTEMPT", "ELAPSED", "AUC"):
            table.add_column(title, no_wrap=True)
        table.add_column("MESSAGE", overflow="ellipsis", no_wrap=True, ratio=1)
        for run in runs:
            table.add_row(
                f"  {run.name}",
                f"[{COLOURS[run.ready]}]{run.reason}[/]",
                str(run.attempt),
                f"{run.seconds} s",
                f"{run.auc:.4f}" if run.auc is not None else "",
                escape(run.progress or run.message),
            )
        self._live.update(table, refresh=True)


class _Lines:
    """In a pipe: a line for each change of state, and one now and then that work goes on."""

    PROGRESS_SECONDS = 10

    def __init__(self) -> None:
        self._told: dict[str, tuple[str, int]] = {}
        self._spoke: dict[str, float] = {}

    def __enter__(self) -> None:
        """Nothing to set up."""

    def __exit__(self, *_: object) -> None:
        """Nothing to take down."""

    def update(self, runs: Sequence[Run]) -> None:
        for run in runs:
            now, state = time.monotonic(), (run.reason, run.attempt)
            changed = self._told.get(run.name) != state
            if not changed and not (run.progress and now - self._spoke[run.name] > self.PROGRESS_SECONDS):
                continue
            self._told[run.name], self._spoke[run.name] = state, now
            words = escape(run.progress or run.message)
            say(f"{run.seconds:>4} s  {run.name:<16} attempt {run.attempt}  {run.reason:<14} {words}")

"""What long work says while it goes on: a live display on a terminal, one log line every few seconds in a pod."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

from springtide_workloads.process.logs import log

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

EVERY_SECONDS = 5.0


class Phase(Protocol):
    """One stretch of work."""

    def advance(self, count: int = 1, /, **figures: float) -> None:
        """`count` more units are done; `figures` are worth seeing now, such as a loss."""


class Progress(Protocol):
    """Where work reports how far it is."""

    def phase(self, name: str, /, *, total: int, unit: str) -> AbstractContextManager[Phase]:
        """A stretch of work of `total` units."""


class _LoggedPhase:
    def __init__(self, name: str, total: int, unit: str) -> None:
        self._name, self._total, self._unit = name, total, unit
        self._done = 0
        self._began = self._spoke = time.monotonic()

    def advance(self, count: int = 1, /, **figures: float) -> None:
        self._done += count
        now = time.monotonic()
        if now - self._spoke < EVERY_SECONDS:
            return
        self._spoke = now
        left = (now - self._began) / max(self._done, 1) * max(self._total - self._done, 0)
        log.info(
            self._name,
            done=self._done,
            of=self._total,
            unit=self._unit,
            eta_seconds=round(left, 1),
            **{name: round(value, 6) for name, value in figures.items()},
        )


class LogProgress:
    """One structured line when a phase begins, every few seconds, and when it ends."""

    @contextmanager
    def phase(self, name: str, /, *, total: int, unit: str) -> Iterator[Phase]:
        began = time.monotonic()
        log.info(name, of=total, unit=unit)
        yield _LoggedPhase(name, total, unit)
        log.info(f"{name}: done", seconds=round(time.monotonic() - began, 2))


class _ShownPhase:
    def __init__(self, display: "RichProgress", task: "TaskID") -> None:
        self._display, self._task = display, task

    def advance(self, count: int = 1, /, **figures: float) -> None:
        text = "  ".join(f"{name} {value:.4f}" for name, value in figures.items())
        self._display.update(self._task, advance=count, figures=text)


class TerminalProgress:
    """A bar for each phase, with what is left and the figures that matter."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._display = Progress(
            TextColumn("{task.description:<22}"),
            BarColumn(bar_width=20),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("[cyan]{task.fields[figures]}"),
            console=Console(stderr=True),
        )

    @contextmanager
    def phase(self, name: str, /, *, total: int, unit: str) -> Iterator[Phase]:
        task = self._display.add_task(name, total=total, figures=f"{total:,} {unit}")
        yield _ShownPhase(self._display, task)
        self._display.update(task, completed=total)

    def __enter__(self) -> "TerminalProgress":
        self._display.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._display.stop()


class Silence:
    """Says nothing: for callers that only want the outcome."""

    @contextmanager
    def phase(self, _: str, /, *, total: int, unit: str) -> Iterator[Phase]:  # noqa: ARG002
        yield self

    def advance(self, count: int = 1, /, **figures: float) -> None:
        """Nobody listens."""

"""What the objects do, while something is waited for: a live table on a terminal, a line for each change in a pipe."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from chaos import PATIENCE
from kubectl import TYPED, read
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from tell import DemoError, console, say

EVERY_SECONDS = 1.0
KINDS = ("Dataset", "RetrainPolicy", "RetrainRun", "TrainingRun", "ModelService", "DriftMonitor")
COLOURS = {"True": "green", "False": "red", "Unknown": "yellow"}
Status = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Condition:
    """A condition; one that is not there is Unknown."""

    status: str = "Unknown"
    reason: str = ""
    message: str = ""


@dataclass(frozen=True)
class Object:
    """An object of ours as it was read."""

    kind: str
    name: str
    document: dict[str, Any]

    @property
    def status(self) -> Status:
        """Its status; empty before the operator has seen it."""
        return dict(self.document.get("status", {}))

    @property
    def created(self) -> datetime:
        """When it was made."""
        return datetime.fromisoformat(self.document["metadata"]["creationTimestamp"])

    def condition(self, kind: str) -> Condition:
        """One of its conditions."""
        for one in self.status.get("conditions", ()):
            if one["type"] == kind:
                return Condition(one["status"], one["reason"], one.get("message", ""))
        return Condition()

    @property
    def ready(self) -> Condition:
        """The condition that every kind has."""
        return self.condition("Ready")


@dataclass(frozen=True)
class World:
    """All objects of the demo's namespace at one time."""

    objects: tuple[Object, ...]

    def find(self, kind: str, name: str) -> Object | None:
        """An object, if it is there."""
        return next((one for one in self.objects if (one.kind, one.name) == (kind, name)), None)

    def get(self, kind: str, name: str = "employment") -> Object:
        """An object that must be there."""
        found = self.find(kind, name)
        if found is None:
            raise DemoError(f"{kind} {name} is gone: somebody else deleted it")
        return found

    def runs(self) -> list[Object]:
        """The RetrainRuns, the oldest first."""
        runs = [one for one in self.objects if one.kind == "RetrainRun"]
        return sorted(runs, key=lambda run: (run.created, run.name))


def look() -> World:
    """The objects as they are now."""
    kinds = ",".join(f"{kind.lower()}s".replace("policys", "policies") for kind in KINDS)
    found = read(kinds)["items"]
    return World(tuple(Object(item["kind"], item["metadata"]["name"], item) for item in found))


def until(see: Callable[[World], T | None], *, what: str, seconds: float) -> T:
    """Show the objects until `see` finds something. Raises DemoError where that takes longer.

    what: what is waited for, such as "version 2 to take over".
    """
    seconds *= PATIENCE
    deadline = time.monotonic() + seconds
    with _shown(what) as shown:
        while True:
            world = look()
            shown.update(world)
            found = see(world)
            if found is not None and found is not False:
                return found
            if time.monotonic() > deadline:
                state = "\n".join(f"     {line}" for line in _state(world))
                raise DemoError(f"waited {seconds:.0f} s for {what}; look at: {TYPED} get springtide -o wide\n{state}")
            time.sleep(EVERY_SECONDS)


def _state(world: World) -> list[str]:
    return [f"{one.kind} {one.name}: {one.ready.reason}: {one.ready.message}" for one in _interesting(world)]


def _interesting(world: World) -> list[Object]:
    """The objects of the loop; of the runs those that go on, or the newest."""
    shown = [one for one in world.objects if one.kind not in ("RetrainRun", "TrainingRun")]
    for kind in ("RetrainRun", "TrainingRun"):
        runs = sorted((one for one in world.objects if one.kind == kind), key=lambda run: (run.created, run.name))
        shown += runs[-1:]
    return sorted(shown, key=lambda one: (KINDS.index(one.kind), one.name))


def _words(one: Object) -> str:
    if one.kind != "ModelService":
        return one.ready.message
    progress = one.condition("Progressing")
    return progress.message if progress.status == "True" or progress.reason == "Quarantined" else one.ready.message


def _reason(one: Object) -> str:
    if one.kind == "DriftMonitor" and one.ready.status == "True":
        return str(one.status.get("lastWindow", {}).get("verdict", one.ready.reason))
    progress = one.condition("Progressing")
    return progress.reason if one.kind == "ModelService" and progress.status == "True" else one.ready.reason


class _Table:
    """On a terminal: a table that changes in place. What is said meanwhile appears above it."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> "_Table":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def update(self, world: World) -> None:
        title = f"   [dim]waiting for {escape(self._what)}[/]"
        table = Table(
            box=None, expand=True, padding=(0, 2, 0, 0), header_style="dim", title=title, title_justify="left"
        )
        for column in ("   KIND", "NAME", "STATE"):
            table.add_column(column, no_wrap=True)
        table.add_column("MESSAGE", overflow="ellipsis", no_wrap=True, ratio=1)
        for one in _interesting(world):
            state = f"[{COLOURS[one.ready.status]}]{_reason(one)}[/]"
            table.add_row(f"   {one.kind}", one.name, state, escape(_words(one)))
        self._live.update(table, refresh=True)


class _Lines:
    """In a pipe: a line for each change of state."""

    told: dict[tuple[str, str], str] = {}  # noqa: RUF012 - of the whole demo: what was told once is no news

    def __init__(self, what: str) -> None:
        self._began = time.monotonic()
        say(f"waiting for {escape(what)}")

    def __enter__(self) -> "_Lines":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to take down."""

    def update(self, world: World) -> None:
        for one in _interesting(world):
            state = _reason(one)
            if state and self.told.get((one.kind, one.name)) != state:
                self.told[one.kind, one.name] = state
                seconds = time.monotonic() - self._began
                say(f"{seconds:>5.0f} s  {one.kind:<13} {one.name:<14} {state:<20} {escape(_words(one))[:200]}")


def _shown(what: str) -> "_Table | _Lines":
    return _Table(what) if console.is_terminal else _Lines(what)

"""What the acts share: when things happen in the story, and how its numbers are read from the objects."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kubectl import read
from live import Object, World, until
from months import Month, of_window
from tell import DemoError

FINAL = ("Promoted", "Rejected", "RolledBack", "Failed", "Inconclusive", "DryRun")
"""Phases in which a RetrainRun has ended."""


@dataclass(frozen=True)
class Calendar:
    """When things happen. quick: fewer months."""

    quick: bool

    @property
    def minutes(self) -> int:
        """How long all of it takes at most, on a warm machine with two cores."""
        return 8 if self.quick else 20

    @property
    def opening(self) -> Month:
        """The first month in which everyone may apply."""
        return Month(2016, 7)

    @property
    def start(self) -> Month:
        """The first month that is replayed."""
        return Month(2016, 4) if self.quick else Month(2016, 1)

    @property
    def alarm(self) -> Month:
        """The month in which the third drifted window closes."""
        return self.opening + 3

    @property
    def poisoned(self) -> Month:
        """The month that comes broken."""
        return Month(2017, 1) if self.quick else Month(2018, 10)


def digest(text: str) -> str:
    """As much of a digest as a person compares."""
    return text[:19]


def moment(text: str) -> datetime:
    """A time of a status."""
    return datetime.fromisoformat(text)


def windows(world: World) -> dict[str, dict[str, Any]]:
    """What the monitor found, by month: the windows that it lists."""
    history = world.get("DriftMonitor").status.get("history", [])
    return {of_window(window["end"]): window for window in history}


measured: dict[tuple[str, str], dict[str, Any]] = {}
"""How models did, by month and digest, as far as it was read in the course of the demo: a status lists the newest.

labels: the snapshot of the outcomes that a window was measured with. What another snapshot does not change is as that
one says, too.
"""


def performance(world: World, model: str) -> dict[str, dict[str, Any]]:
    """How a model did, by month, as far as outcomes are known. model: its digest."""
    status = world.get("DriftMonitor").status
    found = [{**window, "labels": status["measurement"]["labels"]} for window in status.get("performance", [])]
    measured.update({(of_window(window["end"]), window["model"]): window for window in found})
    return {of_window(window["end"]): window for window in found if window["model"] == model}


def judged(month: Month, *, seconds: float = 180) -> World:
    """The objects, once the monitor has judged a month."""
    return until(
        lambda world: world if str(month) in windows(world) else None,
        what=f"the monitor to judge {month}",
        seconds=seconds,
    )


def alarm_time(world: World, month: Month) -> datetime:
    """When the look ended that found a month drifted. Raises DemoError where nothing tells it any more."""
    status = world.get("DriftMonitor").status
    look, window = status["lastLook"], status["lastWindow"]
    if look.get("windows") and of_window(window["end"]) == str(month):
        return moment(look["time"])
    # Another look has ended since, such as one for outcomes: the status tells of the newest, an event of each alarm.
    told = read("events", "--field-selector", "involvedObject.kind=DriftMonitor,reason=Drifted")["items"]
    times = [moment(one["firstTimestamp"]) for one in told if month.window_end in one["message"]]
    if not times:
        raise DemoError(f"nothing tells when {month} was found to have drifted: neither the monitor nor an event of it")
    return min(times)


def known(month: Month, *, model: str, seconds: float = 180) -> dict[str, Any]:
    """How a model did in a month, once the monitor has measured it."""
    return until(
        lambda world: performance(world, model).get(str(month)),
        what=f"the monitor to measure how the model did in {month}",
        seconds=seconds,
    )


def phase(run: Object) -> str:
    """How far a RetrainRun is."""
    return str(run.status.get("phase", "Pending"))


def newest_run(world: World, *, number: int) -> Object | None:
    """The RetrainRun with this number, counted from 1, once it is there."""
    runs = world.runs()
    return runs[number - 1] if len(runs) >= number else None


def reached(number: int, *phases: str, seconds: float) -> Object:
    """A RetrainRun, once it is in one of these phases; raises DemoError if it ends in another one."""

    def see(world: World) -> Object | None:
        run = newest_run(world, number=number)
        if run is None or (phase(run) not in phases and phase(run) not in FINAL):
            return None
        if phase(run) not in phases:
            raise DemoError(f"{run.name} has ended with {phase(run)}: {run.status.get('outcomeMessage', '')}")
        return run

    return until(see, what=f"run {number} to be {' or '.join(phases)}", seconds=seconds)


def gate(run: Object, name: str) -> dict[str, Any]:
    """What a challenger showed at a gate."""
    gates = run.status.get("verdict", {}).get("gates", [])
    found = next((one for one in gates if one["name"] == name), None)
    if found is None:
        raise DemoError(f"{run.name} has no verdict on gate {name}")
    return dict(found)


def gates_in_short(run: Object) -> str:
    """Each gate with its outcome."""
    gates = run.status.get("verdict", {}).get("gates", [])
    return ", ".join(f"{one['name']} {one['outcome']}" for one in gates)

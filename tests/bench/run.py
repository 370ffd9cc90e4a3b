"""`make bench`: measures every figure that Springtide promises, prints one table, and writes docs/performance.md.

`make bench ONLY=operator` measures one group and leaves the others' figures in the document as they are.
"""

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import import_module
from typing import NamedTuple

import document
import machine
from api_server import REPOSITORY
from figures import Figure, not_measured
from rich.console import Console
from rich.table import Table

PAGE = REPOSITORY / "docs/performance.md"


class Group(NamedTuple):
    """Figures that are measured together. modules: each has a `run` that yields them."""

    title: str
    modules: tuple[str, ...]


GROUPS = {
    "operator": Group("Operator", ("many_runs", "finished_runs")),
    "loop": Group("The loop", ("settled",)),
    "overhead": Group("Task overhead", ("overhead",)),
    "training": Group("Training", ("training",)),
    "drift": Group("Drift", ("drift_speed", "drift_alarms")),
    "serving": Group("Serving", ("serving",)),
    "release": Group("Release", ("release",)),
}


def main() -> None:
    """Entry point."""
    arguments = _arguments()
    console = Console()
    busy = machine.busy_share()
    console.print(f"{machine.describe()}; {busy:.0%} of its cores are busy with something else")
    if busy > machine.QUIET_SHARE and not arguments.force:
        sys.exit(f"bench: {busy:.0%} busy is too much for times to mean anything: wait, or measure anyway with FORCE=1")
    failed = False
    for name in arguments.only or GROUPS:
        begin = datetime.now(UTC)
        figures = list(_measured(GROUPS[name], console))
        console.print(_table(GROUPS[name].title, figures))
        section = document.Section(
            name, GROUPS[name].title, tuple(figures), begin, machine.describe(), machine_busy=busy
        )
        document.write(PAGE, section)
        failed = failed or any(figure.met is False for figure in figures)
    console.print(f"written to {PAGE.relative_to(REPOSITORY)}")
    sys.exit(1 if failed and arguments.strict else 0)


def _measured(group: Group, console: Console) -> Iterator[Figure]:
    """The figures of a group. One that breaks does not take the others with it: it is told as not measured."""
    for module in group.modules:
        console.print(f"[bold]{module}[/bold]")
        try:
            run: Callable[[], Iterator[Figure]] = import_module(module).run
            yield from run()
        except Exception as error:  # noqa: BLE001  # whatever it is, the other figures are still worth having
            traceback.print_exc()
            yield not_measured(module, reason=f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}")


def _table(title: str, figures: list[Figure]) -> Table:
    table = Table("figure", "ours", "peer", "goal", "met", title=title, title_justify="left")
    for figure in figures:
        colour = {True: "green", False: "red", None: ""}[figure.met]
        met = f"[{colour}]{document.met(figure)}[/]" if colour else document.met(figure)
        name = f"{figure.name}\n[dim]{figure.note}[/dim]" if figure.note else figure.name
        table.add_row(name, figure.ours, figure.peer, figure.goal, met)
    return table


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", metavar="GROUP", help=f"some of: {', '.join(GROUPS)} (default: all)")
    parser.add_argument("--force", action="store_true", help="measure though the machine is busy")
    parser.add_argument("--strict", action="store_true", help="end with 1 if a goal is not met")
    arguments = parser.parse_args()
    for name in arguments.only:
        if name not in GROUPS:
            parser.error(f"there is no group {name}; there are {', '.join(GROUPS)}")
    arguments.force = arguments.force or bool(os.environ.get("FORCE"))
    return arguments


if __name__ == "__main__":
    main()

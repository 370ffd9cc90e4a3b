"""How the demo speaks: on a terminal with colours, into a pipe as plain lines; and what it keeps for the summary."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape

BEGAN = time.monotonic()
"""When the demo began."""
console = Console(highlight=False, width=None if Console().is_terminal else 200)


class DemoError(Exception):
    """The demo cannot go on. Its text says why and what to do."""


@dataclass(frozen=True)
class Source:
    """Of a number. by: what was published. digest: of a snapshot, or of a model, which learned from one."""

    by: str
    digest: str


@dataclass(frozen=True)
class Fact:
    """Something that was to be seen, and was. sources: of the numbers in it that were measured, see origins.py."""

    act: int
    expected: str
    seen: str
    sources: tuple[Source, ...] = ()


facts: list[Fact] = []
seconds_of_acts: dict[int, float] = {}


def say(text: str = "") -> None:
    """A sentence."""
    console.print(f"   {text}" if text else "", soft_wrap=True)


def command(text: str) -> None:
    """A command as a person would type it."""
    console.print(f"   [bold cyan]$[/] [cyan]{escape(text)}[/]", soft_wrap=True)


@contextmanager
def act(number: int, title: str, *, expect: str) -> Iterator[None]:
    """A part of the demo: its title and how long it takes, then how long it took."""
    console.print(f"\n[bold]{number}. {title}[/] [dim]({expect})[/]")
    began = time.monotonic()
    yield
    seconds_of_acts[number] = time.monotonic() - began
    console.print(f"   [dim]took {seconds_of_acts[number]:.0f} s[/]")


def see(number: int, expected: str, seen: str, *, holds: bool, sources: Iterable[Source] = ()) -> None:
    """Something that act `number` was to show. Raises DemoError where it did not.

    sources: of the numbers that it tells of data and models; the summary fails where one is not told.
    """
    if not holds:
        raise DemoError(f"act {number} was to show: {expected}. It showed: {seen}")
    facts.append(Fact(number, expected, seen, tuple(sources)))
    say(f"[green]seen:[/] {expected}: {escape(seen)}")

"""How the demo speaks: on a terminal with colours, into a pipe as plain lines."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

console = Console(highlight=False, width=None if Console().is_terminal else 200)


class DemoError(Exception):
    """The demo cannot go on. Its text says why and what to do."""


def say(text: str = "") -> None:
    """A sentence."""
    console.print(f"   {text}" if text else "", soft_wrap=True)


def command(text: str) -> None:
    """A command as a person would type it."""
    console.print(f"   [bold cyan]$[/] [cyan]{text}[/]", soft_wrap=True)


@contextmanager
def step(number: int, title: str, *, expect: str) -> Iterator[None]:
    """A part of the demo: its title and how long it takes, then how long it took."""
    console.print(f"\n[bold]{number}. {title}[/] [dim]({expect})[/]")
    began = time.monotonic()
    yield
    console.print(f"   [dim]took {time.monotonic() - began:.0f} s[/]")

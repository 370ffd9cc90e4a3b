"""Ctrl-C that is heeded although its exception was lost."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType


@contextmanager
def interruption() -> Iterator[Event]:
    """Is set once Ctrl-C was pressed; KeyboardInterrupt is raised as ever.

    An exception can be lost: Python drops those that come up while garbage is collected. A program that draws and asks
    all the time went on after one Ctrl-C in some two hundred. Only for the main thread.
    """
    pressed = Event()

    def press(number: int, frame: FrameType | None) -> None:
        pressed.set()
        signal.default_int_handler(number, frame)

    before = signal.signal(signal.SIGINT, press)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)

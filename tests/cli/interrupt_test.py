"""A Ctrl-C whose exception is lost in passing is not lost."""

import signal

import pytest
from springtide.cli.interrupt import interruption


class Pressed:
    """Has Ctrl-C pressed when it goes."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_is_pressed_while_garbage_is_collected_is_known():
    with interruption() as pressed:
        Pressed()
        assert pressed.is_set()


def test_else_it_interrupts_at_once():
    with interruption() as pressed, pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert pressed.is_set()


def test_afterwards_all_is_as_before():
    before = signal.getsignal(signal.SIGINT)
    with interruption():
        pass
    assert signal.getsignal(signal.SIGINT) is before

"""What can go wrong, as one sentence and an exit code."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes. 2 is a command that was not understood and 130 is Ctrl-C, as everywhere."""

    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    NOT_FOUND = 4
    FORBIDDEN = 5
    NOT_INSTALLED = 6
    TIMED_OUT = 7
    INTERRUPTED = 130


class CommandError(Exception):
    """The command cannot go on. message: what, where, and what to do."""

    def __init__(self, message: str, code: Exit) -> None:
        super().__init__(message)
        self.message = message
        self.code = code

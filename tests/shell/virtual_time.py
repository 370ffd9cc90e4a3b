"""An event loop whose clock jumps to whatever is due next: minutes of waiting pass in no time, in the right order."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everything waits for something that will never come")
        self.now += max(timeout, 0.0)
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now


def simulate(scenario: Coroutine[Any, Any, T]) -> T:
    """Run the scenario in virtual time. It must touch no socket or thread."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(scenario)


def monotonic() -> float:
    """The virtual time, to hand to what asks for a clock."""
    return asyncio.get_running_loop().time()

"""What every life under everything that can happen has in common: time, and an operator that may end at any write.

hypothesis collects the rules of a class and of those that it is made from.
"""

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.core.api_server import CrashError
from tests.core.world import World


class InterruptedLife(RuleBasedStateMachine):
    """A life in a world whose operator crashes now and then. world: set by each life."""

    world: World

    @rule(writes=st.integers(0, 4))
    def crash_after(self, writes: int) -> None:
        left = iter(range(writes))

        def count(*_: str) -> None:
            if next(left, None) is None:
                self.world.server.after = lambda *_: None
                raise CrashError

        self.world.server.after = count

    @rule(minutes=st.sampled_from([1, 11]))
    def pass_time(self, minutes: int) -> None:
        self._act(lambda: self.world.pass_time(minutes=minutes))

    def _act(self, action: Callable[[], Any]) -> None:
        """Do it, with an operator that may end in between and is started again."""
        try:
            action()
        except CrashError:
            self.world.restart()
            self.world.settle()

    def _calm_down(self) -> None:
        """Nothing crashes any more, but for one last time."""
        self.world.server.after = lambda *_: None
        self.world.restart()
        self.world.settle()

    def _assert_at_rest(self) -> None:
        """Neither a new operator nor the clock finds anything to write."""
        writes = len(self.world.server.writes)
        self.world.restart()
        self.world.pass_time(hours=1)
        assert self.world.server.writes[writes:] == []


def settings_of_life(examples: int) -> settings:
    """So many lives of some length."""
    return settings(
        max_examples=examples,
        stateful_step_count=25,
        report_multiple_bugs=False,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )

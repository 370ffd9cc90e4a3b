"""The life of a DriftMonitor under everything that can happen to it, in any order.

hypothesis plays the user, the objects that are referred to, the kubelet, and crashes of the operator between any two
of its writes. After every step the invariants must hold, and when the world calms down the monitor must come to rest.
"""

import contextlib
import os
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from tests.core import controllers
from tests.core.api_server import Manifest
from tests.core.drift_monitor.world import JUDGED, NAME, OVER_DATASET, OVER_SERVICE, World, a_window
from tests.core.life import InterruptedLife, settings_of_life

EXAMPLES = int(os.environ.get("LIFE_EXAMPLES", "30"))
LETTERS = st.sampled_from("abcdef")
TRUTHS = {"Stable": "False", "Drifted": "True", "DataBroken": "Unknown", "Inconclusive": "Unknown"}


class Life(InterruptedLife):
    """See the module."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.day = 1  # the next window that closes

    @initialize(service=st.booleans(), scheduled=st.booleans())
    def create(self, *, service: bool, scheduled: bool) -> None:
        spec: dict[str, Any] = {**(OVER_SERVICE if service else OVER_DATASET), "historyLimit": 4}
        self.world.publish("a", event_time="day").train("b").serve("b")
        self._act(lambda: self.world.create(**spec | ({"schedule": "*/5 * * * *"} if scheduled else {})))
        self.find(1, "Stable")

    # What users do, and what becomes of what is referred to.

    @rule(letter=LETTERS)
    def publish(self, letter: str) -> None:
        self._act(lambda: self.world.publish(letter, event_time="day"))

    @rule(letter=LETTERS)
    def serve(self, letter: str) -> None:
        self._act(lambda: self.world.serve(letter))

    @rule(letter=LETTERS)
    def train_anew(self, letter: str) -> None:
        self._act(lambda: self._delete("TrainingRun", "churn").train(letter))

    @rule(kind=st.sampled_from([("TrainingRun", "churn"), ("Dataset", "people"), ("ModelService", "pd")]))
    def delete(self, kind: tuple[str, str]) -> None:
        self._act(lambda: self._delete(*kind).settle())
        self._act(lambda: self.world.publish("a", event_time="day").serve("b"))

    @rule(value=LETTERS)
    def ask(self, value: str) -> None:
        self._act(lambda: self.world.ask(value))

    @rule(suspend=st.sampled_from([False, False, True]), psi=st.sampled_from([0.1, 0.2]))
    def edit(self, *, suspend: bool, psi: float) -> None:
        self._act(lambda: self.world.edit(suspend=suspend, rules={"psi": psi}))

    # What Jobs and pods do.

    @rule(count=st.integers(0, 3), verdict=st.sampled_from(sorted(TRUTHS)))
    def find(self, count: int, verdict: str) -> None:
        if not self._pods():
            return
        days = range(self.day, min(self.day + count, 28))
        windows = [a_window(verdict, day=day) for day in days]
        self.day += len(windows)
        self._end(JUDGED | ({"window": windows[-1], "windows": windows} if windows else {}))

    @rule(retryable=st.booleans())
    def fail(self, *, retryable: bool) -> None:
        if self._pods():
            self._end({"status": "Failed", "reason": "StoreUnavailable", "retryable": retryable}, exit_code=64)

    @rule()
    def lose_the_pod(self) -> None:
        for pod in self._pods():
            self._act(lambda pod=pod: self._delete("Pod", pod).settle())  # type: ignore[misc]

    # What must hold.

    @invariant()
    def one_look_at_a_time(self) -> None:
        assert len(self._pods()) <= 1

    @invariant()
    def a_job_does_what_is_on_record(self) -> None:
        if self._pods() and (look := self.world.status.get("currentLook")):
            data = {"uri": look["uri"]} | ({"snapshot": look["snapshot"]} if "snapshot" in look else {})
            assert self.world.look["data"] == data

    @invariant()
    def what_is_said_of_drift_is_what_was_found_last(self) -> None:
        if window := self.world.status.get("lastWindow"):
            assert self.world.condition("Drifted")["status"] == TRUTHS[window["verdict"]]
            assert self.world.status["history"][0]["end"] == window["end"]

    @invariant()
    def the_history_has_each_window_once(self) -> None:
        starts = [item["start"] for item in self.world.status.get("history", ())]
        assert len(starts) <= 4
        assert starts == sorted(set(starts), reverse=True)

    def teardown(self) -> None:
        """Everybody does their work from here on: it comes to rest; without a clock to follow nothing is written."""
        self._calm_down()
        for _ in range(20):
            if not self._pods():
                self.world.pass_time(minutes=6)
            if not self._pods():
                break
            self.find(0, "Stable")
        if "nextTime" not in self.world.status and "currentLook" not in self.world.status:
            self._assert_at_rest()

    # Helpers of the rules.

    def _delete(self, kind: str, name: str) -> World:
        with contextlib.suppress(Exception):
            self.world.server.delete(kind, name)
            if kind == "Pod":
                self.world.server.delete(kind, name)
        return self.world

    def _pods(self) -> list[str]:
        return [name for name in self.world.waiting_pods if name.startswith(f"{NAME}-look-")]

    def _end(self, result: Manifest, *, exit_code: int = 0) -> None:
        self._act(lambda: self.world.end(result, exit_code=exit_code))
        for pod in self._pods():  # a crash came first: the container ends nevertheless
            controllers.start_container(self.world.server, pod, now=self.world.now)
            self._act(self.world.settle)


TestLife = Life.TestCase
TestLife.settings = settings_of_life(EXAMPLES)

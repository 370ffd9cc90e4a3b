"""The life of a loop under everything that can happen to it, in any order.

hypothesis plays the user, what the policy refers to, the kubelet, and crashes of the operator between any two of its
writes. After every step the invariants must hold, and when the world calms down the loop must come to rest.
"""

import contextlib
import os
from typing import Any, get_args

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from springtide.api.retrain_run import Phase

from tests.core.api_server import Manifest
from tests.core.life import InterruptedLife, settings_of_life
from tests.core.retrain_policy.world import NAME, ON_DRIFT, SERVED, World

EXAMPLES = int(os.environ.get("LIFE_EXAMPLES", "30"))
LETTERS = st.sampled_from("abcdef")
ORDER = {phase: index for index, phase in enumerate(get_args(Phase))}
FINAL = get_args(Phase)[-6:]


class Life(InterruptedLife):
    """See the module."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.day = 1
        self.seen: dict[str, str] = {}  # the last phase of each run, by uid
        self.promoted: dict[str, int] = {}

    @initialize(service=st.booleans(), manual=st.booleans())
    def create(self, *, service: bool, manual: bool) -> None:
        spec: dict[str, Any] = {**ON_DRIFT, **(SERVED if service else {}), "historyLimit": 3}
        spec["guards"] = {"cooldownSeconds": 60, "maxConsecutiveRejections": 3}
        if manual:
            spec["approval"] = "Manual"
        self.world.publish().see().serve()
        self._act(lambda: self.world.create(**spec))

    # What users do, and what becomes of what is referred to.

    @rule(value=LETTERS)
    def ask(self, value: str) -> None:
        self._act(lambda: self.world.ask(value))

    @rule(name=st.sampled_from(["mine", "pd-2"]))
    def make_a_run(self, name: str) -> None:
        if name not in self.world.runs:
            self._act(lambda: self.world.make_run(name))

    @rule(who=st.sampled_from(["ada", "ben"]))
    def approve(self, who: str) -> None:
        if self.world.runs:
            self._act(lambda: self.world.approve(who))

    @rule(suspend=st.booleans(), mode=st.sampled_from(["Act", "Act", "DryRun"]))
    def edit(self, *, suspend: bool, mode: str) -> None:
        self._act(lambda: self.world.edit(suspend=suspend, mode=mode))

    @rule(verdict=st.sampled_from(["Drifted", "Drifted", "Stable", "DataBroken", "Inconclusive"]))
    def see(self, verdict: str) -> None:
        if self.day < 28:
            self.day += 1
            self._act(lambda: self.world.see(verdict, first=self.day))

    @rule(letter=LETTERS, outcome=st.sampled_from(["Held", "Dropped", "Inconclusive"]))
    def measure(self, letter: str, outcome: str) -> None:
        self._act(lambda: self.world.measure(letter, outcome, first=self.day))

    @rule()
    def follow(self) -> None:
        """The service serves what the policy names."""
        if champion := self.world.status.get("champion"):
            letter = champion["digest"][-1]
            self._act(lambda: self.world.serve(letter, version=champion["version"]))

    @rule(met=st.sampled_from(["True", "False"]))
    def publish(self, met: str) -> None:
        self._act(lambda: self.world.publish("e", met=met))

    @rule(kind=st.sampled_from(["TrainingRun", "RetrainRun", "ModelService", "Dataset", "Pod", "Job"]))
    def delete_the_newest(self, kind: str) -> None:
        if found := [item["metadata"]["name"] for item in self.world.server.all(kind)]:
            self._act(lambda: self.world.delete(kind, found[-1]))
        self._act(lambda: self.world.publish().serve())

    # What Jobs and pods do.

    @rule(letter=LETTERS, outcome=st.sampled_from(["Passed", "Passed", "Failed", "Inconclusive"]))
    def end_a_job(self, letter: str, outcome: str) -> None:
        self._end(letter, outcome)

    @rule(retryable=st.booleans())
    def fail_a_job(self, *, retryable: bool) -> None:
        for pod in self.world.waiting_pods[:1]:
            self._act(lambda: self.world.fail(pod, "StoreUnavailable", retryable=retryable))  # noqa: B023  # at once

    # What must hold.

    @invariant()
    def one_run_at_a_time(self) -> None:
        under_way = [run for run in self._all() if run.get("phase", "Pending") not in ("Pending", *FINAL)]
        assert len(under_way) <= 1

    @invariant()
    def no_phase_goes_back(self) -> None:
        for run in self.world.server.all("RetrainRun"):
            uid, phase = run["metadata"]["uid"], run.get("status", {}).get("phase", "Pending")
            before = self.seen.get(uid, "Pending")
            assert before not in FINAL or phase == before
            assert ORDER[phase] >= ORDER[before]
            self.seen[uid] = phase

    @invariant()
    def a_champion_is_what_a_run_promoted_or_the_service_served(self) -> None:
        status = self._policy()
        champion = status.get("champion")
        taken_back = {item["digest"] for item in status.get("quarantined", ())}
        assert not champion or champion["digest"] not in taken_back

    @invariant()
    def nothing_is_trained_for_a_run_that_is_not_named(self) -> None:
        names = {past["name"] for past in self._policy().get("history", ())}
        names |= {self._policy().get("currentRun", {}).get("name")}
        owners = (item["metadata"]["ownerReferences"] for item in self.world.server.all("TrainingRun"))
        assert {owner["name"] for (owner,) in owners} <= names

    def teardown(self) -> None:
        """Everybody does their work from here on: it comes to rest, and then nothing is written."""
        self._calm_down()
        self.world.publish().edit(suspend=True)
        for who in map(str, range(40)):  # an approval from before the verdict approves nothing, so nobody asks twice
            if self.world.waiting_pods:
                self._end("a", "Failed")
            elif "currentRun" not in self._policy():
                break
            else:
                self._act(lambda who=who: self.world.approve(who) if self.world.runs else self.world)
                self.follow()
                self.world.pass_time(minutes=11)
        assert "currentRun" not in self._policy(), self._all()[-1]
        self.world.pass_time(hours=1)
        self._assert_at_rest()

    # Helpers of the rules.

    def _end(self, letter: str, outcome: str) -> None:
        for pod in self.world.waiting_pods[:1]:
            model = {"name": "m", "version": str(ord(letter)), "digest": "sha256:" + letter * 64, "uri": "s3://m"}
            result = {"status": "Succeeded", "reason": "Succeeded"}
            result |= {"verdict": {"outcome": outcome, "rows": 10}} if "-evaluate-" in pod else {}
            result |= {"model": model} if "-promote-" not in pod and "-restore-" not in pod else {}
            with contextlib.suppress(ValueError):
                self._act(lambda: self.world.end(pod, result))  # noqa: B023  # at once

    def _policy(self) -> Manifest:
        found: Manifest = self.world.server.objects.get(("RetrainPolicy", NAME), {}).get("status", {})
        return found

    def _all(self) -> list[Manifest]:
        return [run.get("status", {}) for run in self.world.server.all("RetrainRun")]


TestLife = Life.TestCase
TestLife.settings = settings_of_life(EXAMPLES)

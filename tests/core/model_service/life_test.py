"""The life of a ModelService under everything that can happen to it, in any order, on either backend.

hypothesis plays the policy, the user, the registry, the servers, the judge, and crashes of the operator between any two
of its writes. After every step the invariants must hold, and when the world calms down the service must come to rest.
"""

import os

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from springtide.api.constants import LABEL_MODEL

from tests.core.life import InterruptedLife, settings_of_life
from tests.core.model_service.world import FOLLOWING, NAME, World, digest, label

EXAMPLES = int(os.environ.get("LIFE_EXAMPLES", "20"))
VERSIONS = st.sampled_from("123")


class Life(InterruptedLife):
    """See the module."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()

    @initialize(kserve=st.booleans(), follows=st.booleans(), steps=st.integers(0, 2), keep=st.sampled_from([0, 600]))
    def create(self, *, kserve: bool, follows: bool, steps: int, keep: int) -> None:
        self.world = World(kserve=kserve)
        weights = [{"weight": 25 * (step + 1), "pauseSeconds": 60} for step in range(steps)]
        rollout = {"steps": weights, "keepStableSeconds": keep}
        self.world.crown("1")
        self._act(lambda: self.world.create(rollout=rollout, **(FOLLOWING if follows else {})))
        self._resolve()
        self.start_servers("1")
        self.start_servers("1")

    # What people, policies and the registry do.

    @rule(version=VERSIONS, taken_back=st.sets(VERSIONS, max_size=1))
    def crown(self, version: str, taken_back: set[str]) -> None:
        self._act(lambda: self.world.crown(version, taken_back=tuple(taken_back - {version})))

    @rule(version=VERSIONS)
    def pin(self, version: str) -> None:
        self.world.server.update("ModelService", NAME, lambda it: it["spec"].pop("versionFrom", None))
        self._act(lambda: self.world.ask_for(version))
        self._resolve()

    @rule()
    def follow(self) -> None:
        self._act(lambda: self.world.edit(**FOLLOWING))

    @rule(version=VERSIONS)
    def release(self, version: str) -> None:
        self._act(lambda: self.world.annotate(release=version))
        self._resolve()

    # What servers and judges do.

    @rule(version=VERSIONS)
    def start_servers(self, version: str) -> None:
        self._act(lambda: self.world.start_servers(version))

    @rule(version=VERSIONS)
    def refuse(self, version: str) -> None:
        if version != self.world.stable:
            self._act(lambda: self.world.refuse_to_start(version, reason="DigestMismatch", message="other bytes"))

    @rule(version=VERSIONS)
    def lose_server(self, version: str) -> None:
        if self.world._servers(version):
            self._act(lambda: self.world.lose_server(version))

    @rule(outcome=st.sampled_from(["Passed", "Passed", "Failed", "Inconclusive"]))
    def judge(self, outcome: str) -> None:
        if self._pods("judge"):
            self._act(lambda: self.world.judge(outcome))

    # What must hold.

    @invariant()
    def requests_reach_the_version_that_serves(self) -> None:
        if version := self.world.stable:
            selector = self.world.server.get("Service", NAME)["spec"]["selector"]
            assert selector.get(LABEL_MODEL, label(version)) == label(version)
            assert self.world.replicas(version) >= 1

    @invariant()
    def what_was_taken_back_gets_no_server(self) -> None:
        candidate = self.world.candidate
        held = {item["digest"] for item in self.world.status.get("quarantined", ())}
        assert candidate.get("digest") not in held or candidate["phase"] == "TakingOver"

    @invariant()
    def one_job_at_a_time(self) -> None:
        assert len(self._pods("")) <= 1

    @invariant()
    def nothing_is_left_of_what_nobody_needs(self) -> None:
        status = self.world.status
        known = [status.get(field, {}).get("digest") for field in ("stable", "candidate", "previous")]
        for kind in ("Deployment", "InferenceService"):
            for item in self.world.server.all(kind):
                assert item["metadata"]["labels"][LABEL_MODEL] in {label_of(one) for one in known if one}

    def teardown(self) -> None:
        """Everybody does their work from here on: it comes to rest."""
        self._calm_down()
        for _ in range(12):
            self._resolve()
            for version in "123":
                self.world.start_servers(version)
            if self._pods("judge"):
                self.world.judge("Passed")
        assert not self.world.candidate
        self.world.pass_time(hours=1)
        self._assert_at_rest()

    # Helpers of the rules.

    def _pods(self, what: str) -> list[str]:
        jobs = [
            pod
            for pod in self.world.server.all("Pod")
            if LABEL_MODEL not in pod["metadata"]["labels"] and pod["metadata"]["name"] in self.world.waiting_pods
        ]
        return [pod["metadata"]["name"] for pod in jobs if what in pod["metadata"]["name"]]

    def _resolve(self) -> None:
        if self._pods("resolve"):
            version = self.world.candidate.get("version", "1")
            self._act(lambda: self.world.resolve(version))


def label_of(one: str) -> str:
    return one.removeprefix("sha256:")[:12]


assert label_of(digest("1")) == label("1")

TestLife = Life.TestCase
TestLife.settings = settings_of_life(EXAMPLES)

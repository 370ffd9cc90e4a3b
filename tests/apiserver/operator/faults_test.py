"""Every write of a run's life, and everything that can go wrong with it.

For each write and each kind of trouble there is a run of its own; all of them live at once in one namespace, and the
trouble strikes each at its own write. However it goes, a run must end as one that nothing happened to, with nothing
doubled and nothing left behind.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.apiserver.operator.team import RESULT, UNREACHABLE, Process, Team, state_of, wait
from tests.faults.proxy import (
    KILL_AFTER,
    KILL_BEFORE,
    LOST_REPLY,
    NEVER_ARRIVED,
    Call,
    Fault,
    Proxy,
    answers,
    delayed,
)

FAULTS: dict[str, Fault] = {
    "lost": LOST_REPLY,
    "unsent": NEVER_ARRIVED,
    "409": answers(409),
    "410": answers(410),
    "422": answers(422),
    "429": answers(429),
    "500": answers(500),
    "500done": answers(500, reaches=True),
    "slow": delayed(3.0),
}
KILLS: dict[str, Fault] = {"killed": KILL_BEFORE, "killed-after": KILL_AFTER}
SPEC = {"retry": {"infrastructure": 20, "user": 0}}
# Two lives that go through every kind of write: a lost attempt and a success; a suspension and a deadline.
LIVES = ("retried", "suspended")
# Seconds without any write, after which nothing is expected any more.
PATIENCE = 60.0
# What each life writes once. In a crowd its number varies, so runs by number may all miss it: some are aimed at it.
ONCE = {"event": ("create", "events"), "deletion": ("delete", "jobs")}


class Pods:
    """Plays the containers and the user of all runs, in a thread: the first attempt of a run is lost or suspended."""

    def __init__(self, team: Team) -> None:
        self._team = team
        self._stop = threading.Event()
        self._toggled: set[str] = set()
        self._resumed: set[str] = set()
        self.trouble: list[BaseException] = []

    @contextmanager
    def playing(self) -> Iterator["Pods"]:
        """Play until the end of the block."""
        thread = threading.Thread(target=self._play, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join(30)
        assert not self.trouble, self.trouble

    def _play(self) -> None:
        while not self._stop.wait(0.3):
            try:
                self._step()
            except BaseException as error:  # noqa: BLE001  # told by the test
                self.trouble.append(error)
                return

    def _step(self) -> None:
        for run in self._team.runs():
            name = run["metadata"]["name"]
            if name.startswith("suspended") and state_of(run) == "Training" and name not in self._toggled:
                self._toggled.add(name)
                self._team.edit(name, suspend=True)
            elif state_of(run) == "Suspended" and name not in self._resumed:
                self._resumed.add(name)
                self._team.edit(name, suspend=False)
        for pod in self._team.pods():
            if pod["status"]["phase"] == "Running" and "annotations" not in pod["metadata"]:
                self._end(pod["metadata"]["name"], pod["metadata"]["labels"])

    def _end(self, pod: str, labels: dict[str, str]) -> None:
        name, first = labels["springtide.dev/name"], labels["springtide.dev/attempt"] == "1"
        if labels["springtide.dev/role"] == "recovery":
            self._team.end_pod(pod, exit_code=1, message=UNREACHABLE | {"reason": "ResultLost"})
        elif not first:
            self._team.end_pod(pod, exit_code=0, message=RESULT)
        elif name.startswith("retried"):
            self._team.end_pod(pod, exit_code=75, message=UNREACHABLE)


@dataclass
class Walk:
    """Strikes each run once, with the fault and at the write that its name tells.

    The write is the n-th of all (`retried-500-3`) or the first of what is written once (`retried-500-event`).
    """

    faults: dict[str, Fault]
    struck: dict[str, Call] = field(default_factory=dict)
    """By the run's name."""

    def plan(self, call: Call) -> Fault | None:
        """The fault of this call, if there is one."""
        life, _, rest = call.about.partition("-")
        kind, _, aim = rest.rpartition("-")
        if life not in LIVES or kind not in self.faults or call.about in self.struck:
            return None
        if not ((call.verb, call.resource) == ONCE[aim] if aim in ONCE else call.number == int(aim)):
            return None
        self.struck[call.about] = call
        return self.faults[kind]

    def assert_every_kind_of_write_was_struck(self, proxy: Proxy) -> None:
        """By every fault."""
        written = {(call.verb, call.resource) for call in proxy.writes}
        for fault in self.faults:
            struck = {
                (call.verb, call.resource)
                for name, call in self.struck.items()
                if name.split("-", 1)[1].startswith(f"{fault}-")
            }
            assert struck == written, fault


def _outcome(run: Any) -> dict[str, Any]:
    """What must be the same however the run got there."""
    status = run["status"]
    conditions = {item["type"]: (item["status"], item["reason"], item["message"]) for item in status["conditions"]}
    attempts = [(item["number"], item.get("failure"), item["reason"], item["message"]) for item in status["attempts"]]
    kept = {name: status.get(name) for name in ("attempt", "failures", "metrics", "model", "inputs")}
    return kept | {"conditions": conditions, "attempts": attempts}


def _live(team: Team, proxy: Proxy, names: list[str]) -> None:
    """Create the runs and wait until all have ended: however slow the machine is, as long as anything goes on."""
    for name in names:
        team.create(name, **SPEC)
    while going := [run for run in team.runs() if "completionTime" not in run.get("status", {})]:
        states = {run["metadata"]["name"]: state_of(run) for run in going}
        assert proxy.quiet_seconds < PATIENCE, f"nothing was written for {PATIENCE:.0f} s; not ended: {states}"
        time.sleep(0.5)


def _judge(team: Team, proxy: Proxy, names: list[str]) -> None:
    """The oracles."""
    references = {life: _outcome(team.run(f"{life}-reference-0")) for life in LIVES}
    for name in names:
        assert _outcome(team.run(name)) == references[name.partition("-")[0]], name
    pods = Counter(pod["metadata"]["ownerReferences"][0]["name"] for pod in team.pods())
    assert all(count == 1 for count in pods.values()), "a Job of ours never has a second pod"
    jobs = {f"{name}-a{number}" for name in names for number in (1, 2)}
    expected = {job for job in jobs if not (job.startswith("suspended") and job.endswith("-a1"))}
    assert set(team.job_names()) == expected
    _assert_ends_are_final(proxy)
    # A run may end before the Job controller has said so of its Job.
    wait("the Jobs to end", lambda: all("completionTime" in job["status"] or _failed(job) for job in team.jobs()))
    wait("the operator to rest", lambda: proxy.has_rested)
    writes = len(proxy.writes)
    before = team.versions()
    time.sleep(2)  # what is proved here is that nothing happens
    assert proxy.writes[writes:] == []
    assert team.versions() == before


def _failed(job: Any) -> bool:
    return any(item["type"] == "Failed" and item["status"] == "True" for item in job["status"].get("conditions", ()))


def _assert_ends_are_final(proxy: Proxy) -> None:
    ended: set[str] = set()
    for call in proxy.writes:
        if call.resource == "trainingruns/status":
            assert call.name not in ended, f"{call.name} was written to after its end"
            status = next(step["value"] for step in call.body if step["path"] == "/status")
            if "completionTime" in status:
                ended.add(call.name)


def _assert_nothing_is_left(team: Team, names: list[str]) -> None:
    for name in names:
        team.delete(name)
    wait("all to be gone", lambda: not team.runs() and not team.jobs() and not team.pods(), seconds=60)


def _names(faults: dict[str, Fault], writes: dict[str, int]) -> list[str]:
    references = [f"{life}-reference-0" for life in LIVES]
    numbered = [f"{life}-{kind}-{number}" for life in LIVES for kind in faults for number in range(1, writes[life] + 1)]
    return [*references, *numbered, *(f"suspended-{kind}-deletion" for kind in faults)]


def _names_for_events(faults: dict[str, Fault]) -> list[str]:
    return [f"retried-{kind}-event" for kind in faults]


WRITES = {"retried": 9, "suspended": 9}
"""How many writes a life takes at most: in a crowd one write often says what two would have said."""


def test_no_life_is_longer_than_the_walk(team: Team, proxy: Proxy) -> None:
    names = [f"{life}-reference-0" for life in LIVES]
    with team.operator(url=proxy.url), Pods(team).playing():
        _live(team, proxy, names)
        wait("the leftovers to go", lambda: len(team.jobs()) == 3)
    lives = Counter(call.about.partition("-")[0] for call in proxy.writes)
    assert all(lives[life] <= WRITES[life] for life in LIVES), [
        (call.about, call.verb, call.name) for call in proxy.writes
    ]


@pytest.mark.timeout(600)
def test_trouble_at_any_write_changes_nothing_in_the_end(team: Team, proxy: Proxy) -> None:
    names = _names(FAULTS, WRITES) + _names_for_events(FAULTS)
    walk = Walk(FAULTS)
    proxy.plan = walk.plan
    with team.operator(url=proxy.url) as operator, Pods(team).playing():
        _live(team, proxy, names)
        wait("the leftovers to go", lambda: len(team.jobs()) == _jobs_that_stay(names))
        _judge(team, proxy, names)
        walk.assert_every_kind_of_write_was_struck(proxy)
        assert 'outcome="error"' not in operator.metrics()
        _assert_nothing_is_left(team, names)


@pytest.mark.timeout(600)
def test_death_at_any_write_changes_nothing_in_the_end(team: Team, proxy: Proxy) -> None:
    names = _names(KILLS, WRITES)
    walk = Walk(KILLS)
    proxy.plan = walk.plan
    with team.operator(url=proxy.url) as operator, _always_restarted(operator, proxy) as deaths, Pods(team).playing():
        _live(team, proxy, names)
        # One after the other: an event that was not sent when the operator died is not sent again.
        for name in _names_for_events(KILLS):
            _live(team, proxy, [name])
        names += _names_for_events(KILLS)
        wait("the leftovers to go", lambda: len(team.jobs()) == _jobs_that_stay(names))
        _judge(team, proxy, names)
        assert len(deaths) == len(walk.struck)
        walk.assert_every_kind_of_write_was_struck(proxy)
        _assert_nothing_is_left(team, names)


def _jobs_that_stay(names: list[str]) -> int:
    return sum(2 if name.startswith("retried") else 1 for name in names)


@contextmanager
def _always_restarted(operator: Process, proxy: Proxy) -> Iterator[list[float]]:
    """Kubernetes' part: a process that died is started again. Yields the times of its deaths."""
    deaths: list[float] = []
    stop = threading.Event()

    def kill() -> None:
        deaths.append(time.monotonic())
        operator.kill()

    def watch() -> None:
        while not stop.wait(0.1):
            if not operator.is_running:
                operator.start()

    proxy.kill = kill
    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield deaths
    finally:
        stop.set()
        thread.join(10)

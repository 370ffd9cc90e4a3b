"""What a new version costs those who ask: nothing while it takes over, and seconds of its answers where it is bad.

In the local cluster, with real kubelets and containers. A pod asks a ModelService at a steady rate meanwhile and counts
what failed. Each round has a service of its own, with two servers of version 1, and asks for another version: for one
that is nearly alike, while what helps it to take over is killed, or for one whose scores lie elsewhere.
"""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import local_cluster
from figures import Figure, not_measured, spread

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.kind import volumes
from tests.kind.cluster import SYSTEM, Document, Namespace, Resource, make_namespace, wait_for
from tests.kind.serving import versions
from tests.kind.serving.services import (
    a_service,
    ask_for,
    lose_leader_and_server,
    progress,
    servers_of,
    serving,
    under_load,
)

ROUNDS = 3
RATE = 100
LEAST_RATE = 80
"""Requests a second that must really have been sent, as in the tests."""
PAUSE_SECONDS = 10
"""Of the only step: half of the servers of either version."""
BACK_SECONDS = 15.0
TOOK_OVER = f"a version takes over under {RATE} requests/s, leader and server killed: failed requests"
TAKE_OVER = "from the change of the spec until it serves"
WENT_BACK = f"a bad version is taken back under {RATE} requests/s: failed requests"
LET_GO, LAST_ANSWER = "from the evidence until it is sent no requests", "from the evidence until its last answer"
GOALS = {TOOK_OVER: "0", WENT_BACK: "0", LET_GO: f"<= {BACK_SECONDS:.0f} s", LAST_ANSWER: f"<= {BACK_SECONDS:.0f} s"}
JUDGED = "watching the candidate: done"
"""What the judge's log says as soon as a check has failed."""


@dataclass(frozen=True)
class TakeOver:
    """seconds: from the change of the spec until Ready with TakenOver. told: how the requests went, see load.py."""

    seconds: float
    told: Document


@dataclass(frozen=True)
class Rollback:
    """Seconds after the evidence: when the service had let go of it, and when it answered last. told: as above."""

    let_go: float
    last_answer: float
    told: Document


def run(*, rounds: int = ROUNDS) -> Iterator[Figure]:
    """So many take-overs and as many rollbacks. Without an operator in the cluster nothing is measured."""
    if problem := local_cluster.problem():
        yield from (not_measured(name, goal=goal, reason=problem) for name, goal in GOALS.items())
        return
    namespace = make_namespace("release")
    try:
        with TemporaryDirectory() as folder:
            volumes.load(namespace, volumes.write(Path(folder)))
        versions.train(namespace)
        taken_over = [_take_over(namespace, f"takes-over-{number + 1}") for number in range(rounds)]
        taken_back = [_rollback(namespace, f"goes-back-{number + 1}") for number in range(rounds)]
    finally:
        namespace.kubectl("delete", "namespace", namespace.name, "--wait=false")
    how = (
        "in its step the leader is killed (--grace-period=0 --force), and the pod of a stable server deleted gracefully"
    )
    yield _failed(TOOK_OVER, [one.told for one in taken_over], note=how)
    pause = f"{rounds} take-overs, one after another; {PAUSE_SECONDS} s of each are the step's"
    yield _seconds(TAKE_OVER, [one.seconds for one in taken_over], note=pause)
    bad = sum(one.told["versions"]["3"] for one in taken_back)
    yield _failed(WENT_BACK, [one.told for one in taken_back], note=f"the bad version answered {bad:,} of them")
    yield _seconds(LET_GO, [one.let_go for one in taken_back], note=f"{rounds} rollbacks; looked at every 0.3 s")
    yield _seconds(LAST_ANSWER, [one.last_answer for one in taken_back], note="kept connections included")


def _take_over(namespace: Namespace, name: str) -> TakeOver:
    with serving(namespace, _a_service(name)), under_load(namespace, name, rate=RATE) as told:
        begin = time.time()
        ask_for(namespace, name, "2")
        namespace.wait_for_service(name, lambda found: progress(found) == "Canary", what="to be watched")
        lose_leader_and_server(namespace, Namespace(SYSTEM), name)
        namespace.wait_for_service(name, _has_taken_over, what="to have taken over")
        seconds = time.time() - begin
    print(f"  {name}: {seconds:.1f} s; {told}", flush=True)
    return TakeOver(seconds, told)


def _has_taken_over(service: Resource) -> bool:
    return service.status["stable"]["version"] == "2" and progress(service) == "TakenOver" and service.ready == "True"


def _rollback(namespace: Namespace, name: str) -> Rollback:
    with serving(namespace, _a_service(name)), under_load(namespace, name, rate=RATE) as told:
        ask_for(namespace, name, "3")
        service = namespace.wait_for_service(name, lambda found: progress(found) == "Canary", what="to be watched")
        bad = service.status["candidate"]["digest"].removeprefix("sha256:")[:12]
        _wait_for_requests(namespace, name, bad, there=True)
        _wait_for_requests(namespace, name, bad, there=False)
        let_go = time.time()
        service = namespace.wait_for_service(
            name, lambda found: progress(found) == "Quarantined", what="to take version 3 back"
        )
        assert service.status["quarantined"][0]["reason"] == "CheckFailed", service.status["quarantined"]
        # Until then somebody may still ask it by a connection that was kept.
        wait_for(
            lambda: not any(pod["metadata"]["labels"]["springtide.dev/model"] == bad
                            for pod in servers_of(namespace, name)),
            what="the servers of version 3 to be gone", seconds=60, state=lambda: namespace.state(name, kind="msvc"),
        )  # fmt: skip
        evidence = _evidence(namespace, name)
    rollback = Rollback(let_go - evidence, told["last"]["3"] - evidence, told)
    print(f"  {name}: {rollback}", flush=True)
    return rollback


def _a_service(name: str) -> Document:
    return a_service(name, steps=[{"weight": 50, "pauseSeconds": PAUSE_SECONDS}])


def _wait_for_requests(namespace: Namespace, name: str, model: str, *, there: bool) -> None:
    """Until the Service sends requests to servers of a model, or to none of them."""

    def look() -> bool:
        slices = namespace.read("endpointslices", "--selector", f"kubernetes.io/service-name={name}")["items"]
        ready = [one["targetRef"]["name"] for part in slices for one in part["endpoints"] if one["conditions"]["ready"]]
        return any(pod.startswith(f"{name}-{model}-") for pod in ready) == there

    what = f"version {model} to {'get' if there else 'lose'} requests"
    wait_for(look, what=what, seconds=120, state=lambda: namespace.state(name, kind="msvc"))


def _evidence(namespace: Namespace, name: str) -> float:
    """When the judge had found the check failed, in seconds of the wall clock, which the cluster's nodes share."""
    judge = f"springtide.dev/name={name},springtide.dev/role=judge"
    log = namespace.kubectl("logs", "--selector", judge, "--tail=-1")
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    return max(datetime.fromisoformat(line["timestamp"]).timestamp() for line in lines if line["event"] == JUDGED)


def _failed(name: str, told: list[Document], *, note: str) -> Figure:
    failed, sent = sum(one["failures"] for one in told), sum(one["sent"] for one in told)
    rate = min(one["sent"] / one["seconds"] for one in told)
    return Figure(
        name,
        f"{failed:,} of {sent:,}",
        goal=GOALS[name],
        met=failed == 0 and rate >= LEAST_RATE,
        note=f"{rate:.0f} requests/s were sent, at least; {note}",
    )


def _seconds(name: str, seconds: list[float], *, note: str) -> Figure:
    goal = GOALS.get(name, "")
    met = max(seconds) <= BACK_SECONDS if goal else None
    return Figure(name, spread(seconds), goal=goal, met=met, note=note)


if __name__ == "__main__":
    for figure in run():
        print(figure)

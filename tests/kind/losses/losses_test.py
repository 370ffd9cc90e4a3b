"""Pods and the operator go away while runs are under way: that changes nothing but the time."""

import pytest

from tests.kind.cluster import HELD, HELD_ONCE, Namespace, a_program, a_run, release, wait_for
from tests.kind.operator_pods import leader, no_operator, wait_for_leader


def _uids(namespace: Namespace, run: str) -> set[str]:
    return {job["metadata"]["uid"] for job in namespace.children("jobs", run)}


def test_a_deleted_pod_is_followed_by_another_attempt_that_costs_the_user_nothing(team: Namespace) -> None:
    team.apply(a_program("pod-deleted", HELD_ONCE))
    team.wait_for_reason("pod-deleted", "Training")
    team.kubectl("delete", "pod", team.pod_of("pod-deleted"))
    run = team.wait_for_end("pod-deleted")
    assert (run.ready, run.reason) == ("True", "Succeeded")
    assert len(run.endings) == 2
    assert run.failures == (1, 0)


def test_a_pod_that_is_deleted_while_it_really_trains_is_trained_again_to_the_same_model(team: Namespace) -> None:
    slow = {"name": "gbdt", "parameters": {"numRounds": 4000, "learningRate": 0.001, "earlyStoppingRounds": 0}}
    team.apply(a_run("trains-again", recipe=slow), a_run("trains-once", recipe=slow, memoize=False))
    team.wait_for_reason("trains-again", "Training")
    wait_for(
        lambda: '"event": "training"' in team.kubectl("logs", "job/trains-again-a1"),
        what="trains-again to train",
        seconds=60,
        state=lambda: team.state("trains-again"),
    )
    team.kubectl("delete", "pod", team.pod_of("trains-again"))
    again, once = team.wait_for_end("trains-again"), team.wait_for_end("trains-once")
    assert (again.ready, len(again.endings), again.failures) == ("True", 2, (1, 0))
    assert again.status["model"]["digest"] == once.status["model"]["digest"]


def test_another_replica_takes_over_from_a_leader_that_is_told_to_go(team: Namespace, system: Namespace) -> None:
    team.apply(a_program("handed-over", HELD))
    team.wait_for_reason("handed-over", "Training")
    jobs, first = _uids(team, "handed-over"), leader(system)
    system.kubectl("delete", "pod", first, "--wait=false")
    wait_for_leader(system, other_than=first, seconds=14)  # sooner than the lease runs out: it was handed over
    release(team, "handed-over")
    run = team.wait_for_end("handed-over")
    assert (run.ready, run.endings, _uids(team, "handed-over")) == ("True", ["Succeeded"], jobs)


@pytest.fixture(scope="module")
def after_blackout(team: Namespace, system: Namespace) -> dict[str, set[str]]:
    """The operator was killed, and back, while runs were at every step. The uids of their Jobs at the kill."""
    held = ("ends-meanwhile", "goes-on", "vanishes", "deleted-meanwhile", "suspended-meanwhile")
    team.apply(*(a_program(name, HELD_ONCE if name.startswith("suspended") else HELD) for name in held))
    for name in held:
        team.wait_for_reason(name, "Training")
    jobs = {name: _uids(team, name) for name in held}
    team.apply(a_program("just-created", "succeed"))  # killed at any point of its first pass
    with no_operator(system):
        team.apply(a_program("created-meanwhile", "succeed"))
        for name in ("ends-meanwhile", "vanishes"):
            release(team, name)
            team.wait_until_stopped(name)
        team.kubectl("delete", "pod", team.pod_of("vanishes"))
        team.kubectl("delete", "trainingrun", "deleted-meanwhile", "--wait=false")
        team.kubectl("patch", "trun", "suspended-meanwhile", "--type=merge", "--patch", '{"spec":{"suspend":true}}')
    release(team, "goes-on")
    return jobs


@pytest.mark.usefixtures("after_blackout")
@pytest.mark.parametrize("name", ["just-created", "created-meanwhile"])
def test_a_run_that_nobody_saw_is_found(name: str, team: Namespace) -> None:
    run = team.wait_for_end(name)
    assert (run.ready, run.endings) == ("True", ["Succeeded"])
    assert len(team.children("jobs", name)) == 1


@pytest.mark.parametrize("name", ["ends-meanwhile", "goes-on"])
def test_a_run_under_way_is_not_begun_again(name: str, after_blackout: dict[str, set[str]], team: Namespace) -> None:
    run = team.wait_for_end(name)
    assert (run.ready, run.endings) == ("True", ["Succeeded"])
    assert _uids(team, name) == after_blackout[name]
    assert len(team.children("pods", name)) == 1


@pytest.mark.usefixtures("after_blackout")
def test_a_result_survives_its_pod(team: Namespace) -> None:
    run = team.wait_for_end("vanishes")
    assert (run.ready, run.reason, run.endings) == ("True", "Succeeded", ["Succeeded"])
    assert run.status["metrics"] == {"auc": 0.75}
    roles = sorted(job["metadata"]["labels"]["springtide.dev/role"] for job in team.children("jobs", "vanishes"))
    assert roles == ["attempt", "recovery"], "finished work is looked for, not done again"


@pytest.mark.usefixtures("after_blackout")
def test_a_run_that_was_deleted_meanwhile_leaves_nothing(team: Namespace) -> None:
    team.wait_until_gone("pods", "deleted-meanwhile")
    team.wait_until_gone("jobs", "deleted-meanwhile")


@pytest.mark.usefixtures("after_blackout")
def test_a_suspended_run_stops_and_goes_on_when_it_may(team: Namespace) -> None:
    run = team.wait_for_reason("suspended-meanwhile", "Suspended")
    assert (run.ready, run.conditions["Queued"]["status"]) == ("False", "True")
    team.wait_until_stopped("suspended-meanwhile")
    team.kubectl("patch", "trun", "suspended-meanwhile", "--type=merge", "--patch", '{"spec":{"suspend":false}}')
    run = team.wait_for_end("suspended-meanwhile")
    assert (run.ready, run.endings, run.failures) == ("True", ["Suspended", "Succeeded"], (0, 0))


@pytest.mark.parametrize("moment", ["at-once", "starting", "training", "ended"])
def test_a_run_can_be_deleted_at_any_moment(moment: str, team: Namespace) -> None:
    name = f"deleted-{moment}"
    team.apply(a_program(name, "succeed" if moment == "ended" else HELD))
    if moment == "starting":
        team.wait_for_run(name, lambda run: run.status.get("attempt") == 1, what="to have an attempt")
    if moment == "training":
        team.wait_for_reason(name, "Training")
    if moment == "ended":
        team.wait_for_end(name)
    team.kubectl("delete", "trainingrun", name)
    team.wait_until_gone("pods", name)
    team.wait_until_gone("jobs", name)

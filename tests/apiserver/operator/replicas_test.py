"""Two replicas: one works, the other takes over, and nothing is done twice."""

import signal

from tests.apiserver.operator.team import Team, wait


def test_a_follower_is_live_and_ready_and_works_on_nothing(team: Team) -> None:
    with team.operator("first") as first:
        wait("the first to lead", lambda: first.is_leading)
        with team.operator("second") as second:
            wait("the second to wait", lambda: second.is_following)
            team.create()
            team.end("churn-a1")
            team.wait_for("Succeeded")
            assert second.healthy()
            assert "springtide_reconcile_total{" not in second.metrics()


def test_a_leader_that_is_told_to_stop_hands_over_at_once(team: Team) -> None:
    with team.operator("first") as first, team.operator("second") as second:
        wait("one to lead", lambda: first.is_leading or second.is_leading)
        leader, follower = (first, second) if first.is_leading else (second, first)
        team.create()
        team.running_pod("churn-a1")
        assert leader.terminate() == 0
        wait("the other to lead", lambda: follower.is_leading, seconds=8)
        team.end("churn-a1")
        team.wait_for("Succeeded")
        assert team.job_names() == ["churn-a1"]


def test_a_leader_that_is_killed_is_succeeded_after_the_lease_runs_out(team: Team) -> None:
    with team.operator("first") as first:
        wait("the first to lead", lambda: first.is_leading)
        with team.operator("second") as second:
            team.create()
            team.running_pod("churn-a1")
            first.kill()
            team.end("churn-a1")
            wait("the second to lead", lambda: second.is_leading, seconds=25)
            team.wait_for("Succeeded")
            assert team.job_names() == ["churn-a1"]


def test_a_leader_that_slept_ends_when_it_wakes_and_harms_nothing(team: Team) -> None:
    with team.operator("first") as first:
        wait("the first to lead", lambda: first.is_leading)
        with team.operator("second") as second:
            team.create()
            team.running_pod("churn-a1")
            first.signal(signal.SIGSTOP)
            wait("the second to lead", lambda: second.is_leading, seconds=25)
            team.edit(suspend=True)
            team.wait_for("Suspended")
            team.edit(suspend=False)
            team.running_pod("churn-a2")
            first.signal(signal.SIGCONT)
            wait("the first to end", lambda: not first.is_running, seconds=15)
            team.end("churn-a2")
            team.wait_for("Succeeded")
            assert team.job_names() == ["churn-a2"]
            assert len(team.pods()) == 1
            assert second.is_running


def test_a_lease_that_somebody_deletes_is_made_again_and_ends_no_work(team: Team) -> None:
    leases = f"/apis/coordination.k8s.io/v1/namespaces/{team.namespace}/leases"
    with team.operator() as operator:
        wait("it to lead", lambda: operator.is_leading)
        before = team.send("GET", leases)["items"][0]
        team.send("DELETE", f"{leases}/springtide-operator")
        (after,) = wait("the lease to be there again", lambda: team.send("GET", leases)["items"])
        assert after["metadata"]["uid"] != before["metadata"]["uid"]
        assert after["spec"]["holderIdentity"] == before["spec"]["holderIdentity"]
        team.create()
        team.end("churn-a1")
        team.wait_for("Succeeded")
        assert operator.is_leading

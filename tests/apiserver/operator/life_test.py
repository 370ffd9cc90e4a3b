"""A run from its creation to its end, with the operator as a process and real controllers behind a real API server."""

import pytest

from tests.apiserver.operator.team import RESULT, UNREACHABLE, Process, Team, state_of, wait
from tests.faults.proxy import Proxy


def test_a_run_trains_and_its_result_is_in_the_status(team: Team, proxy: Proxy) -> None:
    with team.operator(url=proxy.url):
        with team.none_of("pods"):  # a pod that runs at once is told together with its start, in one write less
            team.create()
            team.wait_for("Starting")
        team.running_pod("churn-a1")
        team.wait_for("Training")
        team.end("churn-a1")
        status = team.wait_for("Succeeded")["status"]
        assert status["metrics"] == {"auc": 0.93}
        assert status["model"]["version"] == "1"
        assert status["attempts"][0]["name"] == "churn-a1"
        assert [call.resource for call in proxy.writes] == ["jobs", *["trainingruns/status"] * 3]


def test_lost_infrastructure_is_tried_again(team: Team) -> None:
    with team.operator():
        team.create(retry={"infrastructure": 3, "user": 0})
        team.end("churn-a1", exit_code=75, message=UNREACHABLE)
        team.wait_for("Retrying")
        pod = team.running_pod("churn-a2")
        team.delete_pod(pod)
        team.end("churn-a3")
        status = team.wait_for("Succeeded")["status"]
        assert status["failures"] == {"infrastructure": 2, "user": 0}
        assert [item["reason"] for item in status["attempts"]] == ["StoreUnavailable", "PodDeleted", "Succeeded"]


@pytest.mark.parametrize(
    ("exit_code", "message", "reason", "state"),
    [
        (64, {"status": "Failed", "reason": "ColumnNotFound", "message": "no column x"}, "", "ColumnNotFound"),
        (1, "KeyError", "", "TrainingFailed"),
        (137, " ", "OOMKilled", "OutOfMemory"),
        (0, "not a result", "", "InvalidResult"),
    ],
)
def test_what_the_user_has_to_mend_ends_the_run(
    team: Team, exit_code: int, message: dict[str, str] | str, reason: str, state: str
) -> None:
    with team.operator():
        team.create()
        team.end("churn-a1", exit_code=exit_code, message=message, reason=reason)
        assert team.wait_for(state)["status"]["completionTime"]
        assert team.job_names() == ["churn-a1"]


def test_suspension_stops_the_pod_and_resuming_starts_another(team: Team) -> None:
    with team.operator():
        team.create()
        team.running_pod("churn-a1")
        team.edit(suspend=True)
        team.wait_for("Suspended")
        wait("the Job to go", lambda: not team.job_names())
        team.edit(suspend=False)
        team.end("churn-a2")
        assert team.wait_for("Succeeded")["status"]["failures"] == {"infrastructure": 0, "user": 0}


def test_the_deadline_ends_the_run_and_its_job(team: Team) -> None:
    with team.operator():
        team.create(deadlineSeconds=1)
        team.wait_for("DeadlineExceeded")
        wait("the Job to go", lambda: not team.job_names())


@pytest.mark.parametrize("moment", ["before it starts", "while it trains", "while it is recovered", "after its end"])
def test_deletion_leaves_nothing_at_any_moment(team: Team, moment: str) -> None:
    with team.operator() as operator:
        team.create()
        if moment != "before it starts":
            team.running_pod("churn-a1")
            if moment == "while it is recovered":
                _let_the_pod_vanish(team, operator)
            if moment == "after its end":
                team.end("churn-a1")
                team.wait_for("Succeeded")
        team.delete()
        wait("all to be gone", lambda: not team.jobs() and not team.pods() and not team.runs())


def test_a_run_that_is_deleted_and_made_again_starts_anew(team: Team) -> None:
    with team.operator():
        team.create()
        team.running_pod("churn-a1")
        team.delete()
        uid = team.create()["metadata"]["uid"]

        def look() -> bool:
            owners = [job["metadata"]["ownerReferences"][0]["uid"] for job in team.jobs()]
            return owners == [uid] and all(
                pod["metadata"]["labels"]["springtide.dev/uid"] == uid for pod in team.pods()
            )

        wait("only the new run's Job and pod", look)
        team.end("churn-a1")
        assert team.wait_for("Succeeded")["status"]["attempt"] == 1


def test_the_result_of_a_pod_that_vanished_while_no_operator_was_there_is_recovered(team: Team) -> None:
    with team.operator() as operator:
        team.create()
        _let_the_pod_vanish(team, operator)
        team.end("churn-recover-a1")
        status = team.wait_for("Succeeded")["status"]
        assert status["attempt"] == 1
        assert status["failures"] == {"infrastructure": 0, "user": 0}


def _let_the_pod_vanish(team: Team, operator: Process) -> None:
    pod = team.running_pod("churn-a1")
    operator.kill()
    team.delete_pod(pod)
    wait("the pod to go", lambda: not team.pods())
    operator.start()
    team.wait_for("RecoveringResult")


def test_a_job_that_somebody_deletes_is_recovered(team: Team) -> None:
    with team.operator():
        team.create()
        team.running_pod("churn-a1")
        team.delete_job("churn-a1")
        team.end("churn-recover-a1", exit_code=1, message=UNREACHABLE | {"reason": "ResultLost"})
        team.end("churn-a2")
        assert team.wait_for("Succeeded")["status"]["failures"] == {"infrastructure": 1, "user": 0}


def test_two_hundred_runs_at_once_all_succeed_and_none_twice(team: Team) -> None:
    with team.operator() as operator:
        for number in range(200):
            team.create(f"run-{number}")

        def finish() -> bool:
            for pod in team.pods():
                if pod["status"]["phase"] == "Running" and "annotations" not in pod["metadata"]:
                    team.end_pod(pod["metadata"]["name"], exit_code=0, message=RESULT)
            return all(state_of(run) == "Succeeded" for run in team.runs())

        wait("200 runs to succeed", finish, seconds=120)
        assert len(team.jobs()) == 200
        assert len(team.pods()) == 200
        assert operator.healthy()
        assert 'outcome="error"' not in operator.metrics()

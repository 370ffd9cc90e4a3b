"""What the cluster does not take: the run says so in the cluster's words, and goes on when it may."""

from typing import Any

from tests.apiserver.operator.team import Team, state_of, wait
from tests.faults.proxy import Call, Fault, Proxy, answers


def test_a_quota_on_jobs_is_told_and_tried_again(team: Team, proxy: Proxy) -> None:
    with team.operator(url=proxy.url):
        with team.none_of("count/jobs.batch"):
            team.create()
            run = team.wait_for("Forbidden")
            assert "exceeded quota: none" in _message(run)
            wait("the operator to rest", lambda: proxy.has_rested)
            writes = len(proxy.writes)
        team.create("other")
        team.wait_for("Training", "other")
        assert all(call.about == "other" for call in proxy.writes[writes:])
        team.edit(suspend=True)
        team.wait_for("Suspended")
        team.edit(suspend=False)
        team.wait_for("Training")


def test_a_pod_that_pod_security_refuses_leaves_a_hint(team: Team) -> None:
    """Pods are refused behind the Job's back; ours pass even where the restricted standard is enforced."""
    label = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    team.send("PATCH", f"/api/v1/namespaces/{team.namespace}", label)
    with team.operator():
        team.create()
        team.wait_for("Training")
    with team.none_of("pods"), team.operator():
        team.create("other")
        run = team.wait_for("Starting", "other")
        assert "`kubectl describe job other-a1` says why" in _message(run)


def test_a_name_that_is_taken_is_left_alone(team: Team) -> None:
    container = {"name": "main", "image": "theirs"}
    spec = {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}}
    jobs = f"/apis/batch/v1/namespaces/{team.namespace}/jobs"
    theirs = team.send("POST", jobs, {"metadata": {"name": "churn-a1"}, "spec": spec})
    with team.operator():
        team.create()
        run = team.wait_for("NameTaken")
        assert "exists and belongs to something else" in _message(run)
        found = team.send("GET", f"{jobs}/churn-a1")
        assert found["metadata"]["uid"] == theirs["metadata"]["uid"]
        assert "ownerReferences" not in found["metadata"]
        assert "labels" not in found["metadata"] or "springtide.dev/name" not in found["metadata"]["labels"]


def test_a_status_that_may_not_be_written_heals_when_it_may(team: Team, proxy: Proxy) -> None:
    forbidden = True

    def plan(call: Call) -> Fault | None:
        return answers(403) if forbidden and call.resource == "trainingruns/status" else None

    proxy.plan = plan
    with team.operator(url=proxy.url) as operator:
        team.create()
        team.running_pod("churn-a1")
        wait("the trouble to be counted", lambda: 'code="403",resource="trainingruns/status"' in operator.metrics())
        assert team.job_names() == ["churn-a1"]
        forbidden = False
        team.end("churn-a1")
        team.wait_for("Succeeded")


def test_a_queue_without_kueue_is_told(team: Team) -> None:
    with team.operator():
        team.create(queueName="default")
        assert "install Kueue" in _message(team.wait_for("CapabilityMissing"))
        assert team.job_names() == []


def _message(run: Any) -> str:
    assert state_of(run)
    return next(str(item["message"]) for item in run["status"]["conditions"] if item["type"] == "Ready")

"""What the operator asks the API server for, and what becomes of it when the answers stop coming."""

import json
from typing import Any

from springtide.cluster.access import ACCESS

from tests.apiserver.operator.team import RESULT, Team, wait
from tests.faults.proxy import Proxy

CHILDREN = ("jobs", "pods", "persistentvolumeclaims")


def test_children_are_listed_and_watched_by_our_label_only(team: Team, proxy: Proxy) -> None:
    """The form of the setting that kopf's documentation shows matches nothing: then every pod of the cluster comes."""
    with team.operator(url=proxy.url):
        team.create()
        team.end("churn-a1")
        team.wait_for("Succeeded")
    for resource in CHILDREN:
        calls = [call for call, _ in proxy.calls if call.resource == resource and call.verb in ("list", "watch")]
        assert {call.verb for call in calls} == {"list", "watch"}
        assert all(call.query.get("labelSelector") == "springtide.dev/kind" for call in calls), resource


def test_the_operator_asks_for_nothing_that_is_not_in_its_access_table(team: Team, proxy: Proxy) -> None:
    allowed = {(access.resource, verb) for access in ACCESS for verb in access.verbs}
    with team.operator(url=proxy.url):
        team.create()
        team.end("churn-a1", exit_code=1, message="boom")
        team.wait_for("TrainingFailed")
    asked = {(call.resource, call.verb) for call, _ in proxy.calls if call.resource}
    assert asked <= allowed | {("apis", "list")}


def test_watches_that_are_cut_come_back(team: Team, proxy: Proxy) -> None:
    with team.operator(url=proxy.url):
        team.create()
        team.running_pod("churn-a1")
        team.wait_for("Training")
        for _ in range(3):
            assert proxy.cut_watches() > 0
        team.end("churn-a1")
        team.wait_for("Succeeded")


def test_the_resync_finds_what_a_silent_watch_missed_and_the_probe_tells(team: Team, proxy: Proxy) -> None:
    with team.operator(url=proxy.url) as operator:
        team.create()
        team.running_pod("churn-a1")
        team.wait_for("Training")
        proxy.held_watches |= {"pods", "jobs", "trainingruns"}
        team.end("churn-a1")
        team.wait_for("Succeeded", seconds=40)
        team.create("other")
        team.wait_for("Training", "other", seconds=40)
        wait("the probe to tell", lambda: not operator.healthy(), seconds=110)


def test_a_list_from_the_past_makes_no_second_pod_and_undoes_nothing(team: Team, proxy: Proxy) -> None:
    with team.operator(url=proxy.url) as operator:
        team.create()
        team.running_pod("churn-a1")
        team.wait_for("Training")
        old_runs = {"kind": "TrainingRunList", "metadata": {"resourceVersion": "1"}, "items": []}
        run = team.run()
        run["status"] = {}
        run["metadata"]["resourceVersion"] = str(int(run["metadata"]["resourceVersion"]) - 3)
        old_runs["items"] = [run]
        old_runs["metadata"] = {"resourceVersion": run["metadata"]["resourceVersion"]}
        proxy.old_lists["trainingruns"] = json.dumps(old_runs).encode()
        proxy.old_lists["jobs"] = json.dumps(old_runs | {"kind": "JobList", "items": []}).encode()
        operator.kill()
        operator.start().wait_until_in_sync()
        proxy.old_lists.clear()
        team.end("churn-a1", message=RESULT)
        status = team.wait_for("Succeeded", seconds=60)["status"]
        assert team.job_names() == ["churn-a1"]
        assert status["attempt"] == 1


def test_a_settled_namespace_is_left_alone_even_by_a_new_process(team: Team, proxy: Proxy) -> None:
    with team.operator(url=proxy.url, resyncSeconds=10) as operator:
        team.create("done")
        team.end("done-a1")
        team.wait_for("Succeeded", "done")
        team.create("failed")
        team.end("failed-a1", exit_code=1, message="boom")
        team.wait_for("TrainingFailed", "failed")
        team.create("suspended", suspend=True)
        team.wait_for("Suspended", "suspended")
        team.create("trains")
        team.running_pod("trains-a1")
        team.wait_for("Training", "trains")
        team.create("waits", queueName="default")
        team.wait_for("CapabilityMissing", "waits")
        wait("both Jobs to be finished", lambda: sum(_is_finished(job) for job in team.jobs()) == 2)
        wait("the operator to rest", lambda: proxy.has_rested)
        writes = len(proxy.writes)
        lists = _lists(proxy)
        wait("two resyncs", lambda: _lists(proxy) >= lists + 2, seconds=40)
        assert operator.terminate() == 0
        operator.start().wait_until_in_sync()
        lists = _lists(proxy)
        wait("another resync", lambda: _lists(proxy) >= lists + 1, seconds=30)
        assert proxy.writes[writes:] == []


def _is_finished(job: Any) -> bool:
    return any(condition["type"] in ("Complete", "Failed") for condition in job["status"].get("conditions", ()))


def _lists(proxy: Proxy) -> int:
    calls = [call for call, _ in proxy.calls if call.verb == "list" and call.resource == "persistentvolumeclaims"]
    return sum("limit" in call.query for call in calls)

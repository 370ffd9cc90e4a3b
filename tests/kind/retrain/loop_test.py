"""The loop with real trainings: a first champion, a better one, two that are not, and one that waits for a person."""

from pathlib import Path

import pytest

from tests.kind import volumes
from tests.kind.cluster import CommandError, Namespace, Resource, wait_for
from tests.kind.operator_pods import leader, wait_for_leader
from tests.kind.retrain.loops import (
    ASKING,
    BETTER,
    DATASET,
    GATES,
    POLICY,
    SERVICE,
    USELESS,
    a_policy,
    alias_of,
    ask_for_recipe,
    awaiting_approval,
    champion_of,
    ended,
    gates_of,
    next_run_of,
    policy_of,
    tag_digest,
)
from tests.kind.retrain.records import FAILING, a_policy_that_fails, record_of, recorded
from tests.kind.serving.services import under_load
from tests.kind.volumes import Shelf

RIVAL = "rival"


def test_the_first_model_is_promoted_by_itself_and_served(loop: Namespace, mlflow_url: str):
    policy = policy_of(loop)
    (past,) = policy.status["history"]
    assert (past["trigger"], past["outcome"]) == ("First", "Promoted"), past
    champion = policy.status["champion"]
    assert (champion["version"], champion["run"]) == ("1", f"{POLICY}-1")
    assert "previous" not in policy.status
    assert alias_of(mlflow_url, loop, "employment") == "1"
    service = loop.wait_for_service(SERVICE, lambda found: found.ready == "True", what="to serve")
    assert service.status["stable"]["digest"] == champion["digest"]
    loop.wait_for_policy(POLICY, lambda found: found.reason == "WaitingForTrigger", what="to come to rest")
    row = loop.kubectl("get", "rpol", POLICY).splitlines()[1].split()
    assert row[:5] == [POLICY, "True", "WaitingForTrigger", "1", "Promoted"]


def test_a_better_challenger_takes_over_without_a_failed_request(
    loop: Namespace, shelf: Shelf, mlflow_url: str, tmp_path: Path
):
    before = champion_of(loop)
    name = next_run_of(loop)
    ask_for_recipe(loop, POLICY, BETTER)
    shelf.copy("few-rows/part.parquet", "employment-census/more.parquet")
    with under_load(loop, SERVICE) as told:
        loop.springtide("refresh", f"dset/{DATASET}", "--wait")
        said = loop.springtide("retrain", f"rpol/{POLICY}", "--wait")
    assert f"{name} ended: Promoted" in said
    assert told["failures"] == 0, told
    run, policy = ended(loop, name), policy_of(loop)
    after = policy.status["champion"]
    assert told["versions"].keys() == {before["version"], after["version"]}
    assert (after["run"], policy.status["previous"]["digest"]) == (name, before["digest"])
    assert after["digest"] == run.status["challenger"]["digest"] != before["digest"]
    assert loop.read("msvc", SERVICE)["status"]["stable"]["digest"] == after["digest"]
    assert alias_of(mlflow_url, loop, "employment") == after["version"]

    assert run.status["verdict"]["rows"] == volumes.PEOPLE_A_YEAR, "the newest year"
    gates = gates_of(run)
    assert {gate: shown["outcome"] for gate, shown in gates.items()} == {gate["name"]: "Passed" for gate in GATES}
    for shown in gates.values():
        assert shown["low"] <= shown["high"], shown
    assert gates["better"]["value"] > gates["better"]["champion"] + 0.01
    assert gates["better"]["low"] > 0.01
    latest = loop.read("dataset", DATASET)["status"]["latest"]
    assert run.status["dataset"]["digest"] == latest["digest"]
    assert latest["rows"] == 4 * volumes.PEOPLE_A_YEAR + 30

    kept = record_of(loop, name, tmp_path)
    assert (kept["run"], kept["phase"], kept["trigger"]["type"]) == (name, "Promoted", "Manual")
    for field in ("verdict", "challenger", "champion", "promotedTime", "servingTime", "outcomeMessage"):
        assert kept[field] == run.status[field], field


def test_a_useless_challenger_is_refused_once_though_the_leader_is_killed(
    loop: Namespace, system: Namespace, tmp_path: Path
):
    before = policy_of(loop).status
    name = next_run_of(loop)
    ask_for_recipe(loop, POLICY, USELESS)
    loop.springtide("retrain", f"rpol/{POLICY}")
    wait_for(
        lambda: loop.children("pods", name), what=f"a pod of {name}", seconds=60,
        state=lambda: loop.kubectl("get", "rpol,rrun,trun,pods", "--output", "wide"),
    )  # fmt: skip
    holder = leader(system)
    system.kubectl("delete", "pod", holder, "--grace-period=0", "--force")
    wait_for_leader(system, other_than=holder)

    run, policy = ended(loop, name), policy_of(loop)
    assert run.status["phase"] == "Rejected", run.message
    better = gates_of(run)["better"]
    assert better["outcome"] == "Failed"
    assert better["high"] < 0, "worse for certain"
    assert better["value"] < better["champion"]
    assert f"better: {better['message']}" in run.message
    assert [policy.status.get(field) for field in ("champion", "previous")] == [
        before.get(field) for field in ("champion", "previous")
    ]
    assert (policy.status["runs"], policy.status["rejections"]) == (before["runs"] + 1, 1)
    runs = [item for item in loop.read("retrainruns")["items"] if item["spec"]["policyRef"]["name"] == POLICY]
    assert len(runs) == policy.status["runs"]
    assert loop.run(name).endings == ["Succeeded"]
    kept = record_of(loop, name, tmp_path)
    assert (kept["phase"], kept["verdict"], "promotedTime" in kept) == ("Rejected", run.status["verdict"], False)
    jobs = sorted(job["metadata"]["name"] for job in loop.children("jobs", name))
    assert jobs == [f"{name}-a1", f"{name}-evaluate-a1", f"{name}-record-a1"]


def test_a_challenger_that_is_the_champion_once_more_is_refused_as_such(loop: Namespace):
    champion = champion_of(loop)
    recipe = loop.run(champion["run"]).document["spec"]["recipe"]
    ask_for_recipe(loop, POLICY, recipe["parameters"])
    with pytest.raises(CommandError, match=r"Rejected: .* is the same model as the champion"):
        loop.springtide("retrain", f"rpol/{POLICY}", "--wait")
    run = ended(loop, f"{POLICY}-{policy_of(loop).status['runs']}")
    assert run.status["challenger"]["digest"] == champion["digest"]
    assert "verdict" not in run.status
    assert champion_of(loop) == champion


def test_a_run_that_fails_has_a_record_though_it_has_no_verdict(loop: Namespace, tmp_path: Path):
    loop.apply(a_policy_that_fails())
    run = ended(loop, f"{FAILING}-1")
    assert (run.status["phase"], run.reason) == ("Failed", "ColumnNotFound"), run.message
    kept = record_of(loop, f"{FAILING}-1", tmp_path)
    assert (kept["phase"], kept["reason"]) == ("Failed", "ColumnNotFound")
    assert "no_such_column" in kept["outcomeMessage"]
    assert "verdict" not in kept
    after = recorded(loop, f"{FAILING}-1")
    assert (after.reason, after.status["completionTime"]) == (run.reason, run.status["completionTime"])
    loop.kubectl("delete", "rpol", FAILING)


def test_a_challenger_waits_for_a_person(loop: Namespace):
    run = awaiting_approval(loop)
    assert "champion" not in policy_of(loop, ASKING).status
    assert gates_of(run)["good-enough"]["value"] > 0.85


def test_of_two_policies_on_one_service_the_one_that_it_does_not_follow_begins_nothing(loop: Namespace):
    champion = champion_of(loop)
    loop.apply(a_policy(RIVAL, parameters=BETTER, model=RIVAL, serviceRef={"name": SERVICE}))
    rival = loop.wait_for_policy(RIVAL, lambda found: found.reason == "ServiceFollowsOther", what="to be told")
    assert rival.ready == "False"
    assert f"ModelService {SERVICE} takes its version from RetrainPolicy {POLICY}" in rival.message
    assert (rival.status["runs"], "champion" in rival.status) == (0, False)
    assert champion_of(loop) == champion
    assert loop.read("msvc", SERVICE)["status"]["stable"]["digest"] == champion["digest"]
    loop.kubectl("delete", "rpol", RIVAL)


def test_the_evidence_is_a_page_that_is_what_its_digest_says(loop: Namespace, tmp_path: Path):
    run = Resource(loop.read("retrainrun", champion_of(loop)["run"]))
    evidence = run.status["verdict"]["evidence"]
    page = tmp_path / "page.html"
    said = loop.springtide("report", f"rrun/{champion_of(loop)['run']}", "-o", str(page))
    assert f"its digest is right ({evidence['digest']})" in said
    html = page.read_text()
    assert html.startswith("<!doctype html>")
    for gate in GATES:
        assert gate["name"] in html

    verified = in_the_store(loop, "verify", evidence["uri"].removeprefix("file://"), "--digest", evidence["digest"])
    assert verified.startswith(f"Evidence {evidence['digest']}: ")
    for made_from in (run.status["dataset"]["digest"], run.status["challenger"]["digest"]):
        assert made_from in verified


def test_the_record_leads_to_the_evidence_by_digest(loop: Namespace):
    run = recorded(loop, champion_of(loop)["run"])
    record, evidence = run.status["record"], run.status["verdict"]["evidence"]
    verified = in_the_store(loop, "verify", record["uri"].removeprefix("file://"), "--digest", record["digest"])
    assert verified.startswith(f"Record {record['digest']}: 2 files, ")
    assert f"evidence {evidence['digest']}" in verified


def in_the_store(namespace: Namespace, *arguments: str) -> str:
    """What `springtide-workloads` prints in a pod that has the artifact store of the namespace."""
    job = namespace.children("jobs", f"{POLICY}-1")[0]["spec"]["template"]["spec"]
    (container,) = job["containers"]
    store = {"volumes": job["volumes"], "securityContext": job["securityContext"], "restartPolicy": "Never"}
    fields = {key: container[key] for key in ("image", "securityContext", "resources", "volumeMounts")}
    main = {"name": "main", "args": list(arguments), **fields}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "verifies"}, "spec": {"containers": [main], **store}}
    namespace.apply(pod)
    namespace.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/verifies", "--timeout=60s")
    said = namespace.kubectl("logs", "verifies")
    namespace.kubectl("delete", "pod", "verifies")
    return said


def test_a_person_is_told_what_led_to_the_model_that_serves(loop: Namespace):
    champion = champion_of(loop)
    run = Resource(loop.read("retrainrun", champion["run"]))
    told = loop.springtide("tree", f"msvc/{SERVICE}")
    for step in (
        champion["digest"],
        f"RetrainRun {champion['run']}",
        f"TrainingRun {champion['run']}",
        "Dataset census",
    ):
        assert step in told, told
    assert run.status["dataset"]["digest"] in told
    policy = loop.springtide("explain", f"rpol/{POLICY}")
    assert f"The champion is version {champion['version']} ({champion['digest'][:19]})" in policy
    assert "gate better: AUC better than the champion's by at least 0.01" in policy
    told = loop.springtide("explain", f"rrun/{champion['run']}")
    for gate in gates_of(run).values():
        assert gate["message"] in told, told


def test_a_champion_that_mlflow_does_not_know_any_more_holds_the_loop_until_it_does(loop: Namespace, mlflow_url: str):
    champion, name = champion_of(loop), next_run_of(loop)
    ask_for_recipe(loop, POLICY, USELESS)
    # What is deleted there cannot be put back without the database's backup; a digest can.
    tag_digest(mlflow_url, loop, "employment", version=champion["version"], digest=f"sha256:{'0' * 64}")
    loop.springtide("retrain", f"rpol/{POLICY}")
    policy = loop.wait_for_policy(POLICY, lambda found: found.reason == "ChampionNotFound", what="to miss its champion")
    assert f"version {champion['version']} of {loop.name}.employment, the champion," in policy.message
    assert policy.status["champion"] == champion
    assert Resource(loop.read("retrainrun", name)).status["phase"] == "Judging"
    assert loop.read("msvc", SERVICE)["status"]["stable"]["digest"] == champion["digest"]

    tag_digest(mlflow_url, loop, "employment", version=champion["version"], digest=champion["digest"])
    assert ended(loop, name).status["phase"] == "Rejected"
    assert champion_of(loop) == champion

"""What people read of the loop: policies, their runs and the monitors that they heed."""

from datetime import UTC, datetime
from typing import Any

import pytest
from springtide.cli import screen
from springtide.cli.kinds.retrain_run import FINAL, gate_words

from tests.cli.answers_test import explained, printed, tree_of
from tests.cli.objects import (
    a_monitor,
    a_namespace,
    a_performance,
    a_policy,
    a_retrain_run,
    a_run,
    a_verdict,
    files,
    objects_of,
    past,
    ready,
    served,
    snapshotted,
)
from tests.core.drift_monitor.world import digest

NOW = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)


def applications() -> dict[str, Any]:
    (dataset,) = objects_of(snapshotted(), "Dataset")
    manifest: dict[str, Any] = dataset
    return manifest


def status_of(*objects: dict[str, Any]) -> str:
    return printed(screen.status(a_namespace(objects), now=NOW))


# The whole loop on one screen.


def test_the_status_shows_champion_last_outcome_and_what_comes_next():
    shown = status_of(a_policy())
    assert "Watching" in shown
    assert "Rejected" in shown
    assert "in 5d14h" in shown


def test_the_status_shows_runs_under_way_and_of_each_policy_the_last_that_ended():
    ended = [a_retrain_run(number=number) for number in (1, 2, 3)]
    for number, run in enumerate(ended, start=1):
        run["status"]["completionTime"] = f"2026-11-20T1{number}:00:00Z"
    shown = status_of(*ended, a_retrain_run("Judging", number=4))
    assert "pd-3" in shown
    assert "pd-4" in shown
    assert "pd-1" not in shown
    assert "and 2 objects that ended before" in shown


def test_the_status_shows_what_the_newest_window_says_and_how_the_model_did():
    shown = status_of(a_monitor(performance=(a_performance(),)))
    assert "Drifted" in shown
    assert "Dropped 0.700 of 0.930" in shown


# Why a policy did or did not retrain.


def test_triggers_are_explained_by_what_was_counted():
    shown = explained(a_policy(), a_monitor(), applications())
    assert "DriftMonitor income: of the newest 2 windows after 2026-11-19 00:00:00 UTC, 1 drifted; 2 of 3" in shown
    assert "Dataset applications: 1,000 rows, 200 more than the 800 that were known; 500 rows more begin a run" in shown
    assert "schedule (0 3 * * 0, UTC): due in 5d14h" in shown


def test_windows_that_the_last_run_knew_are_not_counted():
    shown = explained(a_policy({"seenUntil": "2026-11-21T00:00:00Z"}), a_monitor(), applications())
    assert "DriftMonitor income: no window yet after 2026-11-21" in shown


def test_windows_held_against_a_model_that_was_replaced_are_not_counted():
    shown = explained(a_policy({"previous": files("b") | {"since": "2026-11-19T12:00:00Z"}}), a_monitor())
    assert "Trigger drift: DriftMonitor income: no window yet" in shown


def test_performance_is_counted_of_the_champion_alone():
    of_another = a_performance() | {"model": digest("9")}
    shown = explained(a_policy(), a_monitor(performance=(a_performance(), of_another, a_performance("Held"))))
    assert "Trigger performance: DriftMonitor income: of the newest window, 1 dropped; 1 of 1" in shown


def test_broken_windows_are_said_not_to_count():
    shown = explained(a_policy(), a_monitor("DataBroken"), applications())
    assert "0 drifted (1 broken or inconclusive, which never count)" in shown
    assert "DriftMonitor income sees broken data: holds back" in shown


def test_what_a_trigger_refers_to_and_is_not_there_is_said():
    shown = explained(a_policy())
    assert "there is no DriftMonitor income" in shown
    assert "there is no Dataset applications" in shown


def test_a_cool_down_is_explained_by_its_end():
    policy = a_policy(guards={"cooldownSeconds": 604_800})
    assert "cool-down of 7d holds back until 2026-11-28 11:00:00 UTC, for 4d22h more" in explained(policy)


def test_a_budget_that_is_spent_says_when_there_is_room_again():
    shown = explained(a_policy(guards={"maxRunsPerMonth": 2}))
    assert "2 of 2 runs in 30 days began by themselves: holds back until" in shown
    assert "until 2026-12-20 10:00:00 UTC" in shown


def test_runs_asked_for_by_hand_spend_no_budget():
    by_hand = past(2, "Rejected") | {"trigger": "Manual"}
    assert "0 of 30 runs" in explained(a_policy({"history": [by_hand]}))


def test_a_loop_that_stopped_says_so_and_how_to_begin_anew():
    shown = explained(a_policy({"rejections": 3}))
    assert "3 of 3 runs in a row promoted nothing: retraining does not help" in shown
    assert "kubectl springtide retrain rpol/pd --wait" in shown


def test_a_broken_contract_holds_back():
    (dataset,) = objects_of(snapshotted().ask("x").violate(), "Dataset")
    assert (
        "Dataset applications does not satisfy it: holds back even what is asked for by hand: column income"
        in explained(a_policy(), dataset)
    )


def test_the_last_outcomes_are_told_with_their_numbers():
    shown = explained(a_policy())
    assert "Run 2 (pd-2, Drift) ended 2d2h ago (2026-11-21 11:00:00 UTC) after 1h: Rejected: better: +0.001" in shown
    assert "kubectl springtide explain rrun/pd-2" in shown


def test_a_policy_with_a_run_under_way_tells_how_far_it_is():
    current = {"name": "pd-3", "number": 3, "trigger": {"type": "Manual", "time": "2026-11-23T12:00:00Z"}}
    shown = explained(a_policy({"currentRun": current}), a_retrain_run("Judging", number=3, version="3"))
    assert "RetrainRun pd-3 is under way (Manual" in shown
    assert "It is Judging: challenger version 3" in shown


def test_a_policy_whose_run_stands_still_says_why_and_where_to_look():
    words = "RetrainRun pd-3 stands still: version 1 of team.pd-12m, the champion, is gone"
    condition = ready("False", "ChampionNotFound", words)
    current = {"name": "pd-3", "number": 3, "trigger": {"type": "Manual", "time": "2026-11-23T10:59:00Z"}, "uid": "3"}
    stalled = {"currentRun": current, "conditions": [condition, condition | {"type": "Stalled", "status": "True"}]}
    assert "ChampionNotFound" in status_of(a_policy(stalled))
    shown = explained(a_policy(stalled), a_retrain_run("Judging", number=3, version="3"))
    assert words in shown
    assert "look up ChampionNotFound in docs/operations.md" in shown


def test_a_policy_without_a_champion_says_what_becomes_of_the_first_challenger():
    shown = explained(a_policy({"champion": None, "history": []}, firstRun="Hold"))
    assert "There is no champion yet: the first challenger waits for a person" in shown


# How a run went.


def test_a_run_is_explained_by_its_phases_and_gates():
    shown = explained(a_retrain_run("Rejected", version="2"))
    assert "Why: Drift, seen 3d3h ago" in shown
    assert "Training took 1h, from 3d3h ago (2026-11-20 10:00:00 UTC)" in shown
    assert "The verdict: Failed on 2,000 held-out rows." in shown
    assert "better: Failed: AUC is better by 0.0100 (-0.0040 to 0.0160)" in shown
    assert "fair for sex=female: Passed: challenger 0.91, interval 0.86 to 0.95" in shown
    assert "kubectl springtide report rrun/pd-1 --open" in shown


def test_a_run_that_has_ended_names_its_record_and_what_was_seen():
    record = {"uri": "s3://artifacts/springtide/records/team.pd/r", "digest": digest("e")}
    run = a_retrain_run(record=record, watched={"message": "DriftMonitor income saw it keep its promise"})
    shown = explained(run)
    assert "While it was watched: DriftMonitor income saw it keep its promise." in shown
    assert "Its record lies in s3://artifacts/springtide/records/team.pd/r (sha256:eeeeeeeeeeee)." in shown
    assert "kubectl springtide report rrun/pd-1 --record --open" in shown
    assert f"record: {record['uri']}, {record['digest']}" in tree_of(run)


def test_a_run_that_awaits_approval_says_who_can_help():
    assert "kubectl springtide approve rrun/pd-1" in explained(a_retrain_run("AwaitingApproval"))


def test_a_run_that_is_watched_says_until_when():
    plan = {
        "template": a_policy()["spec"]["template"],
        "gates": a_policy()["spec"]["gates"],
        "watch": {"seconds": 7200, "monitorRef": {"name": "income"}},
    }
    shown = explained(a_retrain_run("Watching", plan=plan))
    assert "watched for 2h: until 2026-11-20 16:00:00 UTC. DriftMonitor income looks" in shown


def test_attempts_that_were_lost_are_told():
    job = {"attempt": 2, "failures": 1, "failureReason": "NodeLost", "failure": "node a went away"}
    shown = explained(a_retrain_run("Judging", job=job))
    assert "1 attempt of this phase did not come through" in shown
    assert "NodeLost: node a went away" in shown


def test_a_gate_without_a_number_says_so():
    assert gate_words({"name": "better", "outcome": "Inconclusive"}).endswith("nothing could be measured")


def test_the_gates_are_shown_as_a_table_of_challenger_and_champion():
    shown = printed(screen.gates(a_retrain_run("AwaitingApproval")))
    assert "0.9310" in shown
    assert "0.9210" in shown
    assert "Passed on 2,000 held-out rows: 2 of 2 gates passed" in shown


@pytest.mark.parametrize("phase", FINAL)
def test_a_run_that_has_ended_does_not_go_on(phase: str):
    assert "nothing more will happen" in explained(a_retrain_run(phase))


# What a monitor saw.


def test_a_monitor_is_explained_by_its_windows_and_columns():
    columns = [{"column": "income", "verdict": "Drifted", "reason": "Shifted", "psi": 0.412, "pValue": 1e-9}]
    shown = explained(a_monitor(drifted=columns))
    assert "is Drifted: 3 of 7 columns drifted or are broken; the greatest PSI is 0.4" in shown
    assert "income: Drifted, Shifted [PSI 0.412, p 1e-09]" in shown
    assert "Of the newest 3 windows: 2 Stable, 1 Drifted" in shown
    assert "kubectl springtide report dmon/income --open" in shown


def test_a_monitor_tells_how_the_model_did_by_labels():
    shown = explained(a_monitor(performance=(a_performance(),)))
    assert "Dropped: AUC 0.7000 (0.6800 to 0.7200), promised 0.9300; 600 labels for 1,000 rows" in shown


# Where a model came from.


def test_a_tree_goes_from_what_serves_over_the_run_that_promoted_it_to_the_data():
    (service,) = objects_of(served(), "ModelService")
    trained = a_run(digest=digest("1"), snapshot=digest("a"))
    shown = tree_of(service, a_retrain_run(trainingRun="churn"), trained, applications())
    order = [f"version 1 serves, {digest('1')}", "RetrainRun pd-1", "why: Drift", "verdict: Passed", digest("d")]
    order += ["TrainingRun churn", "Dataset applications", digest("a")]
    assert sorted(order, key=shown.index) == order


def test_a_service_that_follows_a_policy_shows_the_challengers_that_were_refused():
    (service,) = objects_of(served(), "ModelService")
    service["spec"]["versionFrom"] = {"retrainPolicyRef": {"name": "pd"}}
    shown = tree_of(service, a_retrain_run(), a_retrain_run("Rejected", number=2, version="2"))
    assert f"challenger version 2, {digest('2')}" in shown
    assert "Failed on 2,000 held-out rows: 1 of 2 gates passed; better: Failed" in shown


def test_a_tree_of_a_policy_says_which_runs_are_not_there_any_more():
    shown = tree_of(a_policy())
    assert "version 1 is the champion" in shown
    assert "RetrainRun pd-1 is not there" in shown


def test_a_run_whose_training_was_deleted_still_names_the_snapshot():
    shown = tree_of(a_retrain_run())
    assert "TrainingRun pd-1 is not there" in shown
    assert f"snapshot {digest('a')} of Dataset applications" in shown


def test_a_monitor_is_traced_to_the_training_of_its_baseline():
    monitor = a_monitor()
    monitor["status"]["baseline"] = {"uri": files("1")["uri"], "digest": digest("1")}
    assert "TrainingRun churn" in tree_of(monitor, a_run(digest=digest("1")))


def test_a_verdict_is_short_where_all_gates_passed():
    run = a_retrain_run("DryRun", verdict=a_verdict())
    assert "2 of 2 gates passed" in tree_of(run)

"""Act 2 and 3: calm months, then everyone may apply. Drift is seen, a challenger is trained, judged, and takes over."""

import json
import time
from collections import Counter
from datetime import datetime
from typing import Any

from applicants import Union, answers, refresh
from chaos import PATIENCE
from disturb import kill_operator, kill_training, wait_for_successor
from kubectl import typed
from live import Object, World, until
from months import Month
from origins import of_gates, of_outcomes, of_report, of_snapshot, of_windows
from rich.markup import escape
from story import (
    Calendar,
    alarm_time,
    digest,
    gate,
    gates_in_short,
    judged,
    known,
    moment,
    performance,
    reached,
    windows,
)
from tell import say, see

CALM, DRIFT, TAKE_OVER = 2, 3, 4
START_SECONDS = 10 * PATIENCE
"""From the alarm until the challenger starts, at most."""
RUN_SECONDS = 300
FAIR = {"name": "fair", "metric": "AdverseImpactRatio", "slices": ["sex"], "min": 0.8, "minSupport": 500}
SHIFTED = "age"
"""What must be among the columns that drifted: veterans are old."""


def play_calm(union: Union, calendar: Calendar) -> None:
    """Veterans apply, as in the year before."""
    months = calendar.start.until(calendar.opening - 1)
    union.send(months)
    union.learn(calendar.opening - 3)
    refresh("outcomes")
    last = calendar.opening - 2
    world = judged(last)
    found = windows(world)
    _see_stable(CALM, "months like 2015 raise no alarm", [found[str(month)] for month in months if str(month) in found])
    see(CALM, "nothing is retrained", f"there is still {len(world.runs())} run", holds=len(world.runs()) == 1)


def play_opening(union: Union, calendar: Calendar) -> None:
    """Everyone may apply. The monitor notices, the policy waits until it is sure and outcomes are there."""
    opening = calendar.opening
    say("The union opens to everyone. Its compliance officer asks for one more gate from now on:")
    patch = json.dumps([{"op": "add", "path": "/spec/gates/-", "value": FAIR}])
    typed("patch", "rpol", "employment", "--type", "json", "--patch", patch)
    until(lambda world: world.runs()[0].status.get("phase") == "Promoted", what="run 1 to end", seconds=120)
    union.learn(opening - 2)
    union.send(opening.until(opening + 2))
    union.learn(opening)
    refresh("outcomes")
    world = judged(opening + 1)
    _check_drift(world, opening)
    champion = world.get("RetrainPolicy").status["champion"]
    _check_drop(known(opening, model=champion["digest"]), opening)
    say("Two windows drifted. The policy asks for three of five: by then there are outcomes to learn from.")
    see(DRIFT, "two drifted windows are no reason yet", f"there is still {len(world.runs())} run",
        holds=len(world.runs()) == 1)  # fmt: skip
    union.learn(opening + 1)
    refresh("employment", "outcomes")


def play_take_over(union: Union, calendar: Calendar) -> None:
    """The third drifted window closes. From here on nobody does anything, except for breaking things."""
    union.send([calendar.alarm])
    world = judged(calendar.alarm - 1)
    alarm = alarm_time(world, calendar.alarm - 1)
    run = reached(2, "Training", "Judging", "RollingOut", seconds=60)
    kill_training(run.status["trainingRun"])
    _check_start(run, world, alarm=alarm)
    run = reached(2, "RollingOut", "Watching", "Promoted", seconds=RUN_SECONDS)
    _check_training(run)
    _check_verdict(run)
    killed, moment_of_death = kill_operator(), time.monotonic()
    seconds = wait_for_successor(killed, since=moment_of_death)
    say(f"[green]recovered:[/] another replica leads after {seconds:.0f} s")
    _check_promotion(reached(2, "Promoted", seconds=RUN_SECONDS))


def play_after(union: Union, calendar: Calendar) -> None:
    """The new champion keeps what it promised."""
    first, last = calendar.alarm + 1, calendar.poisoned - 1
    champion = until(lambda world: world.get("RetrainPolicy"), what="the champion", seconds=10).status["champion"]
    union.send(first.until(last))
    union.learn(last - 1)
    refresh("employment", "outcomes")
    world = judged(last - 1)
    since = [one for month, one in windows(world).items() if month >= str(first)]
    mine = [one for one in since if one.get("baseline") == champion["digest"]]
    _see_stable(TAKE_OVER, "months held against what the new champion learned are as usual", mine)
    known(last - 1, model=champion["digest"])
    world = judged(last - 1)
    kept = performance(world, champion["digest"])
    dropped = [month for month, one in kept.items() if one["outcome"] == "Dropped"]
    newest = kept[str(last - 1)]
    see(TAKE_OVER, "nothing says for certain that the new champion breaks its promise",
        _words(newest, last - 1), holds=not dropped, sources=of_outcomes(newest))  # fmt: skip


def _see_stable(act: int, expected: str, found: list[dict[str, Any]]) -> None:
    verdicts = Counter(one["verdict"] for one in found)
    told = "; ".join(f"{verdict} {count}" for verdict, count in verdicts.items())
    worst = max((one.get("maxPsi", 0.0) for one in found), default=0.0)
    see(act, expected, f"of {len(found)} windows {told}; PSI at most {worst:.2f}",
        holds=verdicts.keys() == {"Stable"}, sources=of_windows(found))  # fmt: skip


def _check_drift(world: World, opening: Month) -> None:
    found = windows(world)
    both = [found[str(month)] for month in (opening, opening + 1)]
    last = world.get("DriftMonitor").status["lastWindow"]
    columns = {one["column"]: one for one in last["drifted"] if one.get("slice") is None}
    words = ", ".join(f"{name} (PSI {one['psi']:.2f})" for name, one in list(columns.items())[:4] if one.get("psi"))
    see(DRIFT, "the monitor sees that other people come, and which columns show it", words,
        holds=SHIFTED in columns and columns[SHIFTED]["verdict"] == "Drifted", sources=[of_report(last)])  # fmt: skip
    verdicts = [one["verdict"] for one in both]
    see(DRIFT, "that is drift, not broken data", " and ".join(verdicts), holds=set(verdicts) == {"Drifted"})


def _check_drop(window: dict[str, Any], month: Month) -> None:
    see(DRIFT, "late outcomes confirm it: the model does worse than it promised", _words(window, month),
        holds=window["outcome"] == "Dropped", sources=of_outcomes(window))  # fmt: skip


def _words(window: dict[str, Any], month: Month) -> str:
    interval = f"{window['low']:.3f} to {window['high']:.3f}"
    return f"in {month} AUC {window['auc']:.3f} ({interval}), promised {window['promised']:.3f}: {window['outcome']}"


def _check_start(run: Object, world: World, *, alarm: datetime) -> None:
    trigger = run.document["spec"]["trigger"]
    say(f"[dim]{escape(trigger['message'])}[/]")
    see(TAKE_OVER, "the third drifted window of five begins a run", f"{run.name}, by trigger {trigger['type']}",
        holds=trigger["type"] == "Drift")  # fmt: skip
    training = until(lambda now: _started(now, run), what="the challenger to start", seconds=60)
    # Both are cut to whole seconds, and the alarm comes first: a negative number is of another alarm, or of two clocks.
    seconds = (moment(training.status["attempts"][0]["startTime"]) - alarm).total_seconds()
    see(TAKE_OVER, f"the challenger starts within {START_SECONDS} s of the alarm", f"after {seconds:.0f} s",
        holds=0 <= seconds <= START_SECONDS)  # fmt: skip
    pinned, newest = training.status["dataset"]["digest"], world.get("Dataset").status["latest"]
    see(TAKE_OVER, "it trains on the newest snapshot", f"{digest(pinned)}, {newest['rows']:,} people",
        holds=pinned == newest["digest"], sources=[of_snapshot(pinned)])  # fmt: skip


def _started(world: World, run: Object) -> Object | None:
    """Its TrainingRun, once the container of the first attempt is known to have started."""
    training = world.get("TrainingRun", run.status["trainingRun"])
    attempts = training.status.get("attempts", [])
    return training if attempts and attempts[0].get("startTime") else None


def _check_training(run: Object) -> None:
    training = until(lambda world: world.get("TrainingRun", run.status["trainingRun"]), what="the run", seconds=10)
    endings = [attempt.get("reason", "") for attempt in training.status["attempts"]]
    failures = training.status.get("failures", {})
    if PATIENCE > 1 and endings == ["Succeeded"]:
        say("The training had ended before it could be stopped: among so much that is broken, we came late.")
        return
    see(TAKE_OVER, "the killed training is done again, and no retry of the user is spent", ", then ".join(endings),
        holds=len(endings) > 1 and not failures.get("user"))  # fmt: skip


def _check_verdict(run: Object) -> None:
    better, verdict = gate(run, "better"), run.status["verdict"]
    see(TAKE_OVER, "challenger and champion are judged on the same held-out rows",
        f"AUC {better['value']:.3f} against {better['champion']:.3f} on {verdict['rows']:,} people, difference"
        f" {better['low']:+.3f} to {better['high']:+.3f}",
        holds=better["outcome"] == "Passed", sources=[of_gates(run)])  # fmt: skip
    see(TAKE_OVER, "every gate is passed", gates_in_short(run), holds=verdict["outcome"] == "Passed")


def _check_promotion(run: Object) -> None:
    before, challenger = run.status["champion"], run.status["challenger"]
    service = until(lambda world: world.get("ModelService"), what="the service", seconds=10)
    stable, now = service.status["stable"], answers()
    see(TAKE_OVER, "the challenger takes over, is watched, and stays",
        f"{run.name} is Promoted; version {stable['version']}, {digest(stable['digest'])}, serves",
        holds=stable["digest"] == challenger["digest"])  # fmt: skip
    see(TAKE_OVER, "no request failed, though a training pod and the operator were killed", str(now),
        holds=now.failures == 0 and {before["version"], stable["version"]} == set(now.versions))  # fmt: skip

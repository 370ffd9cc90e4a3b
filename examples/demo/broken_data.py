"""Act 5: a careless release of the application form. Broken data is named, and teaches nobody."""

from datetime import UTC, datetime

from applicants import Union, refresh
from kubectl import typed
from live import World, until
from origins import of_report, of_snapshot
from rich.markup import escape
from story import Calendar, digest, judged
from tell import say, see

ACT = 5
BROKEN = {"age": "RangeBreak", "education": "NullSpike"}


def play(union: Union, calendar: Calendar) -> None:
    """The broken month, and all that does not happen."""
    say("A new form asks for ages in months instead of years, and loses the question for education.")
    union.send([calendar.poisoned], broken=True)
    union.send([calendar.poisoned + 1])
    world = judged(calendar.poisoned)
    _check_monitor(world)
    runs = len(world.runs())
    say("A person sees red, and asks for a new model:")
    stamp = datetime.now(UTC).strftime("%H:%M:%S")
    typed("annotate", "rpol", "employment", f"springtide.dev/retrain={stamp}", "--overwrite")
    held = until(_held, what="the policy to say what it thinks of that", seconds=60)
    see(ACT, "the policy does not learn from it, and says why", held,
        holds=any(column in held for column in BROKEN),
        sources=[of_report(world.get("DriftMonitor").status["lastWindow"])])  # fmt: skip
    before = until(lambda world: world.get("Dataset"), what="the Dataset", seconds=10).status["latest"]["digest"]
    union.take_in_broken()
    refresh("employment")
    world = until(lambda world: world, what="the Dataset", seconds=10)
    met, newest = world.get("Dataset").condition("ContractMet"), world.get("Dataset").status["latest"]["digest"]
    say(f"[dim]{escape(met.message)}[/]")  # numbers of rows that are in no snapshot
    see(ACT, "nor does the Dataset take it in", f"{met.reason}; the newest snapshot is still {digest(newest)}",
        holds=met.status == "False" and newest == before, sources=[of_snapshot(newest)])  # fmt: skip
    see(ACT, "nothing was retrained", f"there are still {len(world.runs())} runs", holds=len(world.runs()) == runs)
    union.throw_out_broken()


def _check_monitor(world: World) -> None:
    monitor = world.get("DriftMonitor")
    reasons = {one["column"]: one["reason"] for one in monitor.status["lastWindow"]["drifted"] if not one.get("slice")}
    found = {column: reasons.get(column, "nothing") for column in BROKEN}
    messages = [one["message"] for one in monitor.status["lastWindow"]["drifted"] if one["column"] in BROKEN]
    words = "; ".join(f"{column}: {reason}" for column, reason in found.items())
    say(f"[dim]{'; '.join(messages[: len(BROKEN)])}[/]")
    see(ACT, "the monitor names the broken columns and what is wrong with them", words, holds=found == BROKEN)
    drifted = monitor.condition("Drifted")
    see(ACT, "broken data is not called drift", f"DataBroken is True, Drifted is {drifted.status}",
        holds=monitor.condition("DataBroken").status == "True" and drifted.status == "Unknown")  # fmt: skip


def _held(world: World) -> str | None:
    """What holds back the run that a person asked for."""
    policy = world.get("RetrainPolicy")
    triggered = policy.condition("Triggered")
    is_held = triggered.status == "True" and policy.ready.reason == "DataBroken"
    return policy.ready.message if is_held else None

"""Act 6: outcomes of the wrong people. No contract can see that; the gates do."""

from applicants import Union, refresh
from live import Object, until
from origins import of_gates
from story import Calendar, gate, judged, reached, windows
from tell import say, see

ACT = 6
RUN = 3
RUN_SECONDS = 240


def play(union: Union, calendar: Calendar) -> Object:
    """The run that the person asked for begins once the data is whole; returns it."""
    champion = until(lambda world: world.get("RetrainPolicy"), what="the champion", seconds=10).status["champion"]
    union.learn(calendar.poisoned - 1)
    people = union.shuffle_outcomes()
    say(f"A backfill has joined the outcomes of {people:,} people to somebody else. Each value is as good as before.")
    refresh("employment")
    say("The form is mended. With the first whole month the wish for a new model is heeded:")
    union.send([calendar.poisoned + 2])
    run = reached(RUN, "Rejected", seconds=RUN_SECONDS)
    trigger = run.document["spec"]["trigger"]["type"]
    see(ACT, "what a person asked for begins when the data is whole again", f"{run.name}, {trigger}",
        holds=trigger == "Manual")  # fmt: skip
    whole = calendar.poisoned + 1
    verdict = windows(judged(whole))[str(whole)]["verdict"]
    see(ACT, "a whole month after a broken one is as usual again", f"{whole} is {verdict}", holds=verdict == "Stable")
    better = gate(run, "better")
    see(ACT, "the useless challenger is refused, with numbers",
        f"Rejected: AUC {better['value']:.3f} against {better['champion']:.3f}, difference {better['low']:+.3f} to"
        f" {better['high']:+.3f}", holds=better["outcome"] == "Failed", sources=[of_gates(run)])  # fmt: skip
    world = until(lambda world: world, what="the policy", seconds=10)
    after = world.get("RetrainPolicy").status["champion"]
    stable = world.get("ModelService").status["stable"]
    see(ACT, "the champion stays, and the service never heard of it", f"version {stable['version']} serves",
        holds=after == champion and stable["digest"] == champion["digest"])  # fmt: skip
    union.mend_outcomes()
    refresh("employment")
    return run

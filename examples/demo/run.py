"""`make demo`: the whole loop on real data, while things are broken. It is the end-to-end test, too.

Read from top to bottom: each act says what is to be seen, does it as a person would, and fails where it is not seen.
Running it again starts over. `QUICK=1`: fewer months. `CHAOS=1`: pods are taken away at random moments.
"""

import os
import sys

import bad_promotion
import broken_data
import first_champion
import opening
import summary
import useless_challenger
from applicants import Union
from chaos import Chaos
from kubectl import REPOSITORY
from rich.markup import escape
from story import Calendar
from tell import DemoError, act, console, say

OUTPUT = REPOSITORY / "demo-output"


def main() -> None:
    """The demo, act by act."""
    calendar = Calendar(quick=os.environ.get("QUICK", "") not in ("", "0"))
    console.rule("[bold]Springtide")
    say("Who is employed? A credit union for veterans asks a model, trained on 2015. Then it opens to everyone.")
    say(f"All people are real: of the US census. We replay {calendar.start} to {calendar.poisoned + 2}, a month in a")
    say("second or two, and outcomes become known two months late.")
    union = Union(opening=calendar.opening, poisoned=calendar.poisoned)
    try:
        with Chaos() as chaos:
            _play(union, calendar)
    finally:
        union.close()
    chaos.tell()
    console.print("\n[bold green]Everything was seen that was to be seen.[/]")


def _play(union: Union, calendar: Calendar) -> None:
    with act(1, "A first champion", expect="1 to 2 min"):
        first_champion.play(union)
    with act(2, "Calm months", expect="under 1 min"):
        opening.play_calm(union, calendar)
    with act(3, "Everyone may apply", expect="1 min"):
        opening.play_opening(union, calendar)
    with act(4, "A challenger takes over, and we break things", expect="2 to 3 min"):
        opening.play_take_over(union, calendar)
        opening.play_after(union, calendar)
    with act(5, "Broken data", expect="1 min"):
        broken_data.play(union, calendar)
    with act(6, "A useless challenger", expect="1 min"):
        rejected = useless_challenger.play(union, calendar)
    with act(7, "A bad promotion, by hand", expect="1 min"):
        bad_promotion.play(rejected)
    with act(8, "What came of it", expect="a few seconds"):
        summary.tell(OUTPUT, calendar)
    union.go_home()


if __name__ == "__main__":
    try:
        main()
    except DemoError as error:
        console.print(f"\n[bold red]The demo stopped:[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        console.print("\nStopped. What was applied goes on; `make demo` starts over.")
        sys.exit(130)

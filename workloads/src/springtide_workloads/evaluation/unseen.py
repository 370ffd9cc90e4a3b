"""Did a champion learn from rows that it is judged on? Then it looks better than it is, and a reader must know."""

import numpy as np
from springtide.api.task import EvaluateTask

from springtide_workloads.data.split import Times
from springtide_workloads.evaluation.contestants import Contestant


def note_on(champion: Contestant, task: EvaluateTask, *, inputs: str, rows: int, times: Times | None) -> str | None:
    """What is to be said of a champion and the held-out rows; None where it was trained beside them and saw none.

    inputs: digest of the data. rows, times: of the held-out rows.
    """
    if champion.inputs == inputs and _holds_out_the_same(champion, task):
        return None
    to_its_advantage = "of these it knows more than it should, which is to the challenger's disadvantage"
    known = _not_newer(champion, task, times=times)
    if known is None:
        return (
            f"{champion.name} may have learned from any of the {rows} held-out rows: its training was not split by the"
            f" same time, so which they are cannot be told; {to_its_advantage}"
        )
    if known:
        return (
            f"{champion.name} may have learned from {known} of the {rows} held-out rows, which are not newer than all"
            f" that it learned from; {to_its_advantage}"
        )
    return f"{champion.name} has learned from none of the {rows} held-out rows: all are newer than what it learned from"


def _holds_out_the_same(champion: Contestant, task: EvaluateTask) -> bool:
    split = task.data.split
    return champion.split == split and (split.type == "Time" or champion.seed == task.seed)


def _not_newer(champion: Contestant, task: EvaluateTask, *, times: Times | None) -> int | None:
    """How many held-out rows are as old as rows that it learned from; None where the times cannot be compared."""
    theirs = champion.learned_until
    if times is None or theirs is None or champion.split is None:
        return None
    if champion.split.column != task.data.split.column or theirs.type != times.type:
        return None
    return int(np.less_equal(times.held_out, theirs.time).sum())

"""Which rows are trained on, validated on and held out.

Decided row by row from the row's number and the seed, so neither chunking nor the number of threads matters.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt
from springtide.api.constants import Reason
from springtide.api.training_run import Split

from springtide_workloads.errors import WorkloadError

VALIDATION_SHARE = 0.1
MIN_TRAINING_ROWS = 50
MIN_TEST_ROWS = 20
HOLD_OUT, VALIDATE, SAMPLE, PROFILE, SHOW = 1, 2, 3, 4, 5
"""Salts: each decision about a row has a draw of its own."""


class Role(IntEnum):
    """What a row is for."""

    TRAIN = 0
    VALIDATION = 1
    TEST = 2
    DROPPED = 3


@dataclass(frozen=True)
class Times:
    """Of a split by time: the column's Arrow type, the newest time that is learned from, that of each held-out row.

    Times are numbers in the unit of the type. learned_until: None where nothing is learned from.
    """

    type: str
    learned_until: float | None
    held_out: npt.NDArray[np.generic]


@dataclass(frozen=True)
class Rows:
    """Every row of the data, in order: what it is for, its target (0, 1; -1 for null), its weight if there are any.

    times: None for a split that is not by time.
    """

    roles: npt.NDArray[np.uint8]
    target: npt.NDArray[np.int8]
    weight: npt.NDArray[np.float32] | None
    times: Times | None = None

    def count(self, role: Role) -> int:
        """Rows with this role."""
        return int(np.count_nonzero(self.roles == role))

    def of(self, role: Role) -> npt.NDArray[np.int64]:
        """Numbers of the rows with this role, ascending."""
        return np.flatnonzero(self.roles == role)


def draw(rows: int, *, seed: int, salt: int, first: int = 0) -> npt.NDArray[np.float64]:
    """One number in [0, 1) for each row from row `first` on.

    Splitmix64 (Steele, Lea and Flood, OOPSLA 2014) of the row's number and the seed.
    """
    with np.errstate(over="ignore"):
        state = np.arange(first, first + rows, dtype=np.uint64)
        state += np.uint64((seed * 0x9E3779B97F4A7C15 + salt * 0xD1B54A32D192ED03) % 2**64)
        state *= np.uint64(0x9E3779B97F4A7C15)
        state ^= state >> np.uint64(30)
        state *= np.uint64(0xBF58476D1CE4E5B9)
        state ^= state >> np.uint64(27)
        state *= np.uint64(0x94D049BB133111EB)
        state ^= state >> np.uint64(31)
    return (state >> np.uint64(11)).astype(np.float64) * 2.0**-53


def assign_roles(
    split: Split,
    *,
    known: npt.NDArray[np.bool_],
    times: npt.NDArray[np.generic] | None,
    seed: int,
    max_validation_rows: int,
) -> npt.NDArray[np.uint8]:
    """A role for each row.

    known: whether the row has a target (and a time, if the split is by time); the others are dropped.
    times: the time column, for a split by time.
    """
    if split.type == "Time":
        assert times is not None
        held_out = _newest(times, known=known, share=split.test_fraction)
    else:
        held_out = draw(known.size, seed=seed, salt=HOLD_OUT) < split.test_fraction
    roles = np.full(known.size, Role.DROPPED, dtype=np.uint8)
    roles[known] = np.where(held_out[known], Role.TEST, Role.TRAIN)
    training = int(np.count_nonzero(roles == Role.TRAIN))
    share = min(VALIDATION_SHARE, max_validation_rows / max(training, 1))
    chance = np.where(roles == Role.TRAIN, draw(known.size, seed=seed, salt=VALIDATE), 1.0)
    if training:
        roles[chance < max(share, np.nextafter(chance.min(), 1))] = Role.VALIDATION  # one row at least
    return roles


def _newest(times: npt.NDArray[np.generic], *, known: npt.NDArray[np.bool_], share: float) -> npt.NDArray[np.bool_]:
    """The newest rows, as near to `share` of them as can be without parting rows of the same time."""
    values, counts = np.unique(times[known], return_counts=True)
    if values.size < 2:
        raise WorkloadError(
            Reason.TOO_FEW_ROWS,
            f"data.split: all {int(counts.sum())} rows have the same time, so none are newer; use type Random",
        )
    newer = counts[::-1].cumsum()[::-1][1:] / counts.sum()
    """Share of the rows that are held out if the cut is before values[1], values[2], ..."""
    first = values[1 + int(np.abs(newer - share).argmin())]
    return np.asarray(times >= first)


def check_rows(rows: Rows, *, column: str, classes: tuple[str, str]) -> None:
    """Raises TargetAllNull, TooFewRows or OneClass where nothing could be learned or judged."""
    kept = rows.target[rows.roles != Role.DROPPED]
    if kept.size and kept.min() == kept.max():
        raise WorkloadError(
            Reason.ONE_CLASS,
            f"target.column: {column} is {classes[int(kept[0])] or classes[0]} in all {kept.size} rows; both"
            " classes are needed",
        )
    for roles, name, least in (
        ((Role.TRAIN, Role.VALIDATION), "training", MIN_TRAINING_ROWS),
        ((Role.TEST,), "held-out", MIN_TEST_ROWS),
    ):
        _check_part(rows, roles=roles, name=name, least=least, column=column, classes=classes)


def _check_part(
    rows: Rows, *, roles: tuple[Role, ...], name: str, least: int, column: str, classes: tuple[str, str]
) -> None:
    part = rows.target[np.isin(rows.roles, roles)]
    if part.size < least:
        raise WorkloadError(
            Reason.TOO_FEW_ROWS,
            f"there are {part.size} {name} rows with a target, at least {least} are needed: bring more data or change"
            " data.split.testFraction",
        )
    if part.min() == part.max():
        raise WorkloadError(
            Reason.ONE_CLASS,
            f"target.column: {column} is {classes[int(part[0])]} in all {part.size} {name} rows; both"
            " classes are needed",
        )

"""Conditions that do not flap: the transition time moves only when the status of a condition does."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from springtide.api.conditions import Condition
from springtide.api.constants import ConditionType, Reason

Truth = Literal["True", "False", "Unknown"]
MESSAGE_LIMIT = 2048


@dataclass(frozen=True)
class Statement:
    """A condition without its history."""

    type: ConditionType
    status: Truth
    reason: Reason | str
    message: str = ""


def find(conditions: Iterable[Condition], type: ConditionType) -> Condition | None:  # noqa: A002  # as the field
    """The condition of a type, if it is there."""
    return next((condition for condition in conditions if condition.type == type), None)


def state(
    statements: Iterable[Statement], *, before: Iterable[Condition], generation: int, now: datetime
) -> tuple[Condition, ...]:
    """The conditions that the statements make of those before.

    generation: of the spec that the statements are about.
    now: the transition time of what changed, cut to whole seconds as the API server keeps it.
    """
    old = {condition.type: condition for condition in before}
    return tuple(_state(statement, old.get(statement.type), generation, now) for statement in statements)


def _state(statement: Statement, old: Condition | None, generation: int, now: datetime) -> Condition:
    unchanged = old is not None and old.status == statement.status
    return Condition(
        type=statement.type,
        status=statement.status,
        observed_generation=generation,
        last_transition_time=old.last_transition_time if old and unchanged else now.replace(microsecond=0),
        reason=statement.reason,
        message=statement.message[:MESSAGE_LIMIT],
    )

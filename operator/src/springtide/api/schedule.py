"""When something comes round: five fields in a time zone, as a CronJob has them; what several kinds say."""

from typing import Annotated

from pydantic import Field

from springtide.api.base import Rule

CronText = Annotated[
    str | None,
    Field(
        max_length=128,
        pattern=r"^\S+( +\S+){4}$",
        description="Five fields as cron has them: minute, hour, day of the month, month, day of the week.",
    ),
]
TimeZone = Annotated[
    str | None,
    Field(
        min_length=1,
        max_length=64,
        description="The time zone of the schedule, such as `Europe/Berlin`; unset: `Etc/UTC`.",
    ),
]
StartingDeadline = Annotated[
    int | None,
    Field(
        ge=1,
        le=31_536_000,
        description="A time of the schedule that was missed by more is skipped; unset: the newest missed time is"
        " made up for, however old it is.",
    ),
]

SCHEDULE_RULES = (
    Rule(
        "has(self.schedule) || !has(self.timeZone)",
        "timeZone is for a schedule only",
        field=".timeZone",
        reason="FieldValueForbidden",
    ),
    Rule(
        "has(self.schedule) || !has(self.startingDeadlineSeconds)",
        "startingDeadlineSeconds is for a schedule only",
        field=".startingDeadlineSeconds",
        reason="FieldValueForbidden",
    ),
)
"""Of whatever has the three fields `schedule`, `timeZone` and `startingDeadlineSeconds`."""

"""Dataset: a source that is refreshed into immutable, content-addressed snapshots that satisfy a contract."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, BeforeValidator, Field

from springtide.api.base import (
    NAME_FITS,
    READY,
    ApiModel,
    CustomResource,
    Digest,
    IntOrString,
    ListAtomic,
    ListMap,
    ListSet,
    PrinterColumn,
    Rule,
)
from springtide.api.conditions import Conditions
from springtide.api.data import ColumnName, Source
from springtide.api.schedule import SCHEDULE_RULES, CronText, StartingDeadline, TimeZone
from springtide.api.workload import Overrides, Resources

SNAPSHOTS_LISTED = 100
VIOLATIONS_LISTED = 20


class DatasetSource(Source):
    """Where the data lies, and how it is written: exactly one of `uri` and `volume`."""

    format: Annotated[
        Literal["Parquet", "Csv"], Field(description="How the files are written. Csv: with a line of column names.")
    ] = "Parquet"


class Refresh(ApiModel):
    """When the source is read again: by a schedule, or whenever it changed."""

    RULES: ClassVar = (
        Rule(
            "has(self.schedule) != has(self.onChangeSeconds)",
            "exactly one of schedule and onChangeSeconds must be set",
            reason="FieldValueRequired",
        ),
        *SCHEDULE_RULES,
    )

    schedule: CronText = None
    time_zone: TimeZone = None
    starting_deadline_seconds: StartingDeadline = None
    on_change_seconds: Annotated[
        int | None,
        Field(
            ge=30,
            le=31_536_000,
            description="So long after a look at the source, a Job looks again whether it changed.",
        ),
    ] = None


AllowedValue = Annotated[
    str,
    Field(max_length=128),
    BeforeValidator(lambda value: str(value) if type(value) is int else value),
    IntOrString(minimum=None),
]
"""A value of a String or an Integer column."""


class ColumnContract(ApiModel):
    """What must hold for a column."""

    RULES: ClassVar = (
        Rule(
            "!(has(self.min) || has(self.max)) || self.type == 'Integer' || self.type == 'Float'",
            "min and max are for types Integer and Float only",
            field=".type",
        ),
        Rule("!has(self.min) || !has(self.max) || self.min <= self.max", "min must not exceed max", field=".min"),
        Rule(
            "!has(self.allowed) || self.type == 'String' || self.type == 'Integer'",
            "allowed is for types String and Integer only",
            field=".allowed",
            reason="FieldValueForbidden",
        ),
    )

    name: Annotated[ColumnName, Field(description="The column.")]
    type: Annotated[
        Literal["Integer", "Float", "Boolean", "String", "Timestamp", "Date"],
        Field(description="Its type. A column of whole numbers satisfies Float too."),
    ]
    nullable: Annotated[bool, Field(description="Whether values may be missing. NaN is a missing value.")] = True
    min: Annotated[float | None, Field(description="The least value that is allowed.")] = None
    max: Annotated[float | None, Field(description="The greatest value that is allowed.")] = None
    allowed: Annotated[
        tuple[AllowedValue, ...] | None,
        ListAtomic(),
        Field(min_length=1, max_length=256, description="The only values that are allowed. Missing is not a value."),
    ] = None


class Contract(ApiModel):
    """What a snapshot must satisfy. What does not is not published, and the snapshot before it stays the latest."""

    RULES: ClassVar = (
        Rule(
            "self.newColumns == 'Allow' || (has(self.columns) && size(self.columns) > 0)",
            "newColumns: Reject needs columns, or every column would be new",
            field=".columns",
            reason="FieldValueRequired",
        ),
    )

    columns: Annotated[
        tuple[ColumnContract, ...],
        ListMap("name"),
        Field(max_length=2048, description="Columns that must be there, and what must hold for them."),
    ] = ()
    new_columns: Annotated[
        Literal["Allow", "Reject"], Field(description="Whether there may be columns that `columns` does not name.")
    ] = "Allow"
    min_rows: Annotated[int, Field(ge=1, description="The least number of rows.")] = 1
    max_age_seconds: Annotated[
        int | None,
        Field(
            ge=1,
            description="`Fresh` is False once the newest row (or, without `eventTimeColumn`, the latest snapshot) is"
            " older. Nothing is refused for it.",
        ),
    ] = None
    on_violation: Annotated[Literal["Reject"], Field(description="Reject: nothing is published.")] = "Reject"


class Retention(ApiModel):
    """What is kept in the artifact store."""

    snapshots: Annotated[
        int,
        Field(
            ge=1,
            le=50,
            description="So many of the newest snapshots are kept, and all that an existing TrainingRun or RetrainRun"
            " is pinned to or that a DriftMonitor looks at, looked at last, or has its baseline from.",
        ),
    ] = 30


class DatasetSpec(ApiModel):
    """What is read, when, and what must hold for it."""

    RULES: ClassVar = (
        Rule(
            "!has(self.availableTimeColumn) || has(self.eventTimeColumn)",
            "availableTimeColumn needs eventTimeColumn",
            field=".eventTimeColumn",
            reason="FieldValueRequired",
        ),
    )

    source: Annotated[DatasetSource, Field(description="Where the data lies.")]
    keys: Annotated[
        tuple[ColumnName, ...],
        ListSet(),
        Field(max_length=16, description="Columns that say what a row is about. They must be there and have values."),
    ] = ()
    event_time_column: Annotated[
        ColumnName | None, Field(description="When what a row tells of happened: a timestamp or a date.")
    ] = None
    available_time_column: Annotated[
        ColumnName | None, Field(description="When a row could be known; unset: at its event time.")
    ] = None
    refresh: Annotated[
        Refresh | None,
        Field(
            description="When the source is read again. It is read once in any case, and once for each new value of"
            " the annotation `springtide.dev/refresh`."
        ),
    ] = None
    contract: Annotated[Contract, Field(description="What a snapshot must satisfy.")] = Contract()
    retention: Annotated[Retention, Field(description="What is kept.")] = Retention()
    resources: Annotated[Resources, Field(description="What the container asks for and may use.")] = Resources()
    suspend: Annotated[bool, Field(description="True: no refresh is started. One that runs is not stopped.")] = False
    overrides: Annotated[Overrides, Field(description="What else may be set on the pods.")] = Overrides()


class Snapshot(ApiModel):
    """The data as it was at one time. It never changes: its digest is its name."""

    digest: Annotated[Digest, Field(description="Digest of the content: equal rows in equal order have the same one.")]
    uri: Annotated[str, Field(max_length=1024, description="The folder with its files.")]
    rows: Annotated[int, Field(ge=0, description="How many rows.")]
    bytes: Annotated[int, Field(ge=0, description="Size of its files.")]
    event_time_min: Annotated[AwareDatetime | None, Field(description="The oldest event time.")] = None
    event_time_max: Annotated[AwareDatetime | None, Field(description="The newest event time.")] = None
    created_time: Annotated[AwareDatetime, Field(description="When it was published.")]


class Violation(ApiModel):
    """One rule of the contract that did not hold."""

    column: Annotated[str | None, Field(max_length=128, description="The column; unset: the table as a whole.")] = None
    rule: Annotated[
        str, Field(max_length=64, description="The rule: a field of `spec.contract`, such as `nullable` or `minRows`.")
    ]
    message: Annotated[str, Field(max_length=256, description="What was found, in a sentence.")]
    count: Annotated[int | None, Field(ge=0, description="How many rows; unset where rows do not matter.")] = None


Trigger = Literal["Created", "Changed", "Manual", "Schedule", "Interval"]


class CurrentRefresh(ApiModel):
    """The refresh that is under way. It is written down before its Job is made."""

    number: Annotated[int, Field(ge=1, description="Counted from 1.")]
    attempt: Annotated[int, Field(ge=1, description="Counted from 1: lost pods are replaced.")] = 1
    trigger: Annotated[
        Trigger,
        Field(
            description="Why: the Dataset was created, what it reads or demands was changed, the annotation was set,"
            " the schedule or the interval came round."
        ),
    ]
    due_time: Annotated[datetime, Field(description="When it was due.")]
    demand: Annotated[Digest, Field(description="Digest of what the spec says of source and contract.")]
    failures: Annotated[int, Field(ge=0, description="Attempts that were lost with their infrastructure.")] = 0
    failure_time: Annotated[datetime | None, Field(description="When the last of them ended.")] = None
    failure_reason: Annotated[str | None, Field(max_length=128, description="Why, in one word.")] = None


class LastRefresh(ApiModel):
    """How the newest refresh that has ended did end."""

    number: Annotated[int, Field(ge=1, description="Counted from 1.")]
    trigger: Annotated[Trigger, Field(description="Why it was made.")]
    due_time: Annotated[datetime, Field(description="When it was due.")]
    time: Annotated[datetime, Field(description="When it ended.")]
    outcome: Annotated[
        str, Field(max_length=128, description="`Refreshed`, `Unchanged`, or why there is no snapshot of it.")
    ]
    message: Annotated[str, Field(max_length=1024, description="The same in a sentence.")] = ""
    violations: Annotated[
        tuple[Violation, ...],
        ListAtomic(),
        Field(max_length=VIOLATIONS_LISTED, description="Rules of the contract that did not hold, the first of them."),
    ] = ()
    demand: Annotated[Digest, Field(description="Digest of what the spec said of source and contract.")]
    source_state: Annotated[
        Digest | None,
        Field(description="Digest of names, sizes and versions of the files: equal ones are not read again."),
    ] = None


class DatasetStatus(ApiModel):
    """What became of it."""

    observed_generation: Annotated[int | None, Field(ge=0, description="The generation that was last acted upon.")] = (
        None
    )
    latest: Annotated[Snapshot | None, Field(description="The snapshot that whoever refers to the Dataset gets.")] = (
        None
    )
    snapshots: Annotated[
        tuple[Snapshot, ...],
        ListMap("digest"),
        Field(max_length=SNAPSHOTS_LISTED, description="The snapshots that are kept, newest first."),
    ] = ()
    removing: Annotated[
        tuple[Snapshot, ...],
        ListMap("digest"),
        Field(max_length=SNAPSHOTS_LISTED, description="Snapshots that the next refresh removes from the store."),
    ] = ()
    current_refresh: Annotated[CurrentRefresh | None, Field(description="The refresh that is under way.")] = None
    last_refresh: Annotated[LastRefresh | None, Field(description="The newest refresh that has ended.")] = None
    schedule: Annotated[str | None, Field(max_length=256, description="What `nextRefreshTime` was computed from.")] = (
        None
    )
    next_refresh_time: Annotated[datetime | None, Field(description="When the next refresh is due.")] = None
    missed_time: Annotated[
        datetime | None,
        Field(description="The newest time of the schedule that was skipped for `startingDeadlineSeconds`."),
    ] = None
    manual_refresh: Annotated[
        str | None, Field(max_length=256, description="The value of the annotation that was last acted upon.")
    ] = None
    conditions: Conditions = ()


RESOURCE = CustomResource(
    kind="Dataset",
    plural="datasets",
    short_names=("dset",),
    spec=DatasetSpec,
    status=DatasetStatus,
    columns=(
        PrinterColumn("Ready", f"{READY}.status", description="Whether there is a snapshot that can be used."),
        PrinterColumn("State", f"{READY}.reason", description="How the last refresh ended, or how far the first is."),
        PrinterColumn("Rows", ".status.latest.rows", "integer", description="Rows of the latest snapshot."),
        PrinterColumn("Latest", ".status.latest.createdTime", "date", description="Age of the latest snapshot."),
        PrinterColumn(
            "Fresh",
            '.status.conditions[?(@.type=="Fresh")].status',
            priority=1,
            description="Whether it is younger than the contract demands.",
        ),
        PrinterColumn("Next", ".status.nextRefreshTime", priority=1, description="When the next refresh is due."),
        PrinterColumn("Age", ".metadata.creationTimestamp", "date"),
        PrinterColumn("Message", f"{READY}.message", priority=1, description="The state in a sentence."),
    ),
    rules=(NAME_FITS,),
)

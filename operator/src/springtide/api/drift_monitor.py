"""DriftMonitor: rows are held against the baseline that was frozen with a model, window by window."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from springtide.api.base import (
    NAME_FITS,
    READY,
    ApiModel,
    CustomResource,
    Digest,
    ListAtomic,
    ListSet,
    ObjectName,
    PrinterColumn,
    Rule,
)
from springtide.api.conditions import Conditions
from springtide.api.data import ColumnName, DatasetRef
from springtide.api.schedule import SCHEDULE_RULES, CronText, StartingDeadline, TimeZone
from springtide.api.training_run import PinnedSnapshot
from springtide.api.workload import Overrides, Resources

DRIFTED_LISTED = 20
WINDOWS_A_LOOK = 24
HISTORY_LISTED = 100
PERFORMANCE_LISTED = 24
EVERY_SECONDS = 60
"""How often a service is looked at where the spec does not say."""

Verdict = Literal["Stable", "Drifted", "DataBroken", "Inconclusive"]


class ModelServiceRef(ApiModel):
    """A ModelService of the same namespace, by name."""

    name: Annotated[ObjectName, Field(description="Name of the ModelService.")]


class TrainingRunRef(ApiModel):
    """A TrainingRun of the same namespace, by name."""

    name: Annotated[ObjectName, Field(description="Name of the TrainingRun.")]


class DriftTarget(ApiModel):
    """Whose rows are looked at: exactly one of `datasetRef` and `modelServiceRef`."""

    RULES: ClassVar = (
        Rule(
            "has(self.datasetRef) != has(self.modelServiceRef)",
            "exactly one of datasetRef and modelServiceRef must be set",
            reason="FieldValueRequired",
        ),
    )

    dataset_ref: Annotated[DatasetRef | None, Field(description="The latest snapshot of a Dataset.")] = None
    model_service_ref: Annotated[
        ModelServiceRef | None, Field(description="The requests that a ModelService answered: its inference log.")
    ] = None


class DriftBaselineSource(ApiModel):
    """Where the baseline comes from: it was frozen with a model."""

    training_run_ref: Annotated[TrainingRunRef, Field(description="The TrainingRun that made the model.")]


class DriftWindow(ApiModel):
    """How event time is cut. Windows are aligned to 1970-01-01T00:00:00Z."""

    seconds: Annotated[int, Field(ge=60, le=31_536_000, description="Length of a window.")] = 86_400
    delay_seconds: Annotated[
        int,
        Field(
            ge=0,
            le=2_592_000,
            description="A window has closed once there is a row so much newer than its end. By event time: what is"
            " replayed is cut like what happens now.",
        ),
    ] = 300


class DriftColumns(ApiModel):
    """Which columns are looked at: the features of the model, but for these."""

    exclude: Annotated[
        tuple[ColumnName, ...], ListSet(), Field(max_length=256, description="Columns that are not looked at.")
    ] = ()


class DriftLabels(ApiModel):
    """What became of the requests, as far as it is known: a Dataset with a row for each answer."""

    dataset_ref: Annotated[
        DatasetRef,
        Field(description="The Dataset. A new snapshot brings a look, at once or, with a schedule, when that is due."),
    ]
    column: Annotated[
        ColumnName, Field(description="What happened: 0 or 1, or false or true; null: that is not known yet.")
    ]
    key_column: Annotated[
        ColumnName,
        Field(
            description="Whose label it is: `<request id>/<row>` as the inference log has them; `<request id>` alone is"
            " its row 0. Of several labels with one key the last counts."
        ),
    ] = "request_id"
    min_rows: Annotated[int, Field(ge=10, le=1_000_000_000, description="A window with fewer labels says nothing.")] = (
        500
    )


class Rules(ApiModel):
    """From where on a difference matters."""

    psi: Annotated[
        float,
        Field(
            ge=0.001,
            le=10,
            description="By convention a population shifted from 0.25 on. Less than that, or the chance in drawing a"
            " window would hide every second shift of just that size.",
        ),
    ] = 0.2
    false_discovery_rate: Annotated[
        float, Field(ge=0.0001, le=0.5, description="Share of the alarms that may be chance.")
    ] = 0.01
    rise: Annotated[
        float,
        Field(
            ge=0.001,
            le=1,
            description="By so much the share of missing, special, unseen or out-of-range values may rise.",
        ),
    ] = 0.1
    min_rows: Annotated[
        int, Field(ge=1, le=1_000_000_000, description="Fewer rows say nothing: ten bins need ten rows each.")
    ] = 100
    max_dropped: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="Share of a window's rows that the inference log may have dropped. With more than that the"
            " window is `Inconclusive`, unless its data is broken: the rows that are missing are not any ones.",
        ),
    ] = 0.1
    volume_factor: Annotated[
        float, Field(ge=1.1, le=1_000_000, description="So many times fewer or more rows than usual are a fault.")
    ] = 10.0


class PerformanceRule(ApiModel):
    """From where on the model does worse than it promised."""

    max_drop: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="Realised AUC may be so much lower than on the rows that were held out at training. With the"
            " whole 95 % interval below that it has dropped, with the whole of it above that it has held.",
        ),
    ] = 0.02


class DriftMonitorSpec(ApiModel):
    """What is looked at, held against what, when, and from where on a difference matters."""

    RULES: ClassVar = (
        Rule(
            "self.target == oldSelf.target",
            "target cannot be changed: create another DriftMonitor",
            field=".target",
            reason="FieldValueForbidden",
        ),
        Rule(
            "!has(self.target.datasetRef) || has(self.baseline)",
            "baseline must be set for a Dataset: it says which model its rows are held against",
            field=".baseline",
            reason="FieldValueRequired",
        ),
        *SCHEDULE_RULES,
        Rule(
            "!has(self.everySeconds) || (has(self.target.modelServiceRef) && !has(self.schedule))",
            "everySeconds is for a ModelService without a schedule only",
            field=".everySeconds",
            reason="FieldValueForbidden",
        ),
        Rule(
            "!has(self.labels) || has(self.target.modelServiceRef)",
            "labels are for a ModelService only: they are joined to its requests",
            field=".labels",
            reason="FieldValueForbidden",
        ),
    )

    target: Annotated[DriftTarget, Field(description="Whose rows are looked at.")]
    baseline: Annotated[
        DriftBaselineSource | None,
        Field(
            description="What they are held against. Unset, for a ModelService: the baseline of the model that it"
            " serves; another model brings another baseline."
        ),
    ] = None
    schedule: CronText = None
    time_zone: TimeZone = None
    starting_deadline_seconds: StartingDeadline = None
    every_seconds: Annotated[
        int | None,
        Field(
            ge=10,
            le=31_536_000,
            description="So long after a look at a ModelService ended, there is another; unset, and without a schedule:"
            " 60. A Dataset without a schedule is looked at once for each new snapshot.",
        ),
    ] = None
    window: Annotated[
        DriftWindow,
        Field(description="How event time is cut. A Dataset without `eventTimeColumn` is one window as a whole."),
    ] = DriftWindow()
    slices: Annotated[
        tuple[ColumnName, ...],
        ListSet(),
        Field(max_length=8, description="Columns whose values are looked at one by one, such as a state or a channel."),
    ] = ()
    columns: Annotated[DriftColumns, Field(description="Which columns are looked at.")] = DriftColumns()
    rules: Annotated[Rules, Field(description="From where on a difference matters.")] = Rules()
    labels: Annotated[
        DriftLabels | None, Field(description="What became of the requests; absent: performance is not known.")
    ] = None
    performance: Annotated[
        PerformanceRule, Field(description="From where on the model does worse than it promised.")
    ] = PerformanceRule()
    history_limit: Annotated[
        int, Field(ge=1, le=HISTORY_LISTED, description="So many windows are listed in the status.")
    ] = 48
    resources: Annotated[Resources, Field(description="What the container asks for and may use.")] = Resources()
    suspend: Annotated[bool, Field(description="True: no look is begun. One that runs is not stopped.")] = False
    overrides: Annotated[Overrides, Field(description="What else may be set on the pods.")] = Overrides()


class DriftedColumn(ApiModel):
    """A column that drifted or is broken."""

    column: Annotated[str, Field(max_length=256, description="The column.")]
    slice: Annotated[str | None, Field(max_length=256, description="Such as `region=north`; unset: of all rows.")] = (
        None
    )
    verdict: Annotated[Verdict, Field(description="What was found.")]
    reason: Annotated[str, Field(max_length=64, description="Why, in one word.")]
    psi: Annotated[
        float | None, Field(allow_inf_nan=False, description="Population stability index against the baseline.")
    ] = None
    p_value: Annotated[
        float | None, Field(allow_inf_nan=False, description="How likely so great a difference is by chance.")
    ] = None
    message: Annotated[str, Field(max_length=256, description="Why, in a sentence.")] = ""


class WindowSummary(ApiModel):
    """A window in short."""

    start: Annotated[datetime | None, Field(description="Its begin; unset where the rows have no event time.")] = None
    end: Annotated[datetime | None, Field(description="Its end, which is not in it.")] = None
    rows: Annotated[int, Field(ge=0, description="How many rows.")]
    dropped_rows: Annotated[
        int | None, Field(ge=0, description="Rows that are missing, because the inference log dropped them.")
    ] = None
    verdict: Annotated[Verdict, Field(description="What was found.")]
    drifted_columns: Annotated[int, Field(ge=0, description="How many columns drifted or are broken.")] = 0
    max_psi: Annotated[
        float | None, Field(allow_inf_nan=False, description="The greatest population stability index of a column.")
    ] = None


class PastWindow(WindowSummary):
    """A window that was judged, and what it was held against."""

    snapshot: Annotated[Digest | None, Field(description="Digest of the snapshot with its rows.")] = None
    baseline: Annotated[Digest | None, Field(description="Digest of the model with the baseline.")] = None


class WindowReport(WindowSummary):
    """A window in detail."""

    message: Annotated[str, Field(max_length=1024, description="What was found, in a sentence.")] = ""
    columns: Annotated[int, Field(ge=0, description="How many columns were judged.")] = 0
    drifted: Annotated[
        tuple[DriftedColumn, ...],
        ListAtomic(),
        Field(max_length=DRIFTED_LISTED, description="The worst columns, as many as there is room for."),
    ] = ()
    report_uri: Annotated[str | None, Field(max_length=1024, description="The folder with the whole report.")] = None
    report_digest: Annotated[Digest | None, Field(description="Digest of the report's manifest.")] = None
    snapshot: Annotated[Digest | None, Field(description="Digest of the snapshot with its rows.")] = None
    baseline: Annotated[Digest | None, Field(description="Digest of the model with the baseline.")] = None


class PerformanceWindow(ApiModel):
    """How one model did in one window, by the labels that had arrived."""

    start: Annotated[datetime, Field(description="Begin of the window.")]
    end: Annotated[datetime, Field(description="Its end, which is not in it.")]
    model: Annotated[Digest, Field(description="Digest of the model that answered.")]
    rows: Annotated[int, Field(ge=0, description="Requests' rows in the window.")]
    labelled: Annotated[int, Field(ge=0, description="How many of them have a label.")]
    auc: Annotated[float | None, Field(allow_inf_nan=False, description="Realised AUC; unset: not measurable.")] = None
    low: Annotated[float | None, Field(allow_inf_nan=False, description="Low end of its 95 % interval.")] = None
    high: Annotated[float | None, Field(allow_inf_nan=False, description="High end of it.")] = None
    promised: Annotated[
        float | None, Field(allow_inf_nan=False, description="AUC on the rows that were held out at training.")
    ] = None
    outcome: Annotated[
        Literal["Held", "Dropped", "Inconclusive"], Field(description="Whether it kept what it promised.")
    ]
    message: Annotated[str, Field(max_length=256, description="The same in a sentence with numbers.")] = ""


class PinnedBaseline(ApiModel):
    """The model whose baseline is used. It goes on being used when the TrainingRun that made it is gone."""

    training_run: Annotated[
        str | None, Field(max_length=253, description="The TrainingRun; unset: the model that is served.")
    ] = None
    uri: Annotated[str, Field(max_length=1024, description="Where the model's files lie.")]
    digest: Annotated[Digest, Field(description="Digest of the model's manifest.")]
    dataset: Annotated[
        PinnedSnapshot | None,
        Field(description="What the TrainingRun was trained on; its Dataset keeps it. Unset: no snapshot, or unknown."),
    ] = None


class PinnedLabels(ApiModel):
    """The labels that a look joins with the requests. The Dataset keeps the snapshot meanwhile."""

    uri: Annotated[str, Field(max_length=1024, description="The folder of the snapshot.")]
    snapshot: Annotated[Digest, Field(description="Digest of the snapshot.")]


class Measurement(ApiModel):
    """How performance was last measured."""

    labels: Annotated[Digest, Field(description="Digest of the labels' snapshot.")]
    outcome: Annotated[
        str,
        Field(
            max_length=128,
            pattern=r"^[A-Za-z][A-Za-z0-9]*$",
            description="`Measured`, or why the labels could not be used.",
        ),
    ]
    message: Annotated[str, Field(max_length=512, description="The same in a sentence.")] = ""
    complete: Annotated[
        bool, Field(description="False: there are more windows than one look tells of; the next one goes on.")
    ] = True
    report_uri: Annotated[str | None, Field(max_length=1024, description="The folder with the whole report.")] = None
    report_digest: Annotated[Digest | None, Field(description="Digest of the report's manifest.")] = None


LookTrigger = Literal["Created", "Changed", "Manual", "Behind", "Schedule", "Interval", "Snapshot", "Labels"]


class CurrentLook(ApiModel):
    """The look that is under way. It is written down before its Job is made."""

    number: Annotated[int, Field(ge=1, description="Counted from 1.")]
    attempt: Annotated[int, Field(ge=1, description="Counted from 1: lost pods are replaced.")] = 1
    trigger: Annotated[
        LookTrigger,
        Field(
            description="Why: the monitor was created, it asks for something else, the annotation was set, there may be"
            " more windows than one look takes, the schedule or the interval came round, there is a new snapshot of the"
            " rows or of the labels."
        ),
    ]
    due_time: Annotated[datetime, Field(description="When it was due.")]
    demand: Annotated[Digest, Field(description="Digest of what the spec says of baseline, windows and rules.")]
    uri: Annotated[str, Field(max_length=1024, description="The folder with the rows.")]
    snapshot: Annotated[
        Digest | None, Field(description="Digest of the snapshot; unset: an inference log. The Dataset keeps it.")
    ] = None
    event_time_column: Annotated[ColumnName | None, Field(description="Event time of the snapshot's rows.")] = None
    baseline: Annotated[PinnedBaseline, Field(description="What the rows are held against.")]
    labels: Annotated[PinnedLabels | None, Field(description="What became of the requests; unset: not known.")] = None
    after: Annotated[datetime | None, Field(description="Windows that end later are judged; unset: all.")] = None
    failures: Annotated[int, Field(ge=0, description="Attempts that were lost with their infrastructure.")] = 0
    failure_time: Annotated[datetime | None, Field(description="When the last of them ended.")] = None
    failure_reason: Annotated[str | None, Field(max_length=128, description="Why, in one word.")] = None


class LastLook(ApiModel):
    """How the newest look that has ended did end."""

    number: Annotated[int, Field(ge=1, description="Counted from 1.")]
    trigger: Annotated[LookTrigger, Field(description="Why it was made.")]
    due_time: Annotated[datetime, Field(description="When it was due.")]
    time: Annotated[datetime, Field(description="When it ended.")]
    outcome: Annotated[str, Field(max_length=128, description="`Judged`, or why nothing could be judged.")]
    message: Annotated[str, Field(max_length=1024, description="The same in a sentence.")] = ""
    windows: Annotated[int, Field(ge=0, description="How many windows it judged.")] = 0
    demand: Annotated[Digest, Field(description="Digest of what the spec said of baseline, windows and rules.")]
    snapshot: Annotated[Digest | None, Field(description="Digest of the snapshot.")] = None
    baseline: Annotated[Digest, Field(description="Digest of the model with the baseline.")]
    labels: Annotated[Digest | None, Field(description="Digest of the labels' snapshot that it was given.")] = None


class DriftMonitorStatus(ApiModel):
    """What was found."""

    observed_generation: Annotated[int | None, Field(ge=0, description="The generation that was last acted upon.")] = (
        None
    )
    baseline: Annotated[PinnedBaseline | None, Field(description="What rows are held against.")] = None
    current_look: Annotated[CurrentLook | None, Field(description="The look that is under way.")] = None
    last_look: Annotated[LastLook | None, Field(description="The newest look that has ended.")] = None
    last_window: Annotated[WindowReport | None, Field(description="The newest window that was judged.")] = None
    history: Annotated[
        tuple[PastWindow, ...],
        ListAtomic(),
        Field(max_length=HISTORY_LISTED, description="The windows that were judged, newest first."),
    ] = ()
    performance: Annotated[
        tuple[PerformanceWindow, ...],
        ListAtomic(),
        Field(max_length=PERFORMANCE_LISTED, description="Windows with labels, by model, the newest first."),
    ] = ()
    labels: Annotated[
        Digest | None, Field(description="Digest of the labels' snapshot that performance was last measured with.")
    ] = None
    measurement: Annotated[Measurement | None, Field(description="How performance was last measured.")] = None
    schedule: Annotated[str | None, Field(max_length=256, description="What `nextTime` was computed from.")] = None
    next_time: Annotated[datetime | None, Field(description="When the next look is due.")] = None
    missed_time: Annotated[
        datetime | None,
        Field(description="The newest time of the schedule that was skipped for `startingDeadlineSeconds`."),
    ] = None
    manual_check: Annotated[
        str | None, Field(max_length=256, description="The value of the annotation that was last acted upon.")
    ] = None
    conditions: Conditions = ()


RESOURCE = CustomResource(
    kind="DriftMonitor",
    plural="driftmonitors",
    short_names=("dmon",),
    spec=DriftMonitorSpec,
    status=DriftMonitorStatus,
    columns=(
        PrinterColumn("Ready", f"{READY}.status", description="Whether the last look could judge."),
        PrinterColumn("State", f"{READY}.reason", description="How the last look ended, or what is waited for."),
        PrinterColumn("Verdict", ".status.lastWindow.verdict", description="What the newest window shows."),
        PrinterColumn("Drifted", ".status.lastWindow.driftedColumns", "integer", description="Columns that drifted."),
        PrinterColumn("MaxPSI", ".status.lastWindow.maxPsi", "number", description="The greatest PSI of a column."),
        PrinterColumn(
            "Dropped",
            ".status.conditions[?(@.type=='PerformanceDropped')].status",
            description="Whether the model did worse than it promised.",
        ),
        PrinterColumn("Rows", ".status.lastWindow.rows", "integer", description="Rows of the newest window."),
        PrinterColumn("Window", ".status.lastWindow.end", "date", description="How long ago the newest window ended."),
        PrinterColumn("Next", ".status.nextTime", priority=1, description="When the next look is due."),
        PrinterColumn("Age", ".metadata.creationTimestamp", "date"),
        PrinterColumn("Message", f"{READY}.message", priority=1, description="The state in a sentence."),
    ),
    rules=(NAME_FITS,),
)

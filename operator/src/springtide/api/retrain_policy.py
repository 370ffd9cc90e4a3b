"""RetrainPolicy: when to retrain, what a challenger must show, how it is released, when to stop trying."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from springtide.api.base import (
    READY,
    ApiModel,
    CustomResource,
    Digest,
    ListAtomic,
    ListMap,
    ObjectName,
    PrinterColumn,
    Rule,
)
from springtide.api.conditions import Conditions
from springtide.api.data import DatasetRef
from springtide.api.drift_monitor import ModelServiceRef
from springtide.api.gate import GATES_LISTED, Gate
from springtide.api.schedule import SCHEDULE_RULES, CronText, StartingDeadline, TimeZone
from springtide.api.training_run import Evaluation, Features, ModelName, Recipe, Retry, Split, Target
from springtide.api.workload import Overrides, Resources

HISTORY_LISTED = 50
QUARANTINED_LISTED = 20

TriggerType = Literal["First", "Schedule", "Drift", "Performance", "NewRows", "Manual"]
RunOutcome = Literal["Promoted", "Rejected", "RolledBack", "Failed", "Inconclusive", "DryRun"]


class DriftMonitorRef(ApiModel):
    """A DriftMonitor of the same namespace, by name."""

    name: Annotated[ObjectName, Field(description="Name of the DriftMonitor.")]


class WindowsTrigger(ApiModel):
    """So many of the newest windows."""

    RULES: ClassVar = (Rule("self.windows <= self.of", "windows must not be more than of", field=".windows"),)

    monitor_ref: Annotated[DriftMonitorRef, Field(description="Who looks.")]
    windows: Annotated[int, Field(ge=1, le=100, description="So many windows.")] = 1
    of: Annotated[int, Field(ge=1, le=100, description="Of the newest so many that the last run did not know yet.")] = 1


class NewRows(ApiModel):
    """Growth of a Dataset since the champion's, or the last run's, snapshot."""

    dataset_ref: Annotated[DatasetRef, Field(description="The Dataset.")]
    min: Annotated[int, Field(ge=1, description="So many rows more.")]


class Triggers(ApiModel):
    """What begins a run, besides the annotation `springtide.dev/retrain` and a policy without a champion."""

    RULES: ClassVar = SCHEDULE_RULES

    schedule: CronText = None
    time_zone: TimeZone = None
    starting_deadline_seconds: StartingDeadline = None
    drift: Annotated[WindowsTrigger | None, Field(description="Windows that drifted.")] = None
    performance: Annotated[
        WindowsTrigger | None, Field(description="Windows whose realised performance dropped for certain.")
    ] = None
    new_rows: Annotated[NewRows | None, Field(description="Growth of a Dataset.")] = None


class Guards(ApiModel):
    """What holds a run back though it was triggered. A person's annotation heeds only broken data and other runs."""

    cooldown_seconds: Annotated[
        int, Field(ge=0, le=31_536_000, description="So long after a run has ended none begins by itself.")
    ] = 3600
    max_runs_per_month: Annotated[
        int, Field(ge=1, le=HISTORY_LISTED, description="Runs that may begin by themselves in 30 days.")
    ] = 30
    require_contract_met: Annotated[
        bool, Field(description="The Dataset of the template must satisfy its contract.")
    ] = True
    max_consecutive_rejections: Annotated[
        int,
        Field(
            ge=1,
            le=100,
            description="So many runs in a row that promoted nothing stop the loop: retraining does not help. A"
            " person's annotation begins anew.",
        ),
    ] = 3


class Watch(ApiModel):
    """How a promoted model is watched."""

    seconds: Annotated[int, Field(ge=0, le=31_536_000, description="How long it is watched.")] = 3600
    monitor_ref: Annotated[
        DriftMonitorRef | None,
        Field(description="Who looks; a drop of the realised performance takes the model back."),
    ] = None


class ChallengerData(ApiModel):
    """What a challenger is trained on: the newest good snapshot of a Dataset."""

    dataset_ref: Annotated[DatasetRef, Field(description="The Dataset. Each run pins its latest snapshot.")]
    split: Annotated[
        Split,
        Field(
            description="How rows are held out: a RetrainPolicy must hold out the newest (type Time). Champion and"
            " challenger are judged on these rows."
        ),
    ] = Split()


class ChallengerTemplate(ApiModel):
    """The spec of the TrainingRuns that train challengers: those fields that make sense for each run of a loop."""

    model: Annotated[ModelName, Field(description="The registered model. Each challenger is a version of it.")]
    data: Annotated[ChallengerData, Field(description="What is trained on.")]
    recipe: Annotated[Recipe, Field(description="A training program that comes with Springtide.")]
    target: Annotated[Target, Field(description="What is predicted.")]
    features: Annotated[Features, Field(description="Which columns the model sees.")] = Features()
    evaluation: Annotated[Evaluation, Field(description="What is reported beyond overall metrics.")] = Evaluation()
    seed: Annotated[int, Field(ge=0, le=2**31 - 1, description="Equal data, recipe and seed give an equal model.")] = 7
    resources: Annotated[Resources, Field(description="What training and evaluation ask for and may use.")] = (
        Resources()
    )
    retry: Annotated[Retry, Field(description="How many further attempts there may be.")] = Retry()
    deadline_seconds: Annotated[
        int | None,
        Field(ge=1, le=31_536_000, description="Wall clock of training over all attempts; waiting is not counted."),
    ] = None
    queue_name: Annotated[
        ObjectName | None, Field(description="The Kueue LocalQueue that admits the Jobs. Needs Kueue in the cluster.")
    ] = None
    memoize: Annotated[
        bool, Field(description="Answer with an earlier result of the very same work, if its model is still there.")
    ] = True
    overrides: Annotated[Overrides, Field(description="What else may be set on the pods.")] = Overrides()


class ReleasePlan(ApiModel):
    """How a run goes: what is trained, judged and released. A run keeps that of its beginning."""

    template: Annotated[
        ChallengerTemplate,
        Field(description="The spec of the TrainingRun that trains a challenger."),
    ]
    gates: Annotated[
        tuple[Gate, ...],
        ListMap("name"),
        Field(min_length=1, max_length=GATES_LISTED, description="What a challenger must show."),
    ]
    first_run: Annotated[
        Literal["Promote", "Hold"],
        Field(description="While there is no champion. Hold: a person has to approve."),
    ] = "Promote"
    approval: Annotated[
        Literal["None", "Manual"],
        Field(description="Manual: a person approves by the annotation `springtide.dev/approve` on the RetrainRun."),
    ] = "None"
    service_ref: Annotated[
        ModelServiceRef | None,
        Field(description="The ModelService that takes its version from this policy (`spec.versionFrom`)."),
    ] = None
    watch: Annotated[Watch, Field(description="How a promoted model is watched.")] = Watch()
    mode: Annotated[
        Literal["Act", "DryRun"],
        Field(description="DryRun: challengers are trained and judged, and nothing is promoted."),
    ] = "Act"


SPLIT_BY_TIME = (
    "split.type must be Time, and split.column name the time of each row: champion and challenger are judged on the"
    " newest rows, which the champion has not learned from; of rows held out at random it may have"
)
"""What a template must say, after `template.data.`; and why."""


class RetrainPolicySpec(ReleasePlan):
    """When to retrain, what a challenger must show, how it is released, when to stop trying."""

    RULES: ClassVar = (
        # Not on the template: the plan of a run that began before there was this rule has to be written still.
        Rule("self.template.data.split.type == 'Time'", SPLIT_BY_TIME, field=".template.data.split.type"),
        Rule(
            "self.template.model.name == oldSelf.template.model.name",
            "template.model.name cannot be changed: create another RetrainPolicy",
            field=".template.model.name",
            reason="FieldValueForbidden",
        ),
    )

    triggers: Annotated[Triggers, Field(description="What begins a run.")] = Triggers()
    guards: Annotated[Guards, Field(description="What holds a run back.")] = Guards()
    history_limit: Annotated[int, Field(ge=1, le=HISTORY_LISTED, description="So many ended RetrainRuns are kept.")] = (
        20
    )
    suspend: Annotated[bool, Field(description="True: no run is begun. One that is under way goes on.")] = False


class ModelFiles(ApiModel):
    """A registered version with its files."""

    version: Annotated[str, Field(max_length=32, description="Version in the registry.")]
    digest: Annotated[Digest, Field(description="Digest of the model's manifest.")]
    uri: Annotated[str, Field(max_length=1024, description="Where the model's files lie.")]


class Champion(ModelFiles):
    """The version that is released."""

    since: Annotated[datetime, Field(description="Since when.")]
    run: Annotated[
        str | None, Field(max_length=253, description="The RetrainRun that promoted it; unset: it served before.")
    ] = None


class Trigger(ApiModel):
    """Why a run begins."""

    type: Annotated[TriggerType, Field(description="What began it.")]
    time: Annotated[datetime, Field(description="When that was seen, or the time of the schedule.")]
    message: Annotated[str, Field(max_length=1024, description="The evidence in a sentence with numbers.")] = ""
    window_end: Annotated[
        datetime | None, Field(description="End of the newest window that was counted (event time).")
    ] = None


class CurrentRun(ApiModel):
    """The run that is under way. It is written down before it is made."""

    name: Annotated[str, Field(max_length=63, description="Name of the RetrainRun.")]
    number: Annotated[int, Field(ge=1, description="Counted from 1.")]
    trigger: Annotated[Trigger, Field(description="Why.")]
    uid: Annotated[
        str | None,
        Field(max_length=64, description="Uid of the RetrainRun once it is there. One that is gone then was deleted."),
    ] = None


class PastRun(ApiModel):
    """How a run ended."""

    name: Annotated[str, Field(max_length=63, description="Name of the RetrainRun.")]
    number: Annotated[int, Field(ge=1, description="Counted from 1.")]
    trigger: Annotated[TriggerType, Field(description="What began it.")]
    start_time: Annotated[datetime, Field(description="When it began.")]
    time: Annotated[datetime, Field(description="When it ended.")]
    outcome: Annotated[RunOutcome, Field(description="How.")]
    message: Annotated[str, Field(max_length=512, description="The same in a sentence with numbers.")] = ""
    version: Annotated[str | None, Field(max_length=32, description="The challenger.")] = None


class QuarantinedModel(ApiModel):
    """A model that was taken back after its promotion; it is not promoted again until a person says so."""

    digest: Annotated[Digest, Field(description="Digest of the model.")]
    run: Annotated[str, Field(max_length=63, description="The RetrainRun that promoted it.")]


class RetrainPolicyStatus(ApiModel):
    """What became of it."""

    observed_generation: Annotated[int | None, Field(ge=0, description="The generation that was last acted upon.")] = (
        None
    )
    champion: Annotated[Champion | None, Field(description="The version that is released; ModelServices follow.")] = (
        None
    )
    previous: Annotated[Champion | None, Field(description="The one before, to go back to.")] = None
    current_run: Annotated[CurrentRun | None, Field(description="The run that is under way.")] = None
    runs: Annotated[int, Field(ge=0, description="How many runs there were.")] = 0
    rejections: Annotated[int, Field(ge=0, description="Runs in a row that promoted nothing.")] = 0
    seen_until: Annotated[
        datetime | None, Field(description="Windows that end later (event time) can trigger; earlier ones did.")
    ] = None
    seen_snapshot: Annotated[
        Digest | None, Field(description="The same of windows without event time: those before this snapshot's did.")
    ] = None
    seen_performance_until: Annotated[
        datetime | None, Field(description="The same of windows whose performance is known: labels come later.")
    ] = None
    seen_rows: Annotated[int | None, Field(ge=0, description="Rows of the snapshot when the last run began.")] = None
    history: Annotated[
        tuple[PastRun, ...],
        ListAtomic(),
        Field(max_length=HISTORY_LISTED, description="Runs that have ended, newest first."),
    ] = ()
    quarantined: Annotated[
        tuple[QuarantinedModel, ...],
        ListMap("digest"),
        Field(max_length=QUARANTINED_LISTED, description="Models that were taken back, the newest first."),
    ] = ()
    released: Annotated[
        str | None,
        Field(max_length=256, description="Value of the annotation `springtide.dev/release` that was acted upon."),
    ] = None
    schedule: Annotated[str | None, Field(max_length=256, description="What `nextTime` was computed from.")] = None
    next_time: Annotated[datetime | None, Field(description="When the schedule comes round.")] = None
    missed_time: Annotated[
        datetime | None,
        Field(description="The newest time of the schedule that was skipped for `startingDeadlineSeconds`."),
    ] = None
    manual_retrain: Annotated[
        str | None, Field(max_length=256, description="The value of the annotation that was last acted upon.")
    ] = None
    conditions: Conditions = ()


NAME_FITS_RUNS = Rule(
    "size(self.metadata.name) <= 34",
    "a name must have 34 characters or fewer, so that the names of its runs fit",
    field=".metadata.name",
)

RESOURCE = CustomResource(
    kind="RetrainPolicy",
    plural="retrainpolicies",
    short_names=("rpol",),
    spec=RetrainPolicySpec,
    status=RetrainPolicyStatus,
    columns=(
        PrinterColumn("Ready", f"{READY}.status", description="Whether the loop can do its work."),
        PrinterColumn("State", f"{READY}.reason", description="What it does, or why it stands still."),
        PrinterColumn("Champion", ".status.champion.version", description="The version that is released."),
        PrinterColumn("Run", ".status.currentRun.name", description="The run that is under way."),
        PrinterColumn("Last", ".status.history[0].outcome", description="How the last run ended."),
        PrinterColumn("Runs", ".status.runs", "integer", description="How many runs there were."),
        PrinterColumn("Next", ".status.nextTime", priority=1, description="When the schedule comes round."),
        PrinterColumn("Age", ".metadata.creationTimestamp", "date"),
        PrinterColumn("Message", f"{READY}.message", priority=1, description="The state in a sentence."),
    ),
    rules=(NAME_FITS_RUNS,),
)

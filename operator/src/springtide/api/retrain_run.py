"""RetrainRun: one pass of the loop of a RetrainPolicy, from what triggered it to what became of it."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from springtide.api.base import NAME_FITS, READY, ApiModel, CustomResource, Digest, ListAtomic, PrinterColumn
from springtide.api.conditions import Conditions
from springtide.api.drift_monitor import PerformanceWindow
from springtide.api.gate import Verdict
from springtide.api.model_service import RetrainPolicyRef
from springtide.api.retrain_policy import Champion, ModelFiles, ReleasePlan, Trigger
from springtide.api.training_run import PinnedSnapshot

WINDOWS_WATCHED = 8

Phase = Literal[
    "Pending",
    "Training",
    "Judging",
    "AwaitingApproval",
    "RollingOut",
    "Watching",
    "RollingBack",
    "Promoted",
    "Rejected",
    "RolledBack",
    "Failed",
    "Inconclusive",
    "DryRun",
]
"""The last six are final."""


class RetrainRunSpec(ApiModel):
    """Whose loop, and why. The policy says what is trained, judged and released when the run begins."""

    policy_ref: Annotated[RetrainPolicyRef, Field(description="The RetrainPolicy.")]
    trigger: Annotated[Trigger | None, Field(description="Why; unset: a person made it (`Manual`).")] = None


class Approval(ApiModel):
    """Who let a challenger be promoted, by the annotation `springtide.dev/approve`."""

    by: Annotated[str, Field(max_length=256, description="The value of the annotation: who, as they say.")]
    time: Annotated[datetime, Field(description="When that was seen.")]


class JobState(ApiModel):
    """The Job of the phase that is under way. It is written down before it is made."""

    attempt: Annotated[int, Field(ge=1, description="Counted from 1.")] = 1
    failures: Annotated[int, Field(ge=0, description="Attempts that were lost with their infrastructure.")] = 0
    failure_time: Annotated[datetime | None, Field(description="When the last of them ended.")] = None
    failure_reason: Annotated[str | None, Field(max_length=128, description="Why, in one word.")] = None
    failure: Annotated[str | None, Field(max_length=1024, description="Why, in a sentence.")] = None
    done: Annotated[bool, Field(description="Its work is done, or was given up: `failure` then says why.")] = False


class PhaseStart(ApiModel):
    """A phase, and when it began."""

    phase: Annotated[Phase, Field(description="The phase.")]
    time: Annotated[datetime, Field(description="When it began.")]


class Watched(ApiModel):
    """What was seen while a new champion was watched."""

    message: Annotated[str, Field(max_length=1024, description="In a sentence with numbers.")]
    windows: Annotated[
        tuple[PerformanceWindow, ...],
        ListAtomic(),
        Field(max_length=WINDOWS_WATCHED, description="How it did by labels, the newest window first."),
    ] = ()


class Course(ApiModel):
    """What a run did and found. Once it has ended, this does not change any more: its record tells it."""

    phase: Annotated[Phase, Field(description="How far it is.")] = "Pending"
    phases: Annotated[
        tuple[PhaseStart, ...], ListAtomic(), Field(max_length=16, description="When each phase began, oldest first.")
    ] = ()
    plan: Annotated[
        ReleasePlan | None,
        Field(description="What the policy said when the run began. A later edit of the policy is for later runs."),
    ] = None
    policy_uid: Annotated[str | None, Field(max_length=64, description="Uid of the policy when the run began.")] = None
    policy_generation: Annotated[
        int | None, Field(ge=0, description="Generation of the policy when the run began.")
    ] = None
    training_run: Annotated[str | None, Field(max_length=253, description="The TrainingRun of the challenger.")] = None
    dataset: Annotated[PinnedSnapshot | None, Field(description="The snapshot that it is trained and judged on.")] = (
        None
    )
    challenger: Annotated[ModelFiles | None, Field(description="The model that is judged.")] = None
    champion: Annotated[Champion | None, Field(description="The model that it is held against.")] = None
    verdict: Annotated[Verdict | None, Field(description="What it showed.")] = None
    approval: Annotated[Approval | None, Field(description="Who let it be promoted.")] = None
    promoted_time: Annotated[
        datetime | None,
        Field(description="When it was decided to promote it: from then on the policy names it as its champion."),
    ] = None
    alias_set: Annotated[
        str | None, Field(max_length=32, description="The version that MLflow's alias `champion` was last set to.")
    ] = None
    serving_time: Annotated[datetime | None, Field(description="When the ModelService had taken it over.")] = None
    watched: Annotated[
        Watched | None, Field(description="What had been seen when the watch was over, or took it back.")
    ] = None
    outcome_message: Annotated[
        str | None, Field(max_length=1024, description="How it ended, in a sentence with numbers.")
    ] = None
    completion_time: Annotated[datetime | None, Field(description="When it ended.")] = None


class Record(ApiModel):
    """What became of a run: a folder that stays when the run is deleted."""

    uri: Annotated[str, Field(max_length=1024, description="The folder.")]
    digest: Annotated[Digest, Field(description="Digest of its manifest.")]


class RetrainRunStatus(Course):
    """How far it is, and what was found."""

    observed_generation: Annotated[int | None, Field(ge=0, description="The generation that was last acted upon.")] = (
        None
    )
    approved_before: Annotated[
        str | None,
        Field(max_length=256, description="The approval that was there before the verdict. It approves nothing."),
    ] = None
    job: Annotated[
        JobState, Field(description="The Job of the phase that is under way; of a run that has ended, of its record.")
    ] = JobState()
    record: Annotated[
        Record | None, Field(description="All of this, to be verified offline: written after it has ended.")
    ] = None
    conditions: Conditions = ()


RESOURCE = CustomResource(
    kind="RetrainRun",
    plural="retrainruns",
    short_names=("rrun",),
    spec=RetrainRunSpec,
    status=RetrainRunStatus,
    columns=(
        PrinterColumn("Ready", f"{READY}.status", description="True once it has promoted a model."),
        PrinterColumn("Phase", ".status.phase", description="How far it is, or how it ended."),
        PrinterColumn("Trigger", ".spec.trigger.type", description="What began it."),
        PrinterColumn("Challenger", ".status.challenger.version", description="The version that is judged."),
        PrinterColumn("Champion", ".status.champion.version", description="The version that it is held against."),
        PrinterColumn("Policy", ".spec.policyRef.name", priority=1, description="Whose loop."),
        PrinterColumn("Age", ".metadata.creationTimestamp", "date"),
        PrinterColumn("Message", f"{READY}.message", priority=1, description="The state in a sentence."),
    ),
    rules=(NAME_FITS,),
    mutable=(),
)

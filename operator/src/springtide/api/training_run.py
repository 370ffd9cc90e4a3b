"""TrainingRun: one training of one model on one pinned snapshot of data."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from springtide.api.base import (
    NAME_FITS,
    READY,
    ApiModel,
    CustomResource,
    Digest,
    ListMap,
    ListSet,
    ObjectName,
    Preserve,
    PrinterColumn,
    Rule,
)
from springtide.api.conditions import Conditions
from springtide.api.data import ColumnName, DatasetRef, Source
from springtide.api.workload import Overrides, Resources


class ModelName(ApiModel):
    """The registered model that a successful run adds a version to."""

    name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=128,
            pattern=r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$",
            description="Name in the model registry. A version is created when the run succeeds.",
        ),
    ]


class Split(ApiModel):
    """How rows are held out. Metrics are computed on the held-out rows only."""

    RULES: ClassVar = (
        Rule(
            "self.type != 'Time' || has(self.column)",
            "column must name the time column when type is Time",
            field=".column",
            reason="FieldValueRequired",
        ),
        Rule(
            "self.type == 'Time' || !has(self.column)",
            "column is for type Time only",
            field=".column",
            reason="FieldValueForbidden",
        ),
    )

    type: Annotated[
        Literal["Random", "Time"],
        Field(description="Random: drawn with the seed. Time: the newest rows, as the model will meet them."),
    ] = "Random"
    column: Annotated[ColumnName | None, Field(description="The time column: a timestamp, a date or a number.")] = None
    test_fraction: Annotated[float, Field(ge=0.01, le=0.9, description="Share of the rows that are held out.")] = 0.2


class Data(ApiModel):
    """What is trained on: the snapshot of a Dataset, or files as they lie."""

    RULES: ClassVar = (
        Rule(
            "has(self.source) != has(self.datasetRef)",
            "exactly one of source and datasetRef must be set",
            reason="FieldValueRequired",
        ),
    )

    source: Annotated[Source | None, Field(description="Where the files lie.")] = None
    dataset_ref: Annotated[
        DatasetRef | None,
        Field(description="A Dataset of the namespace. Its latest snapshot is pinned in `status.dataset`."),
    ] = None
    digest: Annotated[
        Digest | None,
        Field(
            description="Refuse to train on anything else. With `datasetRef`, the snapshot to train on. What was read"
            " is pinned in `status.inputs` either way."
        ),
    ] = None
    split: Annotated[Split, Field(description="How rows are held out for evaluation.")] = Split()


class Recipe(ApiModel):
    """A training program that comes with Springtide."""

    name: Annotated[
        str, Field(min_length=1, max_length=64, pattern=r"^[a-z][-a-z0-9]*$", description="`gbdt` or `mlp`.")
    ]
    parameters: Annotated[
        dict[str, Annotated[Any, Preserve()]],
        Field(max_length=64, description="Parameters of the recipe; what is not given has the recipe's default."),
    ] = Field(default={})


class Container(ApiModel):
    """A training program of your own. It reads its task from `SPRINGTIDE_TASK` and ends with a result."""

    image: Annotated[str, Field(min_length=1, max_length=512, description="The image, best by digest.")]
    command: Annotated[
        tuple[Annotated[str, Field(max_length=4096)], ...] | None,
        Field(max_length=64, description="Replaces the image's entry point."),
    ] = None
    args: Annotated[
        tuple[Annotated[str, Field(max_length=4096)], ...] | None, Field(max_length=64, description="Its arguments.")
    ] = None


class Target(ApiModel):
    """What is predicted."""

    RULES: ClassVar = (
        Rule(
            "!has(self.weightColumn) || self.weightColumn != self.column",
            "weightColumn must be another column than column",
            field=".weightColumn",
        ),
    )

    column: Annotated[ColumnName, Field(description="The column to predict.")]
    task: Annotated[Literal["BinaryClassification"], Field(description="The kind of problem.")] = "BinaryClassification"
    weight_column: Annotated[ColumnName | None, Field(description="Weight of each row in training and metrics.")] = None


class Features(ApiModel):
    """Which columns the model sees. Target, weight and time column never are features."""

    exclude: Annotated[
        tuple[ColumnName, ...], ListSet(), Field(max_length=4096, description="Columns that the model must not see.")
    ] = ()
    categorical: Annotated[
        tuple[ColumnName, ...],
        ListSet(),
        Field(max_length=4096, description="Columns of codes: categories, though they are numbers."),
    ] = ()


class Evaluation(ApiModel):
    """What is reported about the model beyond its overall metrics."""

    slices: Annotated[
        tuple[ColumnName, ...],
        ListSet(),
        Field(max_length=16, description="Columns whose values are reported one by one, such as a state or a channel."),
    ] = ()


class Retry(ApiModel):
    """How many further attempts there may be."""

    infrastructure: Annotated[
        int, Field(ge=0, le=100, description="After evictions, lost nodes, preemption and unreachable services.")
    ] = 10
    user: Annotated[
        int,
        Field(
            ge=0, le=10, description="After errors of the training itself: the same input mostly fails the same way."
        ),
    ] = 0


class TrainingRunSpec(ApiModel):
    """What to train, on what, how, and within which limits."""

    RULES: ClassVar = (
        Rule(
            "has(self.recipe) != has(self.container)",
            "exactly one of recipe and container must be set",
            reason="FieldValueRequired",
        ),
        Rule(
            "!has(self.recipe) || has(self.target)",
            "target must be set for a recipe: it says what is predicted",
            field=".target",
            reason="FieldValueRequired",
        ),
    )

    model: Annotated[ModelName, Field(description="The registered model.")]
    data: Annotated[Data, Field(description="What is trained on.")]
    recipe: Annotated[Recipe | None, Field(description="A training program that comes with Springtide.")] = None
    container: Annotated[Container | None, Field(description="A training program of your own.")] = None
    target: Annotated[Target | None, Field(description="What is predicted.")] = None
    features: Annotated[Features, Field(description="Which columns the model sees.")] = Features()
    evaluation: Annotated[Evaluation, Field(description="What is reported beyond overall metrics.")] = Evaluation()
    seed: Annotated[int, Field(ge=0, le=2**31 - 1, description="Equal data, recipe and seed give an equal model.")] = 7
    resources: Annotated[Resources, Field(description="What the container asks for and may use.")] = Resources()
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
    suspend: Annotated[
        bool, Field(description="True: stop and wait. The attempt is given up without spending a retry.")
    ] = False
    overrides: Annotated[Overrides, Field(description="What else may be set on the pods.")] = Overrides()


FailureKind = Literal["Infrastructure", "User", "Suspended"]


class Attempt(ApiModel):
    """One try: one Job with one pod."""

    name: Annotated[str, Field(max_length=63, description="Name of the Job.")]
    number: Annotated[int, Field(ge=1, description="Counted from 1.")]
    start_time: Annotated[datetime | None, Field(description="When its container started.")] = None
    end_time: Annotated[datetime | None, Field(description="When it was seen to have ended.")] = None
    failure: Annotated[FailureKind | None, Field(description="Whose failure it was; unset if there was none.")] = None
    reason: Annotated[str | None, Field(max_length=128, description="How it ended, in one word.")] = None
    message: Annotated[str | None, Field(max_length=1024, description="How it ended, in a sentence.")] = None


class Failures(ApiModel):
    """Attempts that failed so far, by whose failure it was."""

    infrastructure: Annotated[int, Field(ge=0, description="Lost infrastructure.")] = 0
    user: Annotated[int, Field(ge=0, description="Errors of the training itself.")] = 0


class Inputs(ApiModel):
    """What was read."""

    digest: Annotated[Digest, Field(description="Digest of the manifest of all files that were read.")]
    files: Annotated[int | None, Field(ge=0, description="How many files.")] = None
    rows: Annotated[int | None, Field(ge=0, description="How many rows.")] = None


class PinnedSnapshot(ApiModel):
    """The snapshot that every attempt of a run is trained on. It is kept for as long as the run is there."""

    name: Annotated[str, Field(max_length=253, description="Name of the Dataset.")]
    digest: Annotated[Digest, Field(description="Digest of the snapshot.")]
    uri: Annotated[str, Field(max_length=1024, description="The folder with its files.")]


class Memo(ApiModel):
    """The key of this very work, and the run that did it before, if one did."""

    key: Annotated[Digest, Field(description="Digest of data, recipe, parameters, seed and program.")]
    hit_from: Annotated[str | None, Field(max_length=320, description="`namespace/name` of that run.")] = None


class RegisteredModel(ApiModel):
    """The model version that the run made."""

    name: Annotated[str, Field(max_length=128, description="Name in the registry.")]
    version: Annotated[str | None, Field(max_length=32, description="Version in the registry.")] = None
    digest: Annotated[Digest | None, Field(description="Digest of the model's manifest.")] = None
    uri: Annotated[str | None, Field(max_length=1024, description="Where the model's files lie.")] = None


class Tracking(ApiModel):
    """Where MLflow shows the run."""

    run_id: Annotated[str, Field(max_length=64, description="Id of the run.")]
    experiment_id: Annotated[str | None, Field(max_length=64, description="Id of its experiment.")] = None


class TrainingRunStatus(ApiModel):
    """What became of it."""

    observed_generation: Annotated[int | None, Field(ge=0, description="The generation that was last acted upon.")] = (
        None
    )
    attempt: Annotated[int, Field(ge=0, description="The current attempt, 0 before the first.")] = 0
    attempts: Annotated[
        tuple[Attempt, ...], ListMap("number"), Field(max_length=20, description="The newest attempts, oldest first.")
    ] = ()
    failures: Annotated[Failures, Field(description="Failed attempts so far.")] = Failures()
    training_seconds: Annotated[
        int, Field(ge=0, description="Wall clock of the attempts that have ended; the deadline counts it.")
    ] = 0
    dataset: Annotated[
        PinnedSnapshot | None, Field(description="The snapshot of `spec.data.datasetRef` that the run is pinned to.")
    ] = None
    inputs: Annotated[Inputs | None, Field(description="What was read.")] = None
    memo: Annotated[Memo | None, Field(description="The identity of this very work.")] = None
    metrics: Annotated[
        dict[Annotated[str, Field(max_length=64)], float],
        Field(max_length=64, description="Metrics on the held-out rows."),
    ] = Field(default={})
    model: Annotated[RegisteredModel | None, Field(description="The model version.")] = None
    mlflow: Annotated[Tracking | None, Field(description="The run in MLflow.")] = None
    completion_time: Annotated[datetime | None, Field(description="When the run ended.")] = None
    conditions: Conditions = ()


RESOURCE = CustomResource(
    kind="TrainingRun",
    plural="trainingruns",
    short_names=("trun",),
    spec=TrainingRunSpec,
    status=TrainingRunStatus,
    columns=(
        PrinterColumn("Ready", f"{READY}.status", description="Whether the model is there."),
        PrinterColumn("State", f"{READY}.reason", description="How far it is, or why not."),
        PrinterColumn("Attempt", ".status.attempt", "integer", description="The current attempt."),
        PrinterColumn("AUC", ".status.metrics.auc", "number", description="AUC on the held-out rows."),
        PrinterColumn("Model", ".spec.model.name", priority=1, description="The registered model."),
        PrinterColumn("Version", ".status.model.version", description="Its version."),
        PrinterColumn("Age", ".metadata.creationTimestamp", "date"),
        PrinterColumn("Message", f"{READY}.message", priority=1, description="The same in a sentence."),
    ),
    rules=(NAME_FITS,),
    mutable=("suspend",),
)

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
    ListAtomic,
    ListMap,
    ListSet,
    ObjectName,
    Preserve,
    PrinterColumn,
    Quantity,
    Rule,
    Rules,
)
from springtide.api.conditions import Conditions

ColumnName = Annotated[str, Field(min_length=1, max_length=128)]

NO_PARENT_FOLDER = Rule("!self.contains('..')", "a path must not contain '..'")


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


class Volume(ApiModel):
    """A folder on a PersistentVolumeClaim of the run's namespace, mounted read-only."""

    claim_name: Annotated[ObjectName, Field(description="The PersistentVolumeClaim.")]
    path: Annotated[
        str,
        Field(
            max_length=512,
            pattern=r"^[^/].*$",
            description="Files on it: a Parquet file, a folder of them, or a glob. Relative to the volume's root.",
        ),
        Rules(NO_PARENT_FOLDER),
    ] = "."


class Source(ApiModel):
    """Where the training data lies: exactly one of `uri` and `volume`."""

    RULES: ClassVar = (
        Rule(
            "has(self.uri) != has(self.volume)",
            "exactly one of uri and volume must be set",
            reason="FieldValueRequired",
        ),
    )

    uri: Annotated[
        str | None,
        Field(
            max_length=1024,
            pattern=r"^(s3|file)://.+$",
            description="A Parquet file, a folder of them, or a glob: `s3://...`, or `file:///...` on a volume.",
        ),
    ] = None
    volume: Annotated[Volume | None, Field(description="Files on a volume of the cluster.")] = None


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
    """What is trained on."""

    source: Annotated[Source, Field(description="Where the files lie.")]
    digest: Annotated[
        Digest | None,
        Field(description="Refuse to train on anything else. What was read is pinned in `status.inputs` either way."),
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


class Resources(ApiModel):
    """What the training container asks for and may use."""

    RULES: ClassVar = (
        Rule(
            "!has(self.requests) || !has(self.limits) || self.requests.all(name, !(name in self.limits)"
            " || quantity(string(self.requests[name])).compareTo(quantity(string(self.limits[name]))) <= 0)",
            "what is requested must not exceed its limit",
            field=".requests",
        ),
    )

    requests: Annotated[
        dict[Annotated[str, Field(max_length=128)], Quantity],
        Field(max_length=16, description="Asked of the scheduler and counted by queues."),
    ] = Field(default={})
    limits: Annotated[
        dict[Annotated[str, Field(max_length=128)], Quantity],
        Field(max_length=16, description="Beyond the memory limit the container is killed: `OutOfMemory`."),
    ] = Field(default={})


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


class Toleration(ApiModel):
    """A taint that the pods accept."""

    RULES: ClassVar = (
        Rule(
            "self.operator != 'Exists' || !has(self.value)",
            "value is for operator Equal only",
            field=".value",
            reason="FieldValueForbidden",
        ),
        Rule(
            "self.operator == 'Exists' || has(self.key)",
            "key must be set unless operator is Exists",
            field=".key",
            reason="FieldValueRequired",
        ),
        Rule(
            "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
            "tolerationSeconds is for effect NoExecute only",
            field=".tolerationSeconds",
            reason="FieldValueForbidden",
        ),
    )

    key: Annotated[str | None, Field(max_length=253, description="Key of the taint; unset: every key.")] = None
    operator: Annotated[Literal["Exists", "Equal"], Field(description="Exists: any value. Equal: this value.")] = (
        "Equal"
    )
    value: Annotated[str | None, Field(max_length=63, description="Value of the taint.")] = None
    effect: Annotated[
        Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None,
        Field(description="Effect of the taint; unset: every effect."),
    ] = None
    toleration_seconds: Annotated[
        int | None, Field(ge=0, description="How long a pod stays on a node that gets the taint; unset: for ever.")
    ] = None


class EnvironmentVariable(ApiModel):
    """A plain value. Secrets come by `envFrom`: nothing secret belongs into a spec."""

    name: Annotated[
        str,
        Field(min_length=1, max_length=128, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="Name of the variable."),
    ]
    value: Annotated[str, Field(max_length=4096, description="Its value; nothing secret.")] = ""


class SecretName(ApiModel):
    """A Secret of the run's namespace, by name. The operator itself cannot read it."""

    name: Annotated[ObjectName, Field(description="Name of the Secret.")]


class EnvironmentSource(ApiModel):
    """All keys of a Secret as environment variables."""

    secret_ref: Annotated[SecretName, Field(description="The Secret. The operator itself cannot read it.")]


class VolumeMount(ApiModel):
    """A PersistentVolumeClaim in the training container."""

    claim_name: Annotated[ObjectName, Field(description="The PersistentVolumeClaim, in the run's namespace.")]
    mount_path: Annotated[
        str,
        Field(max_length=256, pattern=r"^/(data|mnt)/[-A-Za-z0-9_./]+$", description="Below `/data` or `/mnt`."),
        Rules(NO_PARENT_FOLDER),
    ]
    read_only: Annotated[bool, Field(description="Whether writing to it is refused.")] = True


NO_RESERVED_NAMES = Rule(
    "!self.exists(variable, variable.name.startsWith('SPRINGTIDE_'))", "names that begin with SPRINGTIDE_ are reserved"
)


class Overrides(ApiModel):
    """What may be set on the pods beyond what the platform sets: a closed list, not a pod template."""

    node_selector: Annotated[
        dict[Annotated[str, Field(max_length=253)], Annotated[str, Field(max_length=63)]],
        Field(max_length=32, description="Labels that a node must have."),
    ] = Field(default={})
    tolerations: Annotated[
        tuple[Toleration, ...], ListAtomic(), Field(max_length=16, description="Taints that the pods accept.")
    ] = ()
    priority_class_name: Annotated[ObjectName | None, Field(description="The PriorityClass.")] = None
    runtime_class_name: Annotated[ObjectName | None, Field(description="The RuntimeClass.")] = None
    service_account_name: Annotated[
        ObjectName | None, Field(description="The ServiceAccount, for a cloud's workload identity; it has no token.")
    ] = None
    env: Annotated[
        tuple[EnvironmentVariable, ...],
        ListMap("name"),
        Rules(NO_RESERVED_NAMES),
        Field(max_length=64, description="Plain environment variables."),
    ] = ()
    env_from: Annotated[
        tuple[EnvironmentSource, ...],
        ListAtomic(),
        Field(max_length=8, description="Secrets as environment variables."),
    ] = ()
    volumes: Annotated[
        tuple[VolumeMount, ...], ListMap("mountPath"), Field(max_length=8, description="Further volumes.")
    ] = ()


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

"""The contract between the operator and a Job: a task in, a result out.

A container gets its task as JSON in `SPRINGTIDE_TASK` and answers with a `Result` as JSON in its termination message,
which Kubernetes cuts at 4,096 bytes. It writes the same document to `resultUri` first, so that a result survives its
pod. The exit code repeats the gist for those who only see that: 0, or one of `ExitCode`.
"""

from datetime import datetime
from enum import IntEnum
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from springtide.api.base import ApiModel, Digest
from springtide.api.constants import API_VERSION
from springtide.api.data import ColumnName
from springtide.api.dataset import SNAPSHOTS_LISTED, VIOLATIONS_LISTED, Contract, Snapshot, Violation
from springtide.api.drift_monitor import (
    PERFORMANCE_LISTED,
    WINDOWS_A_LOOK,
    Measurement,
    PerformanceWindow,
    Rules,
    WindowReport,
    WindowSummary,
)
from springtide.api.gate import GATES_LISTED, Gate, Verdict
from springtide.api.model_service import Check
from springtide.api.retrain_policy import ModelFiles, Trigger
from springtide.api.retrain_run import Course, Record
from springtide.api.training_run import (
    Evaluation,
    Features,
    Inputs,
    Memo,
    Recipe,
    RegisteredModel,
    Split,
    Target,
    Tracking,
)

RESULT_BYTES = 4096
"""The largest termination message that Kubernetes keeps."""


class ExitCode(IntEnum):
    """Exit codes that mean something to the operator; any other but 0 is a failure of the user's code."""

    USER_ERROR = 64
    """The same input will fail the same way (sysexits: EX_USAGE)."""
    TEMPORARY = 75
    """Something that was needed could not be reached; waiting can help (sysexits: EX_TEMPFAIL)."""
    INTERRUPTED = 143
    """Asked to stop by SIGTERM. Never in a podFailurePolicy: a queue's preemption ends pods this way too."""


class Owner(ApiModel):
    """The run that a task belongs to."""

    kind: str
    namespace: str
    name: str
    uid: str
    attempt: int


class TaskBase(ApiModel):
    """What every task carries."""

    api_version: Literal["springtide.dev/v1alpha1"] = API_VERSION  # type: ignore[assignment]  # one source for the value
    owner: Owner
    store_uri: Annotated[str, Field(description="Root of the artifact store, such as `file:///artifacts`.")]
    result_uri: Annotated[str, Field(description="Where the result is written, and looked for by a recovery.")]


class TaskData(ApiModel):
    """The data of a training task, with its place resolved to one URI.

    digest: of the manifest of all files, where these are what lies at `uri`.
    snapshot: where `uri` is the folder of a Dataset's snapshot, the digest that its manifest must have.
    """

    uri: str
    digest: Digest | None = None
    snapshot: Digest | None = None
    split: Split = Split()


class TrainTask(TaskBase):
    """Train one model."""

    operation: Literal["Train"] = "Train"
    model_name: Annotated[str, Field(description="Name in the registry.")]
    experiment: Annotated[str, Field(description="MLflow experiment.")]
    tracking_uri: str
    data: TaskData
    recipe: Recipe | None = None
    target: Target | None = None
    features: Features = Features()
    evaluation: Evaluation = Evaluation()
    seed: int = 7
    memoize: bool = True


class SnapshotTask(TaskBase):
    """Read a source, hold it against its contract, and publish it as a snapshot unless it is there already.

    The owner names the Dataset; its snapshots lie below `datasets/<namespace>.<name>/` in the store.
    """

    operation: Literal["Snapshot"] = "Snapshot"
    uri: Annotated[str, Field(description="A file, a folder or a glob, on `s3://` or `file://`.")]
    format: Literal["Parquet", "Csv"] = "Parquet"
    keys: tuple[ColumnName, ...] = ()
    event_time_column: ColumnName | None = None
    available_time_column: ColumnName | None = None
    contract: Contract = Contract()
    known: Annotated[Digest | None, Field(description="Digest of the latest snapshot.")] = None
    source_state: Annotated[
        Digest | None,
        Field(description="State of the source when it was last read; an equal one need not be read. None: read."),
    ] = None
    remove: Annotated[
        tuple[Digest, ...],
        Field(
            max_length=SNAPSHOTS_LISTED,
            description="Snapshots to remove from the store once the task has succeeded, whether or not they are"
            " there. The snapshot that the task ends with is never one of them.",
        ),
    ] = ()


class ResolveTask(TaskBase):
    """Look up a version in the model registry, and see that its files are whole."""

    operation: Literal["Resolve"] = "Resolve"
    tracking_uri: str
    model_name: Annotated[str, Field(description="Name in the registry.")]
    version: str


class JudgeTask(TaskBase):
    """Watch a candidate beside the stable version for a while, by what their servers measure.

    candidate_host, stable_host: names that lead to each of their servers. seconds: how long; a check that fails for
    certain ends it at once.
    """

    operation: Literal["Judge"] = "Judge"
    candidate_host: str
    stable_host: str
    port: int
    seconds: Annotated[int, Field(ge=1)]
    min_samples: Annotated[int, Field(ge=1)]
    checks: tuple[Check, ...]


class DriftRows(ApiModel):
    """What a monitor looks at: the folder of a Dataset's snapshot, or, without a snapshot, that of an inference log."""

    uri: str
    snapshot: Digest | None = None


class DriftBaseline(ApiModel):
    """The model whose baseline the rows are held against."""

    uri: str
    digest: Digest


class Labels(ApiModel):
    """What became of the requests: the folder of a Dataset's snapshot, and how performance is judged by it.

    column: 0 or 1, or false or true. key_column: `<request id>/<row>`, or the id alone for row 0.
    is_measured: performance was measured with this snapshot before; it is measured anew only where windows have closed.
    known: windows that were told of before; told of again only where they are not the same any more.
    """

    uri: str
    snapshot: Digest
    column: ColumnName
    key_column: ColumnName
    min_rows: Annotated[int, Field(ge=1)]
    max_drop: Annotated[float, Field(ge=0, le=1)]
    is_measured: bool = False
    known: Annotated[tuple[PerformanceWindow, ...], Field(max_length=PERFORMANCE_LISTED)] = ()


class DriftTask(TaskBase):
    """Hold rows against the baseline that was frozen with a model, window by window.

    The windows are those that have closed since the last judged one, at most 24, the oldest first; rows without an
    event time are one window.
    """

    operation: Literal["Drift"] = "Drift"
    data: DriftRows
    event_time_column: Annotated[
        ColumnName | None, Field(description="Of a snapshot; the inference log has its own.")
    ] = None
    window_seconds: Annotated[int, Field(ge=1, description="Windows are aligned to the epoch.")] = 86_400
    delay_seconds: Annotated[
        int, Field(ge=0, description="A window is closed once a row is so much newer than its end.")
    ] = 300
    after: Annotated[datetime | None, Field(description="End of the last judged window.")] = None
    baseline: DriftBaseline
    slices: Annotated[tuple[ColumnName, ...], Field(max_length=8)] = ()
    exclude: Annotated[tuple[ColumnName, ...], Field(max_length=256)] = ()
    rules: Rules = Rules()
    earlier: Annotated[
        tuple[WindowSummary, ...],
        Field(max_length=48, description="Windows before, oldest first: what is usual, and the page's timeline."),
    ] = ()
    labels: Annotated[Labels | None, Field(description="Of an inference log; None: they are not known.")] = None
    report_uri: Annotated[str, Field(description="The folder that reports are published below.")]


class Circumstances(ApiModel):
    """What a judgement belongs to: written into its evidence.

    run, policy: names of the RetrainRun and of its RetrainPolicy. generation: of the policy when the run began.
    """

    run: str
    policy: str
    generation: int
    trigger: Trigger


class Registry(ApiModel):
    """The model registry, and the name of the model in it."""

    tracking_uri: str
    model_name: str


class EvaluateTask(TaskBase):
    """Hold a challenger against the champion, on the same held-out rows, and publish the evidence.

    data: the snapshot, and the split whose held-out rows are used: those that the challenger was not trained on.
    registry: where the champion must still be registered; None: that is not asked.
    """

    operation: Literal["Evaluate"] = "Evaluate"
    data: TaskData
    target: Target
    seed: int
    challenger: ModelFiles
    champion: Annotated[ModelFiles | None, Field(description="None: there is none yet.")] = None
    registry: Registry | None = None
    gates: Annotated[tuple[Gate, ...], Field(min_length=1, max_length=GATES_LISTED)]
    circumstances: Circumstances
    evidence_uri: Annotated[str, Field(description="The folder that evidence is published below.")]


class PromoteTask(TaskBase):
    """Let the registry's alias name a version; that it does already is as good."""

    operation: Literal["Promote"] = "Promote"
    tracking_uri: str
    model_name: Annotated[str, Field(description="Name in the registry.")]
    alias: str = "champion"
    version: Annotated[str | None, Field(description="None: the alias is removed.")] = None
    digest: Annotated[Digest | None, Field(description="That the version must have; else nothing is changed.")] = None


class RecordTask(TaskBase):
    """Publish what became of a RetrainRun, which is the owner.

    reason: of its end, in one word.
    """

    operation: Literal["Record"] = "Record"
    policy: Annotated[str, Field(description="Name of the RetrainPolicy.")]
    trigger: Trigger
    reason: str
    course: Course
    records_uri: Annotated[str, Field(description="The folder that records are published below.")]


class RecoverTask(TaskBase):
    """Hand over the result that a vanished pod left at `resultUri`."""

    operation: Literal["Recover"] = "Recover"


Task = Annotated[
    TrainTask
    | SnapshotTask
    | ResolveTask
    | JudgeTask
    | DriftTask
    | EvaluateTask
    | PromoteTask
    | RecordTask
    | RecoverTask,
    Field(discriminator="operation"),
]
TASK: TypeAdapter[Task] = TypeAdapter(Task)


class CheckOutcome(ApiModel):
    """One check of a judgement. value: unset where nothing could be measured."""

    name: Annotated[str, Field(max_length=64)]
    outcome: Literal["Passed", "Failed", "Inconclusive"]
    value: Annotated[float | None, Field(allow_inf_nan=False)] = None
    message: Annotated[str, Field(max_length=256)] = ""


class Judgement(ApiModel):
    """What a candidate showed. weight: percent of the requests that it got, as the servers counted them."""

    outcome: Literal["Passed", "Failed", "Inconclusive"]
    requests: Annotated[int, Field(ge=0)]
    weight: Annotated[int | None, Field(ge=0, le=100)] = None
    checks: Annotated[tuple[CheckOutcome, ...], Field(max_length=8)] = ()


class Result(ApiModel):
    """What became of a task."""

    status: Literal["Succeeded", "Failed"]
    reason: Annotated[str, Field(max_length=128, pattern=r"^[A-Za-z][A-Za-z0-9]*$")]
    message: Annotated[str, Field(max_length=1024)] = ""
    retryable: Annotated[bool, Field(description="Whether waiting can help: a failure of infrastructure.")] = False
    start_time: datetime | None = None
    end_time: datetime | None = None
    inputs: Inputs | None = None
    memo: Memo | None = None
    metrics: Annotated[
        dict[Annotated[str, Field(max_length=64)], Annotated[float, Field(allow_inf_nan=False)]], Field(max_length=64)
    ] = Field(default={})
    model: RegisteredModel | None = None
    mlflow: Tracking | None = None
    snapshot: Annotated[
        Snapshot | None, Field(description="The source as it is now; None where it was not read, or is refused.")
    ] = None
    source_state: Annotated[Digest | None, Field(description="The state of the source that was looked at.")] = None
    violations: Annotated[tuple[Violation, ...], Field(max_length=VIOLATIONS_LISTED)] = ()

    judgement: Judgement | None = None
    verdict: Annotated[Verdict | None, Field(description="Of an evaluation.")] = None
    record: Annotated[Record | None, Field(description="Of a RetrainRun that has ended.")] = None
    window: Annotated[WindowReport | None, Field(description="The newest window that was judged.")] = None
    windows: Annotated[
        tuple[WindowSummary, ...],
        Field(max_length=WINDOWS_A_LOOK, description="All windows that were judged, the oldest first."),
    ] = ()
    measurement: Annotated[Measurement | None, Field(description="How performance was measured; None: it was not.")] = (
        None
    )
    performance: Annotated[
        tuple[PerformanceWindow, ...],
        Field(max_length=PERFORMANCE_LISTED, description="What is new of windows with labels, the newest first."),
    ] = ()

    @property
    def size(self) -> int:
        """Bytes of the document."""
        return len(self._document().encode())

    def encode(self) -> str:
        """The document, at most `RESULT_BYTES` long; raises ValueError where it would be longer."""
        text = self._document()
        if (size := len(text.encode())) > RESULT_BYTES:
            raise ValueError(f"the result has {size} bytes, but a termination message keeps {RESULT_BYTES}")
        return text

    def _document(self) -> str:
        return self.model_dump_json(by_alias=True, exclude_none=True)


def decode_result(text: str) -> Result:
    """The result in a termination message; raises ValueError (pydantic's) that says what is wrong with it."""
    return Result.model_validate_json(text)

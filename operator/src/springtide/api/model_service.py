"""ModelService: a registered model version that is served, and changed only by a judged, stepwise rollout."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from springtide.api.base import (
    NAME_FITS,
    READY,
    ApiModel,
    CustomResource,
    Digest,
    IntOrString,
    ListAtomic,
    ListMap,
    ObjectName,
    PrinterColumn,
    Rule,
    Rules,
)
from springtide.api.conditions import Conditions
from springtide.api.workload import Overrides, Resources

QUARANTINED_LISTED = 20

Version = Annotated[
    str,
    Field(min_length=1, max_length=32, pattern=r"^[1-9][0-9]*$"),
    BeforeValidator(lambda value: str(value) if type(value) is int else value),
    IntOrString(minimum=1),
]
"""The number of a registered version. It may be written with or without quotes."""


class ModelVersion(ApiModel):
    """A version in the model registry."""

    name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=128,
            pattern=r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$",
            description="The model, as `spec.model.name` of the TrainingRuns that made its versions.",
        ),
    ]
    version: Annotated[
        Version | None,
        Field(description="The version to serve. Another one begins a rollout. Unset: `spec.versionFrom` says it."),
    ] = None


class RetrainPolicyRef(ApiModel):
    """A RetrainPolicy of the same namespace, by name."""

    name: Annotated[ObjectName, Field(description="Name of the RetrainPolicy.")]


class VersionFrom(ApiModel):
    """Who says which version is served."""

    retrain_policy_ref: Annotated[RetrainPolicyRef, Field(description="Its champion is served.")]


class Replicas(ApiModel):
    """How many pods serve."""

    min: Annotated[int, Field(ge=1, le=100, description="So many serve at any time, rollouts included.")] = 2


class Step(ApiModel):
    """A share of the requests, and how long it is watched."""

    weight: Annotated[int, Field(ge=1, le=99, description="Percent of the replicas that are the candidate's.")]
    pause_seconds: Annotated[
        int, Field(ge=1, le=604_800, description="How long the checks are watched before the next step.")
    ]


class Check(ApiModel):
    """A bound on what the servers measure. The candidate's requests of the rollout count."""

    name: Annotated[str, Field(min_length=1, max_length=64, description="How messages call it.")]
    metric: Annotated[
        Literal["ErrorRate", "P99Milliseconds", "ScorePsi"],
        Field(
            description="ErrorRate: share of requests that the candidate failed (5xx). P99Milliseconds: its 99th"
            " percentile. ScorePsi: population stability index of its scores beside the stable version's."
        ),
    ]
    max: Annotated[float, Field(ge=0, description="The greatest value that passes.")]


class Rollout(ApiModel):
    """How a candidate takes over."""

    steps: Annotated[
        tuple[Step, ...],
        ListAtomic(),
        Field(max_length=10, description="Shares before it takes over; none: it takes over once it is ready."),
        Rules(
            Rule(
                "self.map(step, step.weight).isSorted()"
                " && self.all(step, self.exists_one(other, other.weight == step.weight))",
                "the weights of the steps must rise",
            )
        ),
    ] = (Step(weight=25, pause_seconds=60),)
    checks: Annotated[
        tuple[Check, ...], ListMap("name"), Field(max_length=8, description="What must hold in every step.")
    ] = (Check(name="errors", metric="ErrorRate", max=0.01),)
    min_samples: Annotated[
        int,
        Field(
            ge=1,
            description="Requests to the candidate in a step, and for ScorePsi to the stable version, before anything"
            " can be said.",
        ),
    ] = 100
    on_inconclusive: Annotated[
        Literal["Hold", "Rollback"],
        Field(description="When a step had too few requests. Hold: the step goes on. Rollback: the candidate goes."),
    ] = "Hold"
    keep_stable_seconds: Annotated[
        int,
        Field(
            ge=0,
            le=2_592_000,
            description="How long the version before is kept running after a take-over, if no other candidate gets"
            " requests meanwhile: going back to it is immediate.",
        ),
    ] = 3600


class InferenceLog(ApiModel):
    """Requests and answers, written down in the artifact store. Who may read the store may read them."""

    sample_fraction: Annotated[
        float, Field(ge=0.0001, le=1, description="Share of the requests that is written down.")
    ] = 1.0
    retention_seconds: Annotated[
        int, Field(ge=3600, le=315_360_000, description="How long a file is kept after it was written.")
    ] = 7_776_000
    flush_seconds: Annotated[
        int, Field(ge=1, le=3600, description="A row can be read about so long after its request.")
    ] = 30


class ModelServiceSpec(ApiModel):
    """What is served, by what, and how it is changed."""

    RULES: ClassVar = (
        Rule(
            "self.model.name == oldSelf.model.name",
            "model.name cannot be changed: create another ModelService",
            field=".model.name",
            reason="FieldValueForbidden",
        ),
        Rule(
            "self.backend == oldSelf.backend",
            "backend cannot be changed: create another ModelService",
            field=".backend",
            reason="FieldValueForbidden",
        ),
        Rule(
            "has(self.model.version) != has(self.versionFrom)",
            "exactly one of model.version and versionFrom must be set",
            reason="FieldValueRequired",
        ),
    )

    model: Annotated[ModelVersion, Field(description="The version to serve.")]
    version_from: Annotated[
        VersionFrom | None, Field(description="Who says which version is served, where `model.version` does not.")
    ] = None
    backend: Annotated[
        Literal["Auto", "KServe", "Deployment"],
        Field(description="What runs the servers. Auto: KServe where it is installed when the service is first made."),
    ] = "Auto"
    replicas: Annotated[Replicas, Field(description="How many pods serve.")] = Replicas()
    resources: Annotated[Resources, Field(description="What a server asks for and may use.")] = Resources()
    rollout: Annotated[Rollout, Field(description="How another version takes over.")] = Rollout()
    inference_log: Annotated[
        InferenceLog | None,
        Field(description="Requests and answers are written down, for a DriftMonitor; absent: they are not."),
    ] = None
    suspend: Annotated[
        bool, Field(description="True: no rollout is begun, and one under way stays where it is. Serving goes on.")
    ] = False
    overrides: Annotated[Overrides, Field(description="What else may be set on the pods.")] = Overrides()


class Served(ApiModel):
    """A version with its files. They never change: the digest is their name."""

    version: Annotated[str, Field(max_length=32, description="Version in the registry.")]
    digest: Annotated[Digest, Field(description="Digest of the model's manifest; servers verify it.")]
    uri: Annotated[str, Field(max_length=1024, description="Where the model's files lie.")]
    since: Annotated[datetime | None, Field(description="Since when it serves.")] = None


class Previous(Served):
    """The version before, which still runs."""

    until: Annotated[datetime, Field(description="How long it is kept.")]


class Candidate(ApiModel):
    """The version that is to take over."""

    version: Annotated[str, Field(max_length=32, description="Version in the registry.")]
    phase: Annotated[
        Literal["Resolving", "Loading", "Canary", "TakingOver"],
        Field(description="Resolving: it is looked up. Loading: its servers start. Then steps, and the take-over."),
    ] = "Resolving"
    digest: Annotated[Digest | None, Field(description="Digest of the model's manifest, once it was looked up.")] = None
    uri: Annotated[str | None, Field(max_length=1024, description="Where the model's files lie.")] = None
    step: Annotated[int, Field(ge=0, description="The step of `spec.rollout.steps`, counted from 0.")] = 0
    weight: Annotated[
        int | None, Field(ge=0, le=100, description="Percent of the requests that it got, as servers counted them.")
    ] = None
    phase_time: Annotated[datetime, Field(description="When the phase, or the step, began.")]
    number: Annotated[int, Field(ge=1, description="Counts the candidates of the service; names its Jobs.")]
    attempt: Annotated[int, Field(ge=1, description="Of the Job of this phase, counted from 1.")] = 1
    failures: Annotated[int, Field(ge=0, description="Attempts of that Job that did not end well.")] = 0
    failure_time: Annotated[datetime | None, Field(description="When the last of them ended.")] = None
    failure: Annotated[str | None, Field(max_length=1024, description="What went wrong in it.")] = None
    failure_reason: Annotated[str | None, Field(max_length=128, description="The same in one word.")] = None


class Quarantined(ApiModel):
    """A model that was taken back. It is not tried again until a person says so."""

    digest: Annotated[Digest, Field(description="Digest of the model.")]
    version: Annotated[str, Field(max_length=32, description="Version in the registry.")]
    reason: Annotated[str, Field(max_length=128, description="Why, in one word.")]
    message: Annotated[str, Field(max_length=1024, description="Why, in a sentence with numbers.")]
    time: Annotated[datetime, Field(description="When.")]


class ModelServiceStatus(ApiModel):
    """What became of it."""

    observed_generation: Annotated[int | None, Field(ge=0, description="The generation that was last acted upon.")] = (
        None
    )
    backend: Annotated[
        Literal["KServe", "Deployment"] | None, Field(description="What runs the servers, once that is decided.")
    ] = None
    url: Annotated[str | None, Field(max_length=512, description="Where to send requests, inside the cluster.")] = None
    ready_replicas: Annotated[int, Field(ge=0, description="Servers of the stable version that are ready.")] = 0
    stable: Annotated[Served | None, Field(description="The version that serves.")] = None
    candidate: Annotated[Candidate | None, Field(description="The version that is to take over.")] = None
    previous: Annotated[Previous | None, Field(description="The version before, while it is kept.")] = None
    candidates: Annotated[int, Field(ge=0, description="How many candidates there were.")] = 0
    quarantined: Annotated[
        tuple[Quarantined, ...],
        ListMap("digest"),
        Field(max_length=QUARANTINED_LISTED, description="Models that were taken back, the newest first."),
    ] = ()
    released: Annotated[
        str | None, Field(max_length=256, description="The value of the annotation `release` that was last acted upon.")
    ] = None
    conditions: Conditions = ()


RESOURCE = CustomResource(
    kind="ModelService",
    plural="modelservices",
    short_names=("msvc",),
    spec=ModelServiceSpec,
    status=ModelServiceStatus,
    columns=(
        PrinterColumn("Ready", f"{READY}.status", description="Whether as many servers answer as are asked for."),
        PrinterColumn("State", f"{READY}.reason", description="How it serves, or what keeps it from it."),
        PrinterColumn("Stable", ".status.stable.version", description="The version that serves."),
        PrinterColumn("Candidate", ".status.candidate.version", description="The version that is to take over."),
        PrinterColumn("Weight", ".status.candidate.weight", "integer", description="Percent of requests it gets."),
        PrinterColumn(
            "Progress",
            '.status.conditions[?(@.type=="Progressing")].reason',
            description="How far the rollout is, or how the last one ended.",
        ),
        PrinterColumn("Age", ".metadata.creationTimestamp", "date"),
        PrinterColumn("Backend", ".status.backend", priority=1, description="What runs the servers."),
        PrinterColumn("URL", ".status.url", priority=1, description="Where to send requests, inside the cluster."),
        PrinterColumn(
            "Message",
            '.status.conditions[?(@.type=="Progressing")].message',
            priority=1,
            description="The rollout in a sentence.",
        ),
    ),
    rules=(NAME_FITS,),
)

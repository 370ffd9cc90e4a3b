"""A gate: what a challenger must show before it may take the champion's place, and what it did show."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from springtide.api.base import ApiModel, Digest, ListAtomic, ListSet, Rule
from springtide.api.data import ColumnName

GATES_LISTED = 8
GateMetric = Literal["AUC", "KS", "LogLoss", "Brier", "ECE", "AdverseImpactRatio"]
Outcome = Literal["Passed", "Failed", "Inconclusive"]


class VersusChampion(ApiModel):
    """The challenger held against the champion on the same rows: exactly one of the two bounds."""

    RULES: ClassVar = (
        Rule(
            "has(self.minDelta) != has(self.maxRegression)",
            "exactly one of minDelta and maxRegression must be set",
            reason="FieldValueRequired",
        ),
    )

    min_delta: Annotated[
        float | None, Field(ge=0, le=1, description="By so much the challenger must be better, for certain.")
    ] = None
    max_regression: Annotated[
        float | None, Field(ge=0, le=1, description="By so much the challenger may be worse, and for certain no more.")
    ] = None


class Gate(ApiModel):
    """A bound on a metric of the held-out rows.

    It passes where the whole interval of confidence keeps the bound, fails where the whole of it does not, and is
    inconclusive in between.
    """

    RULES: ClassVar = (
        Rule(
            "[has(self.min), has(self.max), has(self.versusChampion)].exists_one(bound, bound)",
            "exactly one of min, max and versusChampion must be set",
            reason="FieldValueRequired",
        ),
        Rule(
            "self.metric != 'AdverseImpactRatio' || (has(self.slices) && size(self.slices) > 0)",
            "slices must be set for AdverseImpactRatio: the groups that are compared",
            field=".slices",
            reason="FieldValueRequired",
        ),
    )

    name: Annotated[str, Field(min_length=1, max_length=64, description="How messages call it.")]
    metric: Annotated[
        GateMetric,
        Field(
            description="AUC, KS: more is better. LogLoss, Brier, ECE (expected calibration error): less is better."
            " AdverseImpactRatio: the lowest share of positive decisions of a group, divided by the highest (the"
            " four-fifths rule asks for 0.8). Decisions are positive from the score on that makes as many of them as"
            " there are positive rows."
        ),
    ]
    slices: Annotated[
        tuple[ColumnName, ...],
        ListSet(),
        Field(max_length=4, description="Columns; the gate must hold for each of their values by itself."),
    ] = ()
    min: Annotated[float | None, Field(ge=0, le=1000, description="The challenger has at least so much.")] = None
    max: Annotated[float | None, Field(ge=0, le=1000, description="The challenger has at most so much.")] = None
    versus_champion: Annotated[
        VersusChampion | None, Field(description="Held against the champion; passes while there is none.")
    ] = None
    min_support: Annotated[
        int, Field(ge=10, le=1_000_000_000, description="A slice with fewer rows is left out, and said to be.")
    ] = 500
    confidence: Annotated[float, Field(ge=0.5, le=0.999, description="Of the interval, by paired bootstrap.")] = 0.95


class GateOutcome(ApiModel):
    """What a challenger showed at a gate. Of a gate with slices, the worst of them."""

    name: Annotated[str, Field(max_length=64, description="The gate.")]
    outcome: Annotated[Outcome, Field(description="Whether the bound was kept for certain, or not, or neither.")]
    value: Annotated[
        float | None, Field(allow_inf_nan=False, description="The challenger's metric; unset: it has none.")
    ] = None
    champion: Annotated[float | None, Field(allow_inf_nan=False, description="The champion's, on the same rows.")] = (
        None
    )
    low: Annotated[
        float | None,
        Field(
            allow_inf_nan=False,
            description="Low end of the interval: of the metric, or, of a gate against the champion, of the gain. That"
            " is by how much the challenger is better, whichever way the metric goes.",
        ),
    ] = None
    high: Annotated[float | None, Field(allow_inf_nan=False, description="High end of it.")] = None
    slice: Annotated[str | None, Field(max_length=160, description="Such as `sex=female`; unset: all rows.")] = None
    message: Annotated[str, Field(max_length=256, description="The same in a sentence with numbers.")] = ""


class Evidence(ApiModel):
    """What a challenger was judged by: a folder whose manifest names every input by digest."""

    uri: Annotated[str, Field(max_length=1024, description="The folder.")]
    digest: Annotated[Digest, Field(description="Digest of its manifest.")]


class Verdict(ApiModel):
    """The judgement on a challenger. rows: held-out rows, the same for challenger and champion."""

    outcome: Annotated[Outcome, Field(description="Passed: every gate did. Failed: at least one did.")]
    rows: Annotated[int, Field(ge=0, description="How many held-out rows it was judged on.")]
    gates: Annotated[
        tuple[GateOutcome, ...],
        ListAtomic(),
        Field(max_length=GATES_LISTED, description="Each gate, in the order of the spec."),
    ] = ()
    evidence: Annotated[Evidence | None, Field(description="All of it, to be verified offline.")] = None

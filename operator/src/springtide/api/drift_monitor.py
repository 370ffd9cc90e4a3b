"""DriftMonitor: what a look at the rows answers. The kind itself comes with the operator's half."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from springtide.api.base import ApiModel, Digest

DRIFTED_LISTED = 20
WINDOWS_A_LOOK = 24

Verdict = Literal["Stable", "Drifted", "DataBroken", "Inconclusive"]


class Rules(ApiModel):
    """From where on a difference matters."""

    psi: Annotated[
        float,
        Field(
            gt=0,
            le=10,
            description="By convention a population shifted from 0.25 on. Less than that, or the chance in drawing a"
            " window would hide every second shift of just that size.",
        ),
    ] = 0.2
    false_discovery_rate: Annotated[
        float, Field(gt=0, le=0.5, description="Share of the alarms that may be chance.")
    ] = 0.01
    rise: Annotated[
        float,
        Field(
            gt=0,
            le=1,
            description="By so much the share of missing, special, unseen or out-of-range values may rise.",
        ),
    ] = 0.1
    min_rows: Annotated[
        int, Field(ge=1, le=1_000_000_000, description="Fewer rows say nothing: ten bins need ten rows each.")
    ] = 100
    volume_factor: Annotated[
        float, Field(gt=1, le=1_000_000, description="So many times fewer or more rows than usual are a fault.")
    ] = 10.0


class DriftedColumn(ApiModel):
    """A column that drifted or is broken. slice: such as `region=north`; unset: of all rows."""

    column: Annotated[str, Field(max_length=256)]
    slice: Annotated[str | None, Field(max_length=256)] = None
    verdict: Verdict
    reason: Annotated[str, Field(max_length=64)]
    psi: Annotated[float | None, Field(allow_inf_nan=False)] = None
    p_value: Annotated[float | None, Field(allow_inf_nan=False)] = None
    message: Annotated[str, Field(max_length=256)] = ""


class WindowSummary(ApiModel):
    """A window in short. start, end: unset where the rows have no event time."""

    start: datetime | None = None
    end: datetime | None = None
    rows: Annotated[int, Field(ge=0)]
    verdict: Verdict
    drifted_columns: Annotated[int, Field(ge=0)] = 0
    max_psi: Annotated[float | None, Field(allow_inf_nan=False)] = None


class WindowReport(WindowSummary):
    """A window in detail. columns: how many were judged. drifted: the worst of them, as many as there is room for."""

    message: Annotated[str, Field(max_length=1024)] = ""
    columns: Annotated[int, Field(ge=0)] = 0
    drifted: Annotated[tuple[DriftedColumn, ...], Field(max_length=DRIFTED_LISTED)] = ()
    report_uri: str | None = None
    report_digest: Digest | None = None
    snapshot: Digest | None = None
    baseline: Digest | None = None

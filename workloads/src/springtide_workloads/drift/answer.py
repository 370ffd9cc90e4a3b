"""A look's result: as much of it as a termination message keeps."""

from collections.abc import Iterator
from datetime import UTC, datetime

from springtide.api.constants import Reason
from springtide.api.drift_monitor import DRIFTED_LISTED, DriftedColumn, WindowReport, WindowSummary
from springtide.api.task import DriftTask, Result

from springtide_workloads.drift.answer_performance import ALWAYS_TOLD, in_part, tell
from springtide_workloads.drift.judging import Judged
from springtide_workloads.drift.performance import Realised
from springtide_workloads.drift.verdict import ColumnDrift
from springtide_workloads.process.fitting import cut, first_that_fits

TEXT = 256
"""Longest column, slice and sentence."""
SENTENCE = 320
"""Longest message of a window, and of a result."""


def answer(
    task: DriftTask,
    *,
    newest: Judged | None,
    windows: tuple[WindowSummary, ...],
    realised: Realised | None = None,
    report: tuple[str, str] | None,
    notes: tuple[str, ...],
    start_time: datetime,
) -> Result:
    """The result. windows: all that were judged. realised: None where performance was not measured.

    report: URI and digest. notes: sentences about the whole look.
    """
    finding = "no window has closed since the last look" if newest is None else newest.message
    measured = {} if realised is None else tell(task, realised, report=report)
    result = Result(
        status="Succeeded",
        reason=Reason.JUDGED,
        message=cut("; ".join([finding, *notes]), SENTENCE),
        start_time=start_time.replace(microsecond=0),
        end_time=datetime.now(UTC).replace(microsecond=0),
        window=None if newest is None else _report(task, newest, report=report),
        windows=windows,
        **measured,
    )
    return first_that_fits(_shorter(result))


def _shorter(result: Result) -> Iterator[Result]:
    """Ever less: fewer windows with labels, of which the next look tells; fewer columns in detail, then without their
    sentences, then fewer of the older windows. The report has all of it.
    """
    yield result
    for told in range(len(result.performance) - 1, ALWAYS_TOLD - 1, -1):
        result = in_part(result, told)
        yield result
    window = result.window
    if window is not None:
        for listed in range(len(window.drifted) - 1, 4, -1):
            yield _with(result, window.model_copy(update={"drifted": window.drifted[:listed]}))
        plain = tuple(one.model_copy(update={"message": ""}) for one in window.drifted)
        for listed in range(len(plain), -1, -1):
            yield _with(result, window.model_copy(update={"drifted": plain[:listed]}))
        result = _with(result, window.model_copy(update={"drifted": (), "message": cut(window.message, 80)}))
    for first in range(len(result.windows) + 1):
        yield result.model_copy(update={"windows": result.windows[first:], "message": cut(result.message, 80)})
    yield in_part(result, 1).model_copy(update={"windows": (), "message": cut(result.message, 80)})


def _with(result: Result, window: WindowReport) -> Result:
    return result.model_copy(update={"window": window})


def _report(task: DriftTask, judged: Judged, *, report: tuple[str, str] | None) -> WindowReport:
    uri, digest = report if report is not None else (None, None)
    return WindowReport(
        **judged.summary().model_dump(),
        message=cut(judged.message, SENTENCE),
        columns=len(judged.columns),
        drifted=tuple(_listed(one) for one in judged.worst[:DRIFTED_LISTED]),
        report_uri=uri,
        report_digest=digest,
        snapshot=task.data.snapshot,
        baseline=task.baseline.digest,
    )


def _listed(drift: ColumnDrift) -> DriftedColumn:
    return DriftedColumn(
        column=cut(drift.name, TEXT),
        slice=None if drift.slice is None else cut(drift.slice, TEXT),
        verdict=drift.verdict,
        reason=drift.reason,
        psi=None if drift.psi is None else round(drift.psi, 4),
        p_value=None if drift.p_value is None else float(f"{drift.p_value:.2g}"),
        message=cut(drift.message, TEXT),
    )

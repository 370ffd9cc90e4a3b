"""What a result tells of performance: what is new, as far as there is room. The next look goes on where it ended."""

from typing import Any

from springtide.api.constants import Reason
from springtide.api.drift_monitor import Measurement, PerformanceWindow
from springtide.api.task import DriftTask, Result

from springtide_workloads.drift.performance import Realised
from springtide_workloads.process.fitting import cut

ALWAYS_TOLD = 4
"""Windows with labels that come before the details of drift."""
SENTENCE = 320


def tell(task: DriftTask, realised: Realised, *, report: tuple[str, str] | None) -> dict[str, Any]:
    """The fields of a result. report: URI and digest."""
    labels = task.labels
    assert labels is not None, "performance is measured by labels"
    known = {_numbers(one) for one in labels.known}
    windows = [one.summary() for one in realised.windows]
    problem = realised.problem
    message = "; ".join(realised.notes) if problem is None else problem.message
    measurement = Measurement(
        labels=labels.snapshot,
        outcome=Reason.MEASURED if problem is None else problem.reason,
        message=cut(message, SENTENCE),
        report_uri=report[0] if report and windows else None,
        report_digest=report[1] if report and windows else None,
    )
    new = tuple(one for one in windows if _numbers(one) not in known)
    return {"measurement": measurement, "performance": new}


def in_part(result: Result, windows: int) -> Result:
    """The result with the newest windows that have labels only."""
    if result.measurement is None or windows >= len(result.performance):
        return result
    measurement = result.measurement.model_copy(update={"complete": False})
    return result.model_copy(update={"measurement": measurement, "performance": result.performance[:windows]})


def _numbers(window: PerformanceWindow) -> str:
    """A window but for its sentence, which an operator does not hand back."""
    return window.model_dump_json(exclude={"message"})

"""Windows of event time, and what was found in them, in a few words."""

from datetime import datetime

from springtide.api.drift_monitor import PerformanceWindow


def performed(window: PerformanceWindow) -> str:
    """How a model did in a window, in a few words."""
    if window.auc is None:
        return f"until {stamp(window.end)} {window.message}"
    interval = f" ({window.low:.4g} to {window.high:.4g})" if window.low is not None and window.high is not None else ""
    promised = f", promised {window.promised:.4g}" if window.promised is not None else ""
    return f"until {stamp(window.end)} AUC {window.auc:.4g}{interval}{promised}, of {window.labelled} labels"


def stamp(time: datetime) -> str:
    """A time as people and the API server write it."""
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")

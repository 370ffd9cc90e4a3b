"""What a DriftMonitor asks of a look: when that changes, the newest window is judged anew."""

import hashlib
import json

from springtide.api.drift_monitor import DriftMonitorSpec

_FIELDS = frozenset({"baseline", "window", "slices", "columns", "rules"})
_OF_LABELS = frozenset({"labels", "performance"})


def demand_of(spec: DriftMonitorSpec) -> str:
    """A digest of baseline, windows, columns, rules and labels. The target cannot be changed."""
    demand = spec.model_dump(mode="json", include=set(_FIELDS | _OF_LABELS if spec.labels else _FIELDS))
    return f"sha256:{hashlib.sha256(json.dumps(demand, sort_keys=True).encode()).hexdigest()}"

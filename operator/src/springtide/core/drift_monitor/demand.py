"""What a DriftMonitor asks of a look: when that changes, the newest window is judged anew."""

import hashlib
import json

from springtide.api.drift_monitor import DriftMonitorSpec

_FIELDS = frozenset({"baseline", "window", "slices", "columns", "rules"})


def demand_of(spec: DriftMonitorSpec) -> str:
    """A digest of baseline, windows, columns and rules. The target cannot be changed."""
    demand = spec.model_dump(mode="json", include=set(_FIELDS))
    return f"sha256:{hashlib.sha256(json.dumps(demand, sort_keys=True).encode()).hexdigest()}"

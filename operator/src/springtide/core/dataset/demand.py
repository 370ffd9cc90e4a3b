"""What a Dataset asks of a refresh: when that changes, what was published before does not answer it any more."""

import hashlib
import json

from springtide.api.dataset import DatasetSpec

_FIELDS = frozenset({"source", "keys", "event_time_column", "available_time_column", "contract"})


def demand_of(spec: DatasetSpec) -> str:
    """A digest of source, columns and contract. The greatest age is not in it: it asks nothing of the content."""
    demand = spec.model_dump(mode="json", include=set(_FIELDS), exclude={"contract": {"max_age_seconds"}})
    return f"sha256:{hashlib.sha256(json.dumps(demand, sort_keys=True).encode()).hexdigest()}"

"""How many rows the inference log had to drop, by minute of event time: told in the metadata of the files beside them.

A reader that took what was written for all that was asked would see a change where there is only a gap.
"""

from collections.abc import Mapping

import orjson

MINUTE, HOUR = 60_000_000, 3_600_000_000
"""Microseconds."""
_KEY = "springtide.dropped_rows"


def as_metadata(dropped: Mapping[int, int]) -> dict[str, str]:
    """The metadata of a Parquet file. dropped: rows by minute, counted from the epoch."""
    return {_KEY: orjson.dumps({str(minute): rows for minute, rows in dropped.items()}).decode()} if dropped else {}


def read_metadata(metadata: Mapping[bytes, bytes] | None) -> dict[int, int]:
    """The rows by minute; none where the file does not tell."""
    told = orjson.loads((metadata or {}).get(_KEY.encode(), b"{}"))
    return {int(minute): int(rows) for minute, rows in told.items()}

"""What is learned of every column in passing: nulls, least and greatest value; and of the event times."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from springtide_workloads.data.chunks import ArrowArray
from springtide_workloads.snapshot.contract import is_time

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass
class ColumnStatistics:
    """Of one column. least and greatest: of finite numbers, or of times as whole numbers; None where there are none."""

    kind: pa.DataType
    nulls: int = 0
    least: float | None = None
    greatest: float | None = None

    def add(self, values: ArrowArray) -> None:
        """Takes the values of a batch."""
        self.nulls += values.null_count
        if not (is_time(self.kind) or is_plain_number(self.kind)):
            return
        least, greatest = _extremes(values)
        if least is None or greatest is None:
            return
        self.least = least if self.least is None else min(self.least, least)
        self.greatest = greatest if self.greatest is None else max(self.greatest, greatest)


class EventTimes:
    """When what the rows tell of happened. A time without a zone is taken for UTC."""

    def __init__(self, kind: pa.DataType, *, now: datetime) -> None:
        self._statistics = ColumnStatistics(kind)
        self._now = pa.scalar(now.astimezone(UTC).replace(tzinfo=None), pa.timestamp("us"))
        self.in_future = 0

    def add(self, values: ArrowArray) -> None:
        """Takes the values of a batch."""
        before = self._statistics.greatest
        self._statistics.add(values)
        if self._statistics.greatest != before or self.in_future:
            plain = values.cast(pa.timestamp("us"), safe=False)
            self.in_future += pc.sum(pc.greater(plain, self._now)).as_py() or 0

    @property
    def oldest(self) -> datetime | None:
        """None where there are none."""
        return as_instant(self._statistics.least, kind=self._statistics.kind)

    @property
    def newest(self) -> datetime | None:
        """None where there are none."""
        return as_instant(self._statistics.greatest, kind=self._statistics.kind)


def is_plain_number(kind: pa.DataType) -> bool:
    """Whether values are integers or floats."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def as_instant(value: float | None, *, kind: pa.DataType) -> datetime | None:
    """The instant of a time as a whole number; beyond the calendar its first or last."""
    if value is None:
        return None
    try:
        if pa.types.is_date(kind):
            return EPOCH + timedelta(days=value)
        return EPOCH + timedelta(
            microseconds=int(value) // 1000 if pa.types.is_timestamp(kind) and kind.unit == "ns" else int(value)
        )
    except OverflowError:
        return LAST if value > 0 else FIRST


def _extremes(values: ArrowArray) -> tuple[float | None, float | None]:
    if pa.types.is_floating(values.type):
        finite = pc.is_finite(values)
        if not pc.all(finite).as_py():
            values = values.filter(finite)
    found = pc.min_max(values)
    if not found["min"].is_valid:
        return None, None
    return _plain(found["min"]), _plain(found["max"])


def _plain(scalar: Any) -> float:
    value: float = scalar.value if is_time(scalar.type) else scalar.as_py()
    return value

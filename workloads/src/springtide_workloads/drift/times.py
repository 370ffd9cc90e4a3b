"""Event times as numbers."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from springtide.api.constants import Reason

from springtide_workloads.data.chunks import ArrowArray
from springtide_workloads.drift.windows import FIRST, Times
from springtide_workloads.errors import WorkloadError


def event_times(column: ArrowArray, *, name: str, file: str) -> tuple[Times, npt.NDArray[np.bool_]]:
    """Microseconds since the epoch, and where there are any. Raises WrongType.

    A time without a zone is taken for UTC; what is finer than a microsecond is cut off. One before `FIRST` is none: a
    program wrote its zero where it had no time.
    """
    if not (pa.types.is_timestamp(column.type) or pa.types.is_date(column.type)):
        raise WorkloadError(
            Reason.WRONG_TYPE, f"column {name} is {column.type} in {file}; event times are timestamps or dates"
        )
    known = np.asarray(column.is_valid(), dtype=bool)
    whole = column.cast(pa.timestamp("us"), safe=False).cast(pa.int64()).fill_null(0)
    times = np.asarray(whole.to_numpy(), dtype=np.int64)
    return times, known & (times >= FIRST)

"""Evidently's own report of a few columns, made in a process of its own.

Evidently is given rows that are drawn from the counts, one category for each bin, on both sides: the baseline holds
no rows, and its bins are what our verdicts are made of, so both reports speak of the same thing. At most `ROWS` rows
on each side. Importing Evidently takes seconds and 300 MB, and whatever goes wrong in there must not end a look.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from springtide_workloads.drift.bins import MISSING, SPECIAL, ColumnCounts, Counts, NumberBins

EVIDENTLY_FILE = "evidently.html"
ROWS = 5_000
RANDOM = re.compile(r"metric_[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SECONDS = 300
"""How long it may take: minutes on a machine that is busy with other things."""


def write_evidently(folder: Path, *, columns: Sequence[tuple[ColumnCounts, Counts]], psi: float) -> str | None:
    """Writes the report of columns with their counts in a window; None, or a sentence about why there is none.

    psi: from where on Evidently calls it drift.
    """
    chosen = [_described(column, counts) for column, counts in columns if column.rows and counts.sum()]
    if not chosen:
        return "no column has rows on both sides"
    with tempfile.TemporaryDirectory(prefix="springtide-evidently-") as scratch:
        page = Path(scratch) / EVIDENTLY_FILE
        request = json.dumps({"columns": chosen, "psi": psi, "target": str(page)})
        environment = os.environ | {"DO_NOT_TRACK": "1", "HOME": scratch, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
        try:
            done = subprocess.run(  # noqa: S603  # this very module
                [sys.executable, "-W", "ignore", "-m", __name__],
                input=request,
                env=environment,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"it took longer than {SECONDS} s"
        except OSError as error:
            return f"it could not be started: {error}"
        if done.returncode or not page.is_file():
            lines = done.stderr.strip().splitlines()
            return f"it ended with {done.returncode}: {lines[-1][:200] if lines else 'it said nothing'}"
        (folder / EVIDENTLY_FILE).write_text(_with_counted_names(page.read_text(encoding="utf-8")), encoding="utf-8")
    return None


def apportioned(counts: Counts, *, rows: int) -> npt.NDArray[np.int64]:
    """`rows` rows in the same shares as `counts`, by largest remainders (Hamilton's method). Some must be counted."""
    exact = np.asarray(counts / counts.sum() * rows, dtype=np.float64)
    found: npt.NDArray[np.int64] = np.floor(exact).astype(np.int64)
    remaining = np.argsort(found - exact, kind="stable")[: rows - int(found.sum())]
    found[remaining] += 1
    return found


def _described(column: ColumnCounts, counts: Counts) -> dict[str, Any]:
    return {
        "name": column.name,
        "labels": labels(column),
        "reference": apportioned(column.vector, rows=ROWS).tolist(),
        "window": apportioned(counts, rows=min(ROWS, int(counts.sum()))).tolist(),
    }


def labels(column: ColumnCounts) -> list[str]:
    """A name for each slot, in the order in which numbers are."""
    if not isinstance(column.bins, NumberBins):
        return list(column.bins.slots)
    least, largest = column.bins.min, column.bins.max
    if least is None or largest is None:
        return list(column.bins.slots)
    bounds = [least, *column.bins.edges, largest]
    inner = [f"{low:g} to {high:g}" for low, high in pairwise(bounds)]
    named = ["missing", "infinite", f"below {least:g}", *inner, f"above {largest:g}"]
    return [
        name if place in (MISSING, SPECIAL) else f"{place - SPECIAL:02d}: {name}" for place, name in enumerate(named)
    ]


def _with_counted_names(page: str) -> str:
    """Evidently names parts of its page at random. Counted instead, equal looks have equal reports."""
    names: dict[str, str] = {}

    def counted(found: re.Match[str]) -> str:
        return names.setdefault(found[0], f"part_{len(names):06d}")

    return RANDOM.sub(counted, page)


def _main() -> None:
    """The process of its own: a request on standard input, the page where that says."""
    import pandas as pd
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    request = json.load(sys.stdin)
    names = [column["name"] for column in request["columns"]]
    definition = DataDefinition(categorical_columns=names)

    def rows(side: str) -> Any:
        series = {
            column["name"]: pd.Series(np.repeat(np.array(column["labels"], dtype=object), column[side]))
            for column in request["columns"]
        }
        return Dataset.from_pandas(pd.DataFrame(series), data_definition=definition)

    report = Report([DataDriftPreset(columns=names, method="psi", threshold=request["psi"])])
    report.run(rows("window"), rows("reference")).save_html(request["target"])


if __name__ == "__main__":
    _main()

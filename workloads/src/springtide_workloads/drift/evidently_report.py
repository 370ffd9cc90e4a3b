"""Evidently's own report of a few columns, made in a process of its own.

Importing Evidently takes seconds and 300 MB, and whatever goes wrong in there must not end a look. The rows go over as
two Parquet files.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from springtide_workloads.drift.side_by_side import Shown

EVIDENTLY_FILE = "evidently.html"
WINDOW_FILE, REFERENCE_FILE = "window.parquet", "reference.parquet"
RANDOM = re.compile(r"metric_[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SECONDS = 300
"""How long it may take: minutes on a machine that is busy with other things."""


def write_evidently(folder: Path, shown: Shown, *, psi: float) -> str | None:
    """Writes the report of what is shown; None, or a sentence about why there is none.

    psi: from where on Evidently calls it drift.
    """
    with tempfile.TemporaryDirectory(prefix="springtide-evidently-") as scratch:
        page = Path(scratch) / EVIDENTLY_FILE
        schema = shown.window.schema
        words = [field.name for field in schema if pa.types.is_string(field.type)]
        request = json.dumps({"columns": schema.names, "words": words, "psi": psi, "folder": scratch})
        environment = os.environ | {"DO_NOT_TRACK": "1", "HOME": scratch, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
        try:
            pq.write_table(shown.window, Path(scratch) / WINDOW_FILE)
            pq.write_table(shown.reference, Path(scratch) / REFERENCE_FILE)
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


def _with_counted_names(page: str) -> str:
    """Evidently names parts of its page at random. Counted instead, equal looks have equal reports."""
    names: dict[str, str] = {}

    def counted(found: re.Match[str]) -> str:
        return names.setdefault(found[0], f"part_{len(names):06d}")

    return RANDOM.sub(counted, page)


def _main() -> None:
    """The process of its own: a request on standard input, rows and the page in the folder that it names."""
    import pandas as pd
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    request = json.load(sys.stdin)
    folder, names, words = Path(request["folder"]), request["columns"], request["words"]
    definition = DataDefinition(
        categorical_columns=words, numerical_columns=[name for name in names if name not in words]
    )

    def rows(file: str) -> Any:
        return Dataset.from_pandas(pd.read_parquet(folder / file), data_definition=definition)

    report = Report([DataDriftPreset(columns=names, method="psi", threshold=request["psi"])])
    report.run(rows(WINDOW_FILE), rows(REFERENCE_FILE)).save_html(str(folder / EVIDENTLY_FILE))


if __name__ == "__main__":
    _main()

"""Getting the rows that Evidently is shown: a bounded sample of the newest window, and one of the training data.

The model's folder holds no rows, but says which data it was trained on. Where that was a Dataset's snapshot, it is
looked for in the artifact store by its digest, and what is read of it is verified. Whatever goes wrong here is told
beside the report and never ends a look.
"""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
from springtide.api.task import DriftTask

from springtide_workloads.data.pinned import collect_snapshot, find_snapshot
from springtide_workloads.drift.bins import ColumnCounts, Counts
from springtide_workloads.drift.layout import Layout
from springtide_workloads.drift.opening import data_of
from springtide_workloads.drift.rows import Rows, SnapshotRows
from springtide_workloads.drift.sampling import sample_rows
from springtide_workloads.drift.side_by_side import RealRows, Shown, side_by_side
from springtide_workloads.drift.windows import Window
from springtide_workloads.errors import WorkloadError
from springtide_workloads.process.logs import log
from springtide_workloads.process.progress import Progress

REFERENCE_BYTES = 1 << 30
"""Of the snapshot's files, about: only a file that is read as a whole can be verified."""


def show(
    task: DriftTask,
    counts: Sequence[tuple[ColumnCounts, Counts]],
    *,
    rows: Rows,
    layout: Layout,
    window: Window,
    time: str | None,
    scratch: Path,
    progress: Progress,
) -> Shown:
    """Columns of a window beside the reference, by row where that can be. counts: the columns, each with the window's.

    time: the event time column; None: all rows are in the window.
    """
    names = [column.name for column, _ in counts if column.name != layout.score]
    try:
        reference = _reference(task, names, layout=layout, scratch=scratch, progress=progress)
        if isinstance(reference, str):
            return side_by_side(counts, rows=reference)
        snapshot, known = reference
        found = sample_rows(rows, layout=layout, columns=names, window=window, time=time, progress=progress)
        return side_by_side(counts, rows=RealRows(found, known, snapshot))
    except (WorkloadError, pa.ArrowException, OSError) as error:
        problem = " ".join(str(error).split())[:600]
        log.warning("there are no rows to show", problem=problem)
        return side_by_side(counts, rows=problem)


def _reference(
    task: DriftTask, columns: Sequence[str], *, layout: Layout, scratch: Path, progress: Progress
) -> tuple[str, pa.Table] | str:
    """The snapshot that the model was trained on and some of its rows, or why there are none."""
    if not columns:
        return "no column but the score is shown"
    digest = data_of(task.baseline)
    if digest is None:
        return "the model does not say which data it was trained on"
    uri = find_snapshot(task.store_uri, namespace=task.owner.namespace, digest=digest)
    if uri is None:
        return "the model was trained on files that are no Dataset's, or its snapshot was removed"
    with TemporaryDirectory(dir=scratch, prefix="reference-") as folder:
        files, _ = collect_snapshot(uri, digest=digest, scratch=Path(folder), progress=progress, most=REFERENCE_BYTES)
        return digest, sample_rows(SnapshotRows(files), layout=layout, columns=columns, progress=progress)

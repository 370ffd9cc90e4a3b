"""How much memory training takes does not grow with the data."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.workloads.builders import Place, a_task

COLUMNS = 50
ROWS = 100_000
FEW, MANY = 8, 32
"""Files of the small and of the large training; few already fill the buffers, so that more show what grows."""
MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of 100,000 rows and 50 columns of float32, 20 MB each: one file under many names."""
    folder = tmp_path_factory.mktemp("wide")
    draw = np.random.default_rng(1)
    values = draw.standard_normal((COLUMNS, ROWS), dtype=np.float32)
    target = (values[0] + draw.standard_normal(ROWS) > 0).astype(np.int8)
    columns = {f"x{number}": row for number, row in enumerate(values)}
    table = pa.table({**columns, "defaulted": target})
    pq.write_table(table, folder / "00.parquet", use_dictionary=False, compression="NONE", row_group_size=ROWS)
    for number in range(1, MANY):
        (folder / f"{number:02}.parquet").hardlink_to(folder / "00.parquet")
    return folder


def peak_memory(task_file: Path) -> int:
    """Largest resident memory of a task's process, in bytes."""
    program = (
        "import resource, subprocess, sys;"
        "command = [sys.executable, '-m', 'springtide_workloads', 'run', '--task', sys.argv[1]];"
        "code = subprocess.run(command).returncode;"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss);"
        "sys.exit(code)"
    )
    command = [sys.executable, "-c", program, task_file]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout) * 1024


@pytest.mark.parametrize(
    ("recipe", "parameters", "bytes_per_value"),
    [
        ("mlp", {"epochs": 1, "hidden": [16], "batchSize": 8192}, 1.0),
        # LightGBM keeps a byte of each value twice (by column and by row), and scores and gradients of each row.
        ("gbdt", {"numRounds": 3}, 3.0),
    ],
)
def test_more_data_takes_hardly_more_memory(recipe, parameters, bytes_per_value, wide, place, tmp_path):
    """Held in memory a value would take four bytes more, and several times that in passing."""
    peaks = {}
    for count, files in ((FEW, "0[0-7].parquet"), (MANY, "*.parquet")):
        task = a_task(
            Place(tmp_path, place.tracking_uri), f"{wide.as_uri()}/{files}", recipe=recipe, parameters=parameters
        )
        file = tmp_path / f"{count}.json"
        file.write_text(task.model_dump_json(by_alias=True, exclude_none=True))
        peaks[count] = peak_memory(file)
    more, values = peaks[MANY] - peaks[FEW], (MANY - FEW) * ROWS * COLUMNS
    assert more < values * bytes_per_value, (
        f"{more / MEBIBYTE:.0f} MiB more for {values * 4 / MEBIBYTE:.0f} MiB more data"
    )

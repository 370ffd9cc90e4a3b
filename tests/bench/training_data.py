"""Tables of float32 columns for the training figures, made once by chunks and kept in the cache."""

import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

CHUNK = 65_536
FILE = 1_048_576
TARGET = "defaulted"


def table_folder(rows: int, columns: int) -> Path:
    """A folder of Parquet files with `columns` standard normal features, 2 % of the first missing, and a target that
    a tenth of them explain."""
    cache = Path(os.environ.get("SPRINGTIDE_CACHE") or Path.home() / ".cache" / "springtide")
    folder = cache / "bench" / "training" / f"{rows}x{columns}"
    if folder.is_dir():
        return folder
    scratch = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    draw = np.random.default_rng(1)
    signal = draw.standard_normal(max(columns // 10, 1)).astype(np.float32)
    for number, start in enumerate(range(0, rows, FILE)):
        _write(scratch / f"part-{number:03d}.parquet", min(FILE, rows - start), columns, signal=signal, draw=draw)
    scratch.rename(folder)
    return folder


def _write(path: Path, rows: int, columns: int, *, signal: np.ndarray, draw: np.random.Generator) -> None:
    features = pa.schema([pa.field(f"x{number}", pa.float32()) for number in range(columns)])
    schema = features.append(pa.field(TARGET, pa.int8()))
    with pq.ParquetWriter(path, schema, use_dictionary=False, compression="none") as writer:
        for start in range(0, rows, CHUNK):
            size = min(CHUNK, rows - start)
            values = draw.standard_normal((columns, size), dtype=np.float32)
            odds = signal @ values[: signal.size] + values[0] * values[1]
            target = (draw.random(size) < 1 / (1 + np.exp(-odds))).astype(np.int8)
            values[0, draw.random(size) < 0.02] = np.nan
            writer.write_batch(pa.RecordBatch.from_arrays([*map(pa.array, values), pa.array(target)], schema=schema))

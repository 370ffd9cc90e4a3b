"""Columns read without decoding are what pyarrow decodes, whichever way they were written."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from springtide_workloads.data.chunks import ArrowArray
from springtide_workloads.drift.pieces import PieceFile
from springtide_workloads.drift.plain import read_plain
from springtide_workloads.errors import WorkloadError
from springtide_workloads.snapshot.parts import PartWriter, parts_of

PLAIN = {"use_dictionary": False, "compression": "none"}


@contextmanager
def opened(path: Path) -> Iterator[tuple[int, pq.FileMetaData]]:
    file = os.open(path, os.O_RDONLY)
    try:
        yield file, pq.read_metadata(path)
    finally:
        os.close(file)


def written(folder: Path, values: ArrowArray, *, nullable: bool = True, **choices: Any) -> Path:
    path = folder / "rows.parquet"
    schema = pa.schema([pa.field("x", values.type, nullable=nullable)])
    pq.write_table(pa.Table.from_arrays([values], schema=schema), path, **{**PLAIN, **choices})
    return path


def first_chunk(path: Path, *, nullable: bool = True) -> ArrowArray | None:
    with opened(path) as (file, metadata):
        return read_plain(file, metadata.row_group(0).column(0), nullable=nullable)


def numbers(rows: int, kind: type = np.float32) -> ArrowArray:
    return pa.array(np.random.default_rng(rows).standard_normal(rows).astype(kind))


@given(
    values=st.lists(st.none() | st.floats(width=32), max_size=300),
    kind=st.sampled_from([pa.float32(), pa.float64()]),
    nullable=st.booleans(),
    choices=st.fixed_dictionaries(
        {
            "use_dictionary": st.booleans(),
            "compression": st.sampled_from(["none", "zstd", "snappy"]),
            "data_page_version": st.sampled_from(["1.0", "2.0"]),
            "write_statistics": st.booleans(),
            "max_rows_per_page": st.sampled_from([1, 7, 100, 1_000]),
            "row_group_size": st.sampled_from([5, 64, 1_000]),
            "use_byte_stream_split": st.booleans(),
            "write_page_checksum": st.booleans(),
        }
    ),
)
def test_a_column_is_what_pyarrow_decodes_whatever_the_writer_chose(
    tmp_path_factory: pytest.TempPathFactory,
    *,
    values: list[float | None],
    kind: pa.DataType,
    nullable: bool,
    choices: dict[str, Any],
) -> None:
    folder = tmp_path_factory.mktemp("plain")
    choices["use_byte_stream_split"] &= not choices["use_dictionary"]
    known = values if nullable else [value for value in values if value is not None]
    path = written(folder, pa.array(known, kind), nullable=nullable, **choices)
    with PieceFile(path, name="rows") as file:
        pieces = file.cut(["x"])
        parts = [found for group in range(file.parquet.num_row_groups) for _, found in file.read(group, pieces)]
    found = pa.chunked_array(parts, kind).combine_chunks()
    assert bits(found) == bits(pq.read_table(path).column("x").combine_chunks())


def bits(values: ArrowArray) -> tuple[list[bool], bytes]:
    """Which are known, and all of them to the bit: NaN is not equal to itself."""
    known = values.is_valid().to_pylist()
    return known, values.fill_null(0).to_numpy(zero_copy_only=False).tobytes()


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("nullable", [True, False])
@pytest.mark.parametrize("rows", [1, 63, 64, 8_191, 65_536])
def test_a_page_of_plain_values_is_read_without_decoding(
    tmp_path: Path, *, kind: type, nullable: bool, rows: int
) -> None:
    values = numbers(rows, kind)
    found = first_chunk(
        written(tmp_path, values, nullable=nullable, max_rows_per_page=rows, data_page_size=1 << 30), nullable=nullable
    )
    assert found is not None
    assert found.equals(values)
    assert found.buffers()[1].address % 64 == 0


@pytest.mark.parametrize(
    "choices",
    [
        {"max_rows_per_page": 999},
        {"compression": "zstd"},
        {"use_dictionary": True},
        {"use_dictionary": False, "use_byte_stream_split": True},
        {"data_page_version": "2.0"},
    ],
)
def test_what_lies_otherwise_is_left_to_pyarrow(tmp_path: Path, choices: dict[str, Any]) -> None:
    assert first_chunk(written(tmp_path, numbers(1_000), **choices)) is None


@pytest.mark.parametrize("missing", [0, 500, 999])
def test_a_column_with_a_null_is_left_to_pyarrow(tmp_path: Path, missing: int) -> None:
    values = numbers(1_000).to_pylist()
    values[missing] = None
    assert first_chunk(written(tmp_path, pa.array(values, pa.float32()))) is None


def test_every_number_of_a_snapshot_is_read_without_decoding(tmp_path: Path) -> None:
    rows = 70_000
    batch = pa.RecordBatch.from_pydict({"x": numbers(rows), "y": numbers(rows, np.float64)})
    with PartWriter(tmp_path, batch.schema) as writer:
        writer.write(batch)
    (path,) = parts_of(tmp_path)
    with opened(path) as (file, metadata):
        groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
        found = [[read_plain(file, group.column(place), nullable=True) for group in groups] for place in range(2)]
    for place, parts in enumerate(found):
        assert pa.chunked_array([part for part in parts if part is not None]).combine_chunks() == batch.column(place)


def test_a_file_that_was_cut_while_it_was_open_is_corrupt(tmp_path: Path) -> None:
    path = written(tmp_path, numbers(1_000))
    with PieceFile(path, name="rows.parquet") as file:
        os.truncate(path, 1_000)
        with pytest.raises(WorkloadError, match=r"rows\.parquet"):
            list(file.read(0, file.cut(["x"])))

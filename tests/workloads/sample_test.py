"""The sample of rows: whatever the order of the pieces, it is the rows with the smallest draws."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from springtide_workloads.data.sample import RowSample

SCHEMA = pa.schema([("number", pa.int64())])


@given(
    draws=st.lists(st.integers(0, 40), max_size=120).map(lambda found: np.array(found, dtype=np.float64) / 41),
    cuts=st.lists(st.integers(0, 120), max_size=6),
    size=st.integers(1, 10),
)
def test_the_rows_with_the_smallest_draws_are_kept_and_of_equal_ones_the_first(draws, cuts, size):
    bounds = [0, *sorted(min(cut, draws.size) for cut in cuts), draws.size]
    sample = RowSample(size)
    for low, high in pairwise(bounds):
        part = draws[low:high]
        assert sample.wanted(part).size <= size
        sample.add(pa.RecordBatch.from_pydict({"number": np.arange(low, high)}), part)
    expected = sorted(np.argsort(draws, kind="stable")[:size].tolist())
    assert sample.table(SCHEMA).column("number").to_pylist() == expected


def test_a_row_with_a_draw_of_one_is_never_kept():
    sample = RowSample(3)
    sample.add(pa.RecordBatch.from_pydict({"number": [1, 2]}), np.array([1.0, 0.5]))
    assert sample.table(SCHEMA).column("number").to_pylist() == [2]

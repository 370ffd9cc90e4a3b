"""Counts: every row in one slot, whatever its type, and the same however the rows are parted."""

import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from springtide.api.constants import Reason
from springtide_workloads.drift.bins import CategoryBins, NumberBins
from springtide_workloads.drift.counting import (
    Grouping,
    count_by_cell,
    count_column,
    count_numbers,
    slots_of,
)
from springtide_workloads.drift.freezing import freeze_numbers
from springtide_workloads.drift.scan import count_files
from springtide_workloads.drift.tally_share import Span
from springtide_workloads.errors import WorkloadError
from springtide_workloads.process.progress import Silence

FLOATS = st.floats(width=32)
SAMPLES = hnp.arrays(np.float32, st.integers(1, 200), elements=FLOATS)


def one_by_one(values: np.ndarray, bins: NumberBins) -> dict[str, int]:
    """What the documentation of the slots says, in the slowest way."""
    counts = dict.fromkeys(bins.slots, 0)
    for value in values.tolist():
        if math.isnan(value):
            counts["missing"] += 1
        elif math.isinf(value):
            counts["special"] += 1
        elif bins.min is None or value < bins.min:
            counts["below"] += 1
        elif value > bins.max:
            counts["above"] += 1
        else:
            counts[f"bin {sum(value >= edge for edge in bins.edges)}"] += 1
    return counts


@given(SAMPLES, SAMPLES)
def test_each_number_is_counted_where_the_slots_say(sample, values):
    bins = freeze_numbers(sample)
    assert dict(zip(bins.slots, count_numbers(values, bins=bins).tolist(), strict=True)) == one_by_one(values, bins)


@given(hnp.arrays(np.float64, st.integers(1, 50), elements=st.floats()), SAMPLES)
def test_edges_that_a_type_cannot_hold_part_its_values_exactly(sample, values):
    bins = freeze_numbers(sample)
    assert count_numbers(values, bins=bins).tolist() == list(one_by_one(values, bins).values())


@given(SAMPLES, hnp.arrays(st.sampled_from([np.int8, np.uint8, np.int16, np.int64, np.uint64]), st.integers(1, 100)))
def test_whole_numbers_of_any_width_are_counted_exactly(sample, values):
    bins = freeze_numbers(sample)
    assert count_numbers(values, bins=bins).tolist() == list(one_by_one(values, bins).values())


@given(SAMPLES, SAMPLES, st.integers(0, 200), st.randoms())
def test_counts_of_parts_add_up_in_any_order(sample, values, cut, random):
    bins = freeze_numbers(sample)
    whole = count_numbers(values, bins=bins)
    parts = count_numbers(values[:cut], bins=bins) + count_numbers(values[cut:], bins=bins)
    shuffled = values.copy()
    random.shuffle(shuffled)
    assert whole.sum() == values.size
    assert parts.tolist() == whole.tolist() == count_numbers(shuffled, bins=bins).tolist()


def test_the_frozen_bins_hold_a_tenth_of_the_sample_each():
    sample = np.random.default_rng(1).lognormal(size=10_000)
    bins = freeze_numbers(sample)
    missing, special, below, *inside, above = count_numbers(sample, bins=bins).tolist()
    assert (missing, special, below, above) == (0, 0, 0, 0)
    assert len(inside) == 10
    assert max(inside) - min(inside) <= 1


def test_nulls_and_nan_are_missing_and_infinities_are_special():
    bins = freeze_numbers(np.arange(100.0))
    column = pa.array([None, math.nan, math.inf, -math.inf, 5.0, 1e9, -1.0])
    counts = dict(zip(bins.slots, count_column(column, bins=bins, column="x").tolist(), strict=True))
    assert (counts["missing"], counts["special"], counts["below"], counts["above"]) == (2, 2, 1, 1)


@pytest.mark.parametrize("column", [pa.array([True, False, None, True]), pa.array([1, 0, None, 1], pa.decimal128(3))])
def test_booleans_and_decimals_are_numbers(column):
    bins = freeze_numbers(np.array([0.0, 1.0]))
    assert count_column(column, bins=bins, column="x").tolist() == [1, 0, 0, 1, 2, 0]


def test_categories_have_a_bin_each_and_what_is_none_of_them_is_unseen():
    bins = CategoryBins(categories=("A", "B"))
    for column in (pa.array(["B", None, "A", "C", "B"]), pa.array(["B", None, "A", "C", "B"]).dictionary_encode()):
        assert count_column(column, bins=bins, column="x").tolist() == [1, 1, 1, 2]


def test_no_rows_are_counted_as_none():
    assert not count_column(pa.array([], pa.float32()), bins=freeze_numbers(np.arange(3.0)), column="x").any()
    assert not count_column(pa.array([], pa.string()), bins=CategoryBins(categories=("A",)), column="x").any()


COLUMNS = st.one_of(
    st.lists(st.one_of(st.none(), FLOATS), max_size=60).map(lambda values: pa.array(values, pa.float32())),
    st.lists(st.one_of(st.none(), st.integers(-9, 9)), max_size=60).map(lambda values: pa.array(values, pa.int8())),
    st.lists(st.one_of(st.none(), st.booleans()), max_size=60).map(lambda values: pa.array(values, pa.bool_())),
)
WORDS = st.lists(st.one_of(st.none(), st.sampled_from("ABCD")), max_size=60).map(
    lambda values: pa.array(values, pa.string())
)


@given(SAMPLES, COLUMNS, WORDS, st.data())
def test_each_cell_has_the_counts_of_its_own_rows(sample, numbers, words, data):
    size = data.draw(st.integers(1, 5))
    for column, bins in ((numbers, freeze_numbers(sample)), (words, CategoryBins(categories=("B", "A")))):
        cells = np.array(
            data.draw(st.lists(st.integers(0, size), min_size=len(column), max_size=len(column))), dtype=np.int64
        )
        found = np.zeros((size, len(bins.slots)), dtype=np.int64)
        grouping = Grouping(cells, size)
        slots = slots_of(column, bins=bins, column="x")
        Span(grouping.least, count_by_cell(slots, width=len(bins.slots), grouping=grouping)).add_to(found)
        for cell in range(size):
            own = column.filter(pa.array(cells == cell))
            assert found[cell].tolist() == count_column(own, bins=bins, column="x").tolist()


def test_text_where_numbers_are_expected_is_named():
    with pytest.raises(WorkloadError, match="column income is string") as failure:
        count_column(pa.array(["1"]), bins=NumberBins(), column="income")
    assert failure.value.reason == Reason.WRONG_TYPE


@pytest.fixture
def table() -> pa.Table:
    draw = np.random.default_rng(3)
    numbers = {f"x{place}": draw.standard_normal(5_000).astype(np.float32) for place in range(20)}
    numbers["x3"][::7] = np.nan
    return pa.table({**numbers, "grade": draw.choice(["A", "B", "C"], 5_000)})


def bins_of(table: pa.Table) -> dict[str, NumberBins | CategoryBins]:
    bins = {name: freeze_numbers(table[name].to_numpy()[:1000]) for name in table.column_names if name != "grade"}
    return {**bins, "grade": CategoryBins(categories=("A", "B"))}


def test_files_are_counted_to_the_same_bits_however_the_rows_are_parted(table, tmp_path, monkeypatch):
    bins = bins_of(table)
    expected = {name: count_column(table[name].combine_chunks(), bins=one, column=name) for name, one in bins.items()}
    for files, row_group in ((1, 5_000), (1, 700), (3, 900), (5, 64)):
        size = -(-table.num_rows // files)
        paths = []
        for number in range(files):
            paths.append(tmp_path / f"{files}-{row_group}-{number}.parquet")
            pq.write_table(table.slice(number * size, size), paths[-1], row_group_size=row_group)
        for piece in (1, 50_000, 1 << 30):
            monkeypatch.setattr("springtide_workloads.drift.pieces.PIECE", piece)
            counts = count_files(paths[::-1], bins=bins, progress=Silence())
            assert {name: vector.tolist() for name, vector in counts.items()} == {
                name: vector.tolist() for name, vector in expected.items()
            }


def test_a_column_that_a_file_lacks_is_named_with_the_file(table, tmp_path):
    pq.write_table(table.drop_columns(["x7"]), tmp_path / "a.parquet")
    with pytest.raises(WorkloadError, match=r"a\.parquet has no column x7") as failure:
        count_files([tmp_path / "a.parquet"], bins=bins_of(table), progress=Silence())
    assert failure.value.reason == Reason.COLUMN_NOT_FOUND


def test_a_torn_file_is_named(table, tmp_path):
    pq.write_table(table, tmp_path / "a.parquet")
    (tmp_path / "a.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-100])
    with pytest.raises(WorkloadError, match=r"a\.parquet") as failure:
        count_files([tmp_path / "a.parquet"], bins=bins_of(table), progress=Silence())
    assert failure.value.reason == Reason.DATA_CORRUPT

"""How often a monitor cries wolf, and what it overlooks: on counts that are resampled from the real census.

Every column is one of the census's features; its reference and its windows are drawn anew from that feature's own
distribution, so nothing drifts but what we shift.

    python tests/bench/drift_alarms.py [--windows N] [--columns N]
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from figures import Figure
from springtide.api.drift_monitor import Rules
from springtide_workloads.drift.bins import CategoryBins, ColumnCounts
from springtide_workloads.drift.counting import count_column
from springtide_workloads.drift.distance import population_stability_index
from springtide_workloads.drift.freezing import freeze_numbers
from springtide_workloads.drift.verdict import Reference, judge

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.data.census import census_folder

COLUMNS, WINDOWS, ROWS, REFERENCE_ROWS, SHIFT = 1_800, 200, 5_000, 50_000, 0.25


def run(*, columns: int = COLUMNS, windows: int = WINDOWS) -> Iterator[Figure]:
    """Two figures; some minutes."""
    draw = np.random.default_rng(7)
    features = list(_features())
    references = [_resampled(features[number % len(features)], draw) for number in range(columns)]
    asked = [Reference(one) for one in references]
    alarms, found = 0, 0
    for window in range(windows):
        counts = [draw.multinomial(ROWS, _shares(features[number % len(features)])) for number in range(columns)]
        alarms += any(one.verdict in ("Drifted", "DataBroken") for one in judge(asked, counts, rules=Rules()))
        place = window % columns
        counts[place] = draw.multinomial(ROWS, _shifted(_shares(features[place % len(features)])))
        found += judge(asked, counts, rules=Rules())[place].verdict in ("Drifted", "DataBroken")
    note = (
        f"{columns:,} columns resampled from {len(features)} census features, {ROWS:,} rows a window,"
        f" {REFERENCE_ROWS:,} in the reference, false discovery rate {Rules().false_discovery_rate:g}"
    )
    yield Figure(
        "windows with a false alarm",
        f"{alarms} of {windows}",
        goal="<= 1 of 200",
        met=alarms <= windows / 200,
        note=note,
    )
    yield Figure(
        f"shift of PSI {SHIFT} in one column, found",
        f"{found / windows:.1%}",
        goal=">= 99 %",
        met=found >= 0.99 * windows,
        note=f"in {windows} windows of {ROWS:,} rows among {columns:,} columns",
    )


def _features() -> Iterator[ColumnCounts]:
    table = pq.read_table(min(census_folder().glob("*.parquet"))).drop_columns(["employed", "year"])
    for name in table.column_names:
        values = table.column(name).combine_chunks()
        bins = (
            freeze_numbers(values.drop_null().to_numpy(zero_copy_only=False))
            if str(values.type).startswith(("int", "float", "double"))
            else CategoryBins(
                categories=tuple(sorted(str(one) for one in values.unique().to_pylist() if one is not None))
            )
        )
        counts = count_column(values, bins=bins, column=name)
        yield ColumnCounts(name=name, bins=bins, counts=tuple(counts.tolist()))


def _resampled(feature: ColumnCounts, draw: np.random.Generator) -> ColumnCounts:
    counts = draw.multinomial(REFERENCE_ROWS, _shares(feature))
    return feature.model_copy(update={"counts": tuple(counts.tolist())})


def _shares(feature: ColumnCounts) -> np.ndarray:
    return feature.vector / feature.rows


def _shifted(shares: np.ndarray) -> np.ndarray:
    """Tilted along its bins until a window's PSI is expected to be `SHIFT`: upwards, or else downwards.

    Upwards is not always far enough. Where the lower of two values is 2 % of the rows, a window without any of them is
    as far up as can be, and its PSI is 0.11: what the shares alone say (a logarithm that has no bound) no window shows.
    """
    return next(tilted for sign in (1, -1) if (tilted := _tilted(shares, sign)) is not None)


def _tilted(shares: np.ndarray, sign: int) -> np.ndarray | None:
    place = sign * np.arange(shares.size) / shares.size
    low, high = 0.0, 200.0
    for _ in range(80):
        middle = (low + high) / 2
        tilted = shares * np.exp(middle * (place - place[shares > 0].max()))
        tilted /= tilted.sum()
        low, high = (middle, high) if _expected_psi(shares, tilted) < SHIFT else (low, middle)
    return tilted if _expected_psi(shares, tilted) > 0.99 * SHIFT else None


def _expected_psi(shares: np.ndarray, tilted: np.ndarray) -> float:
    some = shares > 0
    return population_stability_index(shares[some] * REFERENCE_ROWS, tilted[some] * ROWS)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int, default=WINDOWS)
    parser.add_argument("--columns", type=int, default=COLUMNS)
    arguments = parser.parse_args()
    for figure in run(columns=arguments.columns, windows=arguments.windows):
        print(f"{figure.name:45} {figure.ours:>12} {figure.goal:12} {figure.met}  {figure.note}", flush=True)

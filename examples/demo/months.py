"""Who applies in which month: real people of the census, dealt to the months of the story.

The story is that of a credit union for veterans: at first only they may apply, and the model is trained on them. Then
it opens to everyone. No number is made up: what changes is who comes. The census itself hardly moves: between 2015 and
2018 no column's population stability index exceeds 0.02.

The survey tells a person's year, not the month: the people of a year are dealt to its months in the order of the file.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

ADULT = 16
"""The survey asks for work from this age on."""
VETERAN = "2"
"""`military`: on active duty in the past, but not now (American Community Survey, PUMS data dictionary)."""
DAYS = (2, 5, 8, 11)
"""Days of a month on which applications are told. Windows of 30 days, counted from 2015-12-31, then hold a month each,
until the end of 2018."""
WINDOW_SECONDS = 30 * 86_400
FIRST_WINDOW = dt.datetime(2015, 12, 31, tzinfo=dt.UTC)
BATCH = 100
"""So many applications at most come with one request."""
MONTHS_IN_A_YEAR = 12


@dataclass(frozen=True, order=True)
class Month:
    """A month of the story."""

    year: int
    month: int

    def __str__(self) -> str:
        return f"{self.year}-{self.month:02}"

    def __add__(self, months: int) -> "Month":
        count = self.year * MONTHS_IN_A_YEAR + self.month - 1 + months
        return Month(count // MONTHS_IN_A_YEAR, count % MONTHS_IN_A_YEAR + 1)

    def __sub__(self, months: int) -> "Month":
        return self + -months

    def until(self, end: "Month") -> list["Month"]:
        """The months from this one to `end`, both included."""
        return [self, *(self + 1).until(end)] if self <= end else []

    @property
    def window_end(self) -> str:
        """End of the monitor's window that holds it, as statuses write it."""
        place = (self.year - FIRST_WINDOW.year - 1) * MONTHS_IN_A_YEAR + self.month
        return (FIRST_WINDOW + dt.timedelta(seconds=place * WINDOW_SECONDS)).strftime("%Y-%m-%dT%H:%M:%SZ")


def of_window(end: str) -> str:
    """The month that lies in the window which ends then."""
    place = (dt.datetime.fromisoformat(end) - FIRST_WINDOW).total_seconds() / WINDOW_SECONDS
    return str(Month(FIRST_WINDOW.year + 1, 1) + (int(place) - 1))


def write_months(census: Path, folder: Path, *, opening: Month) -> None:
    """A file for each month in folder/people and in folder/outcomes: who applies, and what became of them.

    census: a file for each year. opening: from then on everyone may apply.
    """
    for part in ("people", "outcomes"):
        (folder / part).mkdir(parents=True)
    for file in sorted(census.glob("*.parquet")):
        for month, people in _months(pq.read_table(file), year=int(file.stem), opening=opening):
            pq.write_table(people, folder / "people" / f"{month}.parquet")
            pq.write_table(_outcomes(people), folder / "outcomes" / f"{month}.parquet")


def write_poisoned(folder: Path, month: Month) -> None:
    """folder/people/<month>-broken.parquet: the month as it comes after a careless release of the application form.

    Ages come in months instead of years, and education does not come at all.
    """
    people = pq.read_table(folder / "people" / f"{month}.parquet")
    people = _with(people, "age", pc.multiply(people["age"], 12.0))
    people = _with(people, "education", pa.nulls(people.num_rows, pa.string()))
    pq.write_table(people, folder / "people" / f"{month}-broken.parquet")


def write_shuffled(folder: Path, months: list[Month], *, held_out: float) -> int:
    """folder/backfill: these months after a backfill that joined outcomes to the wrong people; returns of how many.

    held_out: the newest rows, about this share of all, are as they should be: who is judged by them is judged fairly.
    """
    tables = {month: pq.read_table(folder / "people" / f"{month}.parquet") for month in months}
    cut = _cut(pa.concat_tables(tables.values())["applied_at"].to_numpy(), share=held_out)
    (folder / "backfill").mkdir()
    shuffled_rows = 0
    for month, people in tables.items():
        old = np.flatnonzero(people["applied_at"].to_numpy() < cut)
        order = np.arange(people.num_rows)
        order[old] = np.random.default_rng(7).permutation(old)
        shuffled = _with(people, "employed", people["employed"].take(order))
        pq.write_table(shuffled, folder / "backfill" / f"{month}.parquet")
        shuffled_rows += old.size
    return shuffled_rows


def _cut(times: np.ndarray, *, share: float) -> np.datetime64:
    """The day from which on about `share` of the rows lie, as a split by time finds it."""
    days, counts = np.unique(times, return_counts=True)
    newer = counts[::-1].cumsum()[::-1] / times.size
    return np.datetime64(days[int(np.abs(newer - share).argmin())])


def _months(people: pa.Table, *, year: int, opening: Month) -> Iterator[tuple[Month, pa.Table]]:
    adults = people.filter(pc.field("age") >= ADULT)
    veterans = adults.filter(pc.field("military") == VETERAN)
    for number in range(1, MONTHS_IN_A_YEAR + 1):
        month = Month(year, number)
        members = _share(adults if month >= opening else veterans, number - 1)
        yield month, _dated(members, month)


def _share(people: pa.Table, place: int) -> pa.Table:
    first = people.num_rows * place // MONTHS_IN_A_YEAR
    return people.slice(first, people.num_rows * (place + 1) // MONTHS_IN_A_YEAR - first)


def _dated(people: pa.Table, month: Month) -> pa.Table:
    """With `applied_at`, and with the request that each comes with: `request`, and `row` in it."""
    rows = np.arange(people.num_rows)
    day = rows * len(DAYS) // rows.size
    number, row = np.divmod(rows - np.searchsorted(day, day), BATCH)
    times = [dt.datetime(month.year, month.month, DAYS[one], 12, tzinfo=dt.UTC) for one in day]
    requests = [f"{month}-{DAYS[one]:02}-{batch:02}" for one, batch in zip(day, number, strict=True)]
    return (
        people.drop_columns(["year"])
        .append_column("applied_at", pa.array(times, pa.timestamp("us", tz="UTC")))
        .append_column("request", pa.array(requests))
        .append_column("row", pa.array(row))
    )


def _outcomes(people: pa.Table) -> pa.Table:
    """Whether each was employed, under the name that the inference log has for the answer: `<request>/<row>`."""
    pairs = zip(people["request"].to_pylist(), people["row"].to_pylist(), strict=True)
    keys = pa.array([f"{request}/{row}" for request, row in pairs])
    return people.select(["employed"]).append_column("request_id", keys)


def _with(people: pa.Table, column: str, values: "pa.ChunkedArray[Any] | pa.Array[Any]") -> pa.Table:
    return people.set_column(people.schema.get_field_index(column), column, values)

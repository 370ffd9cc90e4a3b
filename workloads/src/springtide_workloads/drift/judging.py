"""From a window's counts to its verdict: all columns, all slices, and the number of rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from springtide.api.drift_monitor import Rules, Verdict, WindowSummary

from springtide_workloads.drift.bins import Baseline, ColumnCounts, Counts
from springtide_workloads.drift.layout import Layout, SliceColumn
from springtide_workloads.drift.tally import Tally
from springtide_workloads.drift.verdict import ColumnDrift, Reference, Unusable, judge, judge_volume, overall
from springtide_workloads.drift.windows import WHOLE, Window, as_datetime

MATTERS: tuple[Verdict, ...] = ("DataBroken", "Drifted")
ROWS_DROPPED = "RowsDropped"
RANK: dict[Verdict, int] = {"DataBroken": 0, "Drifted": 1, "Stable": 2, "Inconclusive": 3}


@dataclass(frozen=True)
class Question:
    """A reference, and where its counts are in a tally. part, place: the slice's column and value; None: all rows."""

    reference: Reference
    part: SliceColumn | None = None
    place: int = 0


@dataclass(frozen=True)
class Judged:
    """A window. rows: that were written; dropped: that the inference log could not keep beside them.

    columns: of all rows, in the layout's order. slices: the same by slice. faults: of the whole window.
    """

    window: Window
    rows: int
    dropped: int
    columns: tuple[ColumnDrift, ...]
    slices: tuple[ColumnDrift, ...]
    faults: tuple[str, ...]
    notes: tuple[str, ...]

    @cached_property
    def verdict(self) -> Verdict:
        """A fault comes first: nothing may be learned from broken data."""
        return "DataBroken" if self.faults else overall((*self.columns, *self.slices))

    @cached_property
    def worst(self) -> tuple[ColumnDrift, ...]:
        """What drifted or is broken, by column and slice, the worst first."""
        return ranked([one for one in (*self.columns, *self.slices) if one.verdict in MATTERS])

    @property
    def drifted_columns(self) -> int:
        """Columns that drifted or are broken, in any slice."""
        return len({one.name for one in self.worst})

    @property
    def max_psi(self) -> float | None:
        """Of all columns that could be judged."""
        known = [one.psi for one in self.columns if one.psi is not None and one.verdict != "Inconclusive"]
        return round(max(known), 4) if known else None

    @property
    def message(self) -> str:
        """What a person should know, the most important first."""
        return "; ".join([*self.faults, self._finding(), *self.notes])

    def summary(self) -> WindowSummary:
        """In short."""
        is_whole = self.window == WHOLE
        return WindowSummary(
            start=None if is_whole else as_datetime(self.window.start),
            end=None if is_whole else as_datetime(self.window.end),
            rows=self.rows,
            dropped_rows=self.dropped or None,
            verdict=self.verdict,
            drifted_columns=self.drifted_columns,
            max_psi=self.max_psi,
        )

    def _finding(self) -> str:
        total = len(self.columns)
        if self.worst:
            counted = ", ".join(
                f"{number} of {total} columns {words}"
                for verdict, words in (("DataBroken", "broken"), ("Drifted", "drifted"))
                if (number := len({one.name for one in self.worst if one.verdict == verdict}))
            )
            first = self.worst[0]
            return f"{counted}: {first.message}{f' where {first.slice}' if first.slice else ''}"
        if any(one.verdict == "Stable" for one in self.columns):
            return f"none of {total} columns drifted"
        if not self.rows:
            return "there are no rows"
        first = next((one for one in self.columns if one.reason == ROWS_DROPPED), self.columns[0])
        return f"nothing can be said: {first.message}"


def ranked(columns: Sequence[ColumnDrift]) -> tuple[ColumnDrift, ...]:
    """Broken first, then drifted, then the others; in each, all rows before slices, then the largest PSI first."""

    def order(one: ColumnDrift) -> tuple[int, bool, float, str, str]:
        return RANK[one.verdict], one.slice is not None, -(one.psi or 0.0), one.name, one.slice or ""

    return tuple(sorted(columns, key=order))


def questions_of(layout: Layout, *, baseline: Baseline) -> tuple[Question, ...]:
    """Every column, and every feature in every slice but those that the feature itself makes."""
    found = [Question(Reference(column)) for column in layout.columns.values()]
    for part in layout.slices:
        for frozen in baseline.slices:
            if frozen.column != part.name or frozen.value not in part.values:
                continue
            place = part.values.index(frozen.value)
            for feature, counts in zip(baseline.features, frozen.counts, strict=True):
                if feature.name in layout.columns and feature.name != part.name:
                    column = ColumnCounts(name=feature.name, bins=feature.bins, counts=counts)
                    found.append(Question(Reference(column, slice=part.label(place)), part, place))
    return tuple(found)


def judge_window(
    tally: Tally, number: int, *, questions: Sequence[Question], rules: Rules, usual: Sequence[int]
) -> Judged:
    """One window of a tally. usual: rows of earlier windows."""
    by_part: dict[tuple[str, str], Counts] = {}

    def counts(question: Question) -> Counts | Unusable:
        name, part = question.reference.column.name, question.part
        problem = tally.unusable.get(name, {}).get(number)
        if problem is not None:
            return problem
        if part is None:
            return tally.of_window(number, column=name)
        key = (part.name, name)
        if key not in by_part:
            by_part[key] = tally.of_window(number, column=name, part=part)
        found: Counts = by_part[key][question.place]
        return found

    # What a column cannot give is told once, not again for each slice.
    asked = [one for one in questions if one.part is None or not _is_unusable(tally, one, number)]
    drifts = judge([one.reference for one in asked], [counts(one) for one in asked], rules=rules)
    rows, dropped = tally.rows_of_window(number), int(tally.dropped[number])
    if dropped > rules.max_dropped * (rows + dropped):
        drifts = tuple(_with_gap(one, rules=rules) for one in drifts)
    return Judged(
        window=tally.cells.windows[number],
        rows=rows,
        dropped=dropped,
        columns=tuple(one for one in drifts if one.slice is None),
        slices=tuple(one for one in drifts if one.slice is not None),
        faults=_faults(tally, number, rows=rows, dropped=dropped, usual=usual, rules=rules),
        notes=_notes(tally, number, rows=rows, dropped=dropped),
    )


def _is_unusable(tally: Tally, question: Question, number: int) -> bool:
    return number in tally.unusable.get(question.reference.column.name, {})


def _faults(
    tally: Tally, number: int, *, rows: int, dropped: int, usual: Sequence[int], rules: Rules
) -> tuple[str, ...]:
    found = []
    verdict, sentence = judge_volume(rows + dropped, usual=usual, rules=rules)
    if verdict == "DataBroken":
        found.append(sentence)
    if number in tally.unreadable:
        found.append(tally.unreadable[number])
    twice = tally.duplicates[number].rows
    if twice and twice >= rules.rise * rows:
        found.append(f"{twice} of {rows} rows were written more than once")
    return tuple(found)


def _with_gap(drift: ColumnDrift, *, rules: Rules) -> ColumnDrift:
    """The rows that were written cannot stand for all that were asked: when the log drops, it drops what comes then."""
    if drift.verdict not in ("Stable", "Drifted"):
        return drift
    message = (
        f"more than {100 * rules.max_dropped:g}% of the rows are missing (more replicas of the ModelService help, or a"
        " smaller sampleFraction of its inferenceLog)"
    )
    changes = {"verdict": "Inconclusive", "reason": ROWS_DROPPED, "message": message, "p_value": None}
    return drift.model_copy(update=changes)


def _notes(tally: Tally, number: int, *, rows: int, dropped: int) -> tuple[str, ...]:
    found = []
    if others := tally.others_in_window(number):
        found.append(f"{others} rows were answered by another model")
    if dropped:
        found.append(f"the inference log dropped {dropped} of {rows + dropped} rows")
    return tuple(found)

"""Champion and challenger are judged on the newest rows. Which of them the champion may have learned from is said."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from springtide.api.constants import Reason
from springtide.api.training_run import Split
from springtide_workloads.data.split import Times
from springtide_workloads.errors import WorkloadError
from springtide_workloads.evaluation.contestants import open_contestant
from springtide_workloads.evaluation.unseen import note_on

from tests.workloads.builders import a_table, write
from tests.workloads.evaluation.builders import a_model, an_evaluation, do, folder_of

BY_TIME = Split(type="Time", column="applied_at", test_fraction=0.25)
MINUTE = 60_000_000


def notes_of(result):
    return json.loads((folder_of(result.verdict.evidence.uri) / "evidence.json").read_text())["notes"]


def judged(place, root, *, champion, rows, split=BY_TIME, champions_split=BY_TIME):
    """Notes on a champion that was trained on one table, beside a challenger of another."""
    before, now = write(champion, root / "before"), write(rows, root / "now")
    older = a_model(place, before, root, split=champions_split)
    challenger = a_model(place, now, root, split=split)
    return notes_of(do(an_evaluation(place, now, challenger, champion=older, split=split), root))


def test_where_data_grows_at_its_new_end_the_champion_has_learned_from_none_of_the_rows(place, tmp_path):
    table = a_table(4_000)
    (note,) = judged(place, tmp_path, champion=table.slice(0, 3_500), rows=table)
    assert "has learned from none of the 1000 held-out rows" in note


def test_rows_that_come_late_and_are_old_move_the_cut_and_what_the_champion_knows_is_counted(place, tmp_path):
    table = a_table(2_000)
    late = a_table(1_000, seed=5)
    times = pa.array(1_600_000_000_000_000 + np.arange(1_000) * MINUTE, pa.timestamp("us"))
    late = late.set_column(late.schema.get_field_index("applied_at"), "applied_at", times)
    (note,) = judged(place, tmp_path, champion=table, rows=pa.concat_tables([late, table]))
    # 750 of 3,000 rows are held out; the champion held out 500 of them.
    assert "may have learned from 250 of the 750 held-out rows" in note


def test_a_greater_share_that_is_held_out_reaches_into_what_the_champion_knows(place, tmp_path):
    table = a_table(2_000)
    less = BY_TIME.model_copy(update={"test_fraction": 0.1})
    (note,) = judged(place, tmp_path, champion=table, rows=table, champions_split=less)
    assert "may have learned from 300 of the 500 held-out rows" in note
    assert "to the challenger's disadvantage" in note


@pytest.mark.parametrize("split", [Split(), Split(type="Time", column="year", test_fraction=0.25)])
def test_a_champion_that_was_split_otherwise_may_know_any_of_them(split, place, tmp_path):
    table = a_table(2_000)
    (note,) = judged(place, tmp_path, champion=table.slice(0, 1_500), rows=table, champions_split=split)
    assert "may have learned from any of the 500 held-out rows" in note


def test_a_champion_from_before_this_was_written_down_may_know_any_of_them(
    loans, champion, challenger, place, tmp_path
):
    task = an_evaluation(place, loans, challenger, champion=champion, split=BY_TIME)
    opened = replace(open_contestant("champion", champion, scratch=tmp_path), split=None, learned_until=None)
    times = Times(type="timestamp[us]", learned_until=1, held_out=np.arange(5))
    assert "may have learned from any of the 5" in note_on(opened, task, inputs=opened.inputs, rows=5, times=times)


@pytest.mark.parametrize("split", [Split(), BY_TIME])
def test_of_a_champion_that_held_out_the_same_rows_nothing_need_be_said(split, place, tmp_path):
    rows = write(a_table(2_000), tmp_path / "loans")
    champion = a_model(place, rows, tmp_path, split=split, parameters={"numRounds": 3})
    challenger = a_model(place, rows, tmp_path, split=split)
    assert notes_of(do(an_evaluation(place, rows, challenger, champion=champion, split=split), tmp_path)) == []


def test_a_challenger_that_held_out_other_rows_is_refused(place, tmp_path):
    rows = write(a_table(2_000), tmp_path / "loans")
    challenger = a_model(place, rows, tmp_path, split=BY_TIME)
    with pytest.raises(WorkloadError, match=r"Time by applied_at, 0.25 held out, but data.split is Random") as raised:
        do(an_evaluation(place, rows, challenger), tmp_path)
    assert raised.value.reason == Reason.INVALID_SPEC


@pytest.mark.parametrize(("column", "kind"), [("applied_at", "timestamp[us]"), ("year", "int32")])
def test_a_model_says_until_when_it_learned(column, kind, place, tmp_path):
    table = a_table(2_000)
    split = Split(type="Time", column=column, test_fraction=0.25)
    model = a_model(place, write(table, tmp_path / "loans"), tmp_path, split=split)
    document = json.loads((folder_of(model.uri) / "model.json").read_text())
    newest = table[column].cast(pa.int64())[1_499].as_py()
    assert document["learnedUntil"] == {"type": kind, "time": newest}
    assert document["split"] == {"type": "Time", "column": column, "testFraction": 0.25}

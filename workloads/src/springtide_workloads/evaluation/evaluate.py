"""From an evaluation task to its result, in the order in which it happens.

The data is read twice: targets and times, which say what rows are held out, then what the models look at. A few bytes
of each held-out row stay in memory: its target, weight, scores and slices.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
from springtide.api.task import EvaluateTask, Result
from springtide.api.training_run import Inputs

from springtide_workloads.artifacts.store import open_section
from springtide_workloads.data.chunks import ParquetTable
from springtide_workloads.data.columns import choose_judging_columns
from springtide_workloads.data.opening import open_data
from springtide_workloads.data.scan import read_rows
from springtide_workloads.data.source import check_pinned
from springtide_workloads.data.split import Times
from springtide_workloads.evaluation.answer import answer
from springtide_workloads.evaluation.contestants import Contestant, check_fits, check_held_out, open_contestant
from springtide_workloads.evaluation.evidence import Case, publish
from springtide_workloads.evaluation.gates import Judged, judge
from springtide_workloads.evaluation.intervals import auc_interval
from springtide_workloads.evaluation.metrics import METRICS, Values
from springtide_workloads.evaluation.registered import check_registered
from springtide_workloads.evaluation.samples import Measures
from springtide_workloads.evaluation.scoring import Scored, score_rows
from springtide_workloads.evaluation.unseen import note_on
from springtide_workloads.process.logs import log
from springtide_workloads.process.progress import Progress


def evaluate(task: EvaluateTask, *, start_time: datetime, scratch: Path, progress: Progress) -> Result:
    """Holds the challenger against the gates and publishes the evidence.

    Raises ChampionNotFound, ModelNotFound, DigestMismatch, DataNotFound, DataCorrupt, DataChanged, ColumnNotFound,
    WrongType, TargetAllNull, TargetNotBinary, TooFewRows, InvalidSpec, AccessDenied, StoreUnavailable,
    TrackingUnavailable, DiskFull.
    """
    store = open_section(task.store_uri, task.evidence_uri, field="evidenceUri")
    store.check_writable()
    check_registered(task)
    contestants = _open_contestants(task, scratch=scratch)
    table, manifest = open_data(task.data, scratch=scratch, progress=progress)
    found = Inputs(digest=manifest.digest, files=len(table.files), rows=table.rows)
    check_pinned(found, expected=task.data.digest, uri=task.data.uri)
    check_held_out(contestants[0], task, inputs=manifest.digest)
    scored, times = _score(task, contestants, table=table, progress=progress)
    measures = Measures(scored, seed=task.seed, progress=progress)
    judged = tuple(judge(gate, measures=measures, has_champion=task.champion is not None) for gate in task.gates)
    case = Case(
        task=task,
        inputs=manifest.digest,
        scored=scored,
        judged=judged,
        metrics=overall_metrics(scored, seed=task.seed),
        thresholds=_thresholds(measures, scored=scored, judged=judged),
        notes=tuple(_notes(task, contestants, inputs=manifest.digest, rows=scored.rows, times=times)),
    )
    evidence = publish(case, scratch / "evidence", store=store)
    result = answer(
        task, judged=judged, rows=scored.rows, metrics=case.metrics, evidence=evidence, start_time=start_time
    )
    log.info("evaluated", message=result.message, evidence=evidence.uri)
    return result


def overall_metrics(scored: Scored, *, seed: int) -> dict[str, float]:
    """The metrics of all held-out rows, by the names of a training's; those of the champion begin with `champion`."""
    found = {"testRows": float(scored.rows)}
    if scored.rows and scored.weight.sum() > 0:
        found |= {"testPositiveRate": float(np.average(scored.target, weights=scored.weight))}
    found |= dict(_metrics(scored, scored.challenger))
    if "auc" in found:
        ends = auc_interval(scored.target, scored.challenger, scored.weight, seed=seed)
        found |= {} if ends is None else {"aucLow": ends[0], "aucHigh": ends[1]}
    if scored.champion is not None:
        found |= {f"champion{name[0].upper()}{name[1:]}": value for name, value in _metrics(scored, scored.champion)}
    return found


def _metrics(scored: Scored, score: Values) -> Iterator[tuple[str, float]]:
    """Those that the rows allow: with one class there is no AUC, with NaN there is nothing."""
    for name, metric in METRICS.items():
        try:
            yield name, metric(scored.target, score, scored.weight)
        except ValueError as error:
            log.warning("not measured", metric=name, problem=str(error))


def _open_contestants(task: EvaluateTask, *, scratch: Path) -> list[Contestant]:
    """The challenger, and the champion if there is one."""
    found = [open_contestant("challenger", task.challenger, scratch=scratch)]
    if task.champion is not None:
        found.append(open_contestant("champion", task.champion, scratch=scratch))
    return found


def _score(
    task: EvaluateTask, contestants: list[Contestant], *, table: ParquetTable, progress: Progress
) -> tuple[Scored, Times | None]:
    slices = {name: f"gates.{gate.name}.slices" for gate in task.gates for name in gate.slices}
    columns = choose_judging_columns(task.target, task.data.split, slices=slices, table=table)
    rows, classes = read_rows(table, columns=columns, split=task.data.split, seed=task.seed, progress=progress)
    for one in contestants:
        check_fits(one, table=table, target=task.target.column, classes=classes)
    return score_rows(contestants, table=table, rows=rows, slices=tuple(slices), progress=progress), rows.times


def _thresholds(measures: Measures, *, scored: Scored, judged: tuple[Judged, ...]) -> dict[str, float]:
    if not scored.rows or not any(one.gate.metric == "AdverseImpactRatio" for one in judged):
        return {}
    found = {"challenger": measures.threshold_of(scored.challenger)} if measures.problem is None else {}
    if scored.champion is not None and measures.problem_of_champion is None:
        found["champion"] = measures.threshold_of(scored.champion)
    return found


def _notes(
    task: EvaluateTask, contestants: list[Contestant], *, inputs: str, rows: int, times: Times | None
) -> Iterator[str]:
    for one in contestants[1:]:
        if note := note_on(one, task, inputs=inputs, rows=rows, times=times):
            yield note
        if one.files.digest == contestants[0].files.digest:
            yield f"the challenger and {one.name} are the same model, byte for byte"

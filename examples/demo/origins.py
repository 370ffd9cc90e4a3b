"""Where the summary's numbers come from: by digest, down to the snapshots.

A fact that tells a measured number says with it what the number was read from (`see`). One that does not cannot be
traced, and the summary fails.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from live import Object, World
from story import digest, measured, windows
from tell import Source, facts

MEASURED = re.compile(r"[+-]?\d[\d,]*\.\d+\b%?(?! s\b)")
"""A number that was measured on data or models has a point. Seconds of the clock and counts need no snapshot."""
UNTOLD = Source("nothing that was told", "")


@dataclass(frozen=True)
class Origin:
    """Of numbers. place: where they were told. snapshot: of the rows, or of the model that they are held against."""

    place: str
    numbers: str
    by: str
    snapshot: str


def of_snapshot(snapshot: str) -> Source:
    """What a snapshot tells of itself. snapshot: its digest."""
    return Source("the snapshot itself", snapshot)


def of_model(model: str) -> Source:
    """What a model showed on the rows that were held out at its training, or answers. model: its digest."""
    return Source(f"model {digest(model)}", model)


def of_gates(run: Object) -> Source:
    """What a challenger was judged by."""
    evidence = run.status["verdict"]["evidence"]
    return Source(f"evidence {digest(evidence['digest'])}", run.status["dataset"]["digest"])


def of_report(window: dict[str, Any]) -> Source:
    """The newest window in detail."""
    by = f"report {digest(window['reportDigest'])}, beside model {digest(window['baseline'])}"
    return Source(by, window["baseline"])


def of_windows(found: Iterable[dict[str, Any]]) -> Iterator[Source]:
    """Windows in short: each model whose training rows they were held against. Too few rows are held against none."""
    for model in sorted({one["baseline"] for one in found if "baseline" in one}):
        yield Source(f"windows beside model {digest(model)}", model)


def of_outcomes(*found: dict[str, Any]) -> Iterator[Source]:
    """How models did once outcomes were known: the models, and the outcomes."""
    for model in sorted({one["model"] for one in found}):
        yield of_model(model)
    for labels in sorted({one["labels"] for one in found}):
        yield Source("outcomes, joined to the answers", labels)


def origins(world: World) -> tuple[Origin, ...]:
    """Of all numbers that were told or drawn; a snapshot that cannot be told is empty."""
    trained = [one for one in world.objects if one.kind == "TrainingRun" and one.status.get("model")]
    learned = {one.status["model"]["digest"]: str(one.status.get("dataset", {}).get("digest", "")) for one in trained}
    return tuple(
        Origin(place, numbers, source.by, learned.get(source.digest, source.digest))
        for place, numbers, sources in (*_told(), *_drawn(world))
        for source in sources
    )


def _told() -> Iterator[tuple[str, str, Iterable[Source]]]:
    for fact in facts:
        numbers = ", ".join(MEASURED.findall(fact.seen))
        if numbers or fact.sources:
            yield f"act {fact.act}", numbers or fact.seen, fact.sources or (UNTOLD,)


def _drawn(world: World) -> Iterator[tuple[str, str, Iterable[Source]]]:
    drifts = windows(world).values()
    yield "drift.png", f"of {len(drifts)} months", of_windows(drifts)
    promoted = {run.status["challenger"]["digest"] for run in world.runs() if run.status.get("phase") == "Promoted"}
    outcomes = [one for one in measured.values() if one["model"] in promoted]
    yield "performance.png", f"of {len(outcomes)} months of models", of_outcomes(*outcomes)
    judged = [run for run in world.runs() if run.status.get("champion") and run.status.get("verdict")]
    yield "gates.png", f"of {len(judged)} challengers", [of_gates(run) for run in judged]

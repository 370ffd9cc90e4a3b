"""Where the summary's numbers come from: by digest, down to the snapshots."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from live import Object, World
from months import of_window
from story import digest, gate


@dataclass(frozen=True)
class Origin:
    """Of a number. by: what was published of it. snapshot: of the rows, or of the model that they are held against."""

    number: str
    by: str
    snapshot: str


def origins(world: World) -> tuple[Origin, ...]:
    """Of all that the acts told; a snapshot that cannot be told is empty."""
    trained = [one for one in world.objects if one.kind == "TrainingRun" and one.status.get("model")]
    learned = {one.status["model"]["digest"]: str(one.status.get("dataset", {}).get("digest", "")) for one in trained}
    return (*_promised(trained, learned), *_gates(world), *_monitored(world, learned))


def _promised(trained: list[Object], learned: dict[str, str]) -> Iterator[Origin]:
    for one in trained:
        auc, model = one.status["metrics"]["auc"], one.status["model"]["digest"]
        yield Origin(f"AUC {auc:.3f} of {one.name} on held-out rows", f"model {digest(model)}", learned[model])


def _gates(world: World) -> Iterator[Origin]:
    for run in world.runs():
        evidence = run.status.get("verdict", {}).get("evidence")
        if evidence and run.status.get("champion"):
            better = gate(run, "better")
            number = f"AUC {better['value']:.3f} against {better['champion']:.3f}, gates of {run.name}"
            yield Origin(number, f"evidence {digest(evidence['digest'])}", str(run.status["dataset"]["digest"]))


def _monitored(world: World, learned: dict[str, str]) -> Iterator[Origin]:
    status = world.get("DriftMonitor").status
    window: dict[str, Any] = status["lastWindow"]
    held_against = learned.get(window["baseline"], "")
    number = f"PSI {window['maxPsi']:.2f} in {of_window(window['end'])}, beside what the champion learned"
    yield Origin(number, f"report {digest(window['reportDigest'])}, with its counts by hour", held_against)
    newest = status["performance"][0]
    number = f"AUC {newest['auc']:.3f} in {of_window(newest['end'])}, as outcomes showed"
    yield Origin(number, f"model {digest(newest['model'])} and the labels", str(status["measurement"]["labels"]))

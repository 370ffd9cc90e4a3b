"""What came of it: what was to be seen and was, what led to the serving model, plots, and where to look further."""

import os
import shutil
import time
from pathlib import Path

from applicants import FEW_AGAIN, answers
from chaos import PATIENCE
from kubectl import CACHE, ENVIRONMENT, NAMESPACE, SYSTEM, TYPED, read, springtide, typed, workloads
from live import Object, World, look, until
from origins import Origin, origins
from plots import draw_drift, draw_gates, draw_performance
from rich.markup import escape
from rich.table import Table
from story import Calendar, digest, performance, windows
from tell import BEGAN, DemoError, command, console, facts, say, seconds_of_acts, see

ACT = 8
PSI = 0.2
"""As in examples/demo/employment.yaml."""


def tell(output: Path, calendar: Calendar) -> None:
    """Everything in one place."""
    world = look()
    _trace(world)
    _check_answers()
    _draw(world, output)
    _fetch_pages(world, output)
    _verify_evidence(world, output)
    for file in sorted(output.iterdir()):
        say(os.path.relpath(file))
    found = _check_origins(world)
    _check_time(calendar)
    console.print()
    _tell_facts()
    _tell_origins(found)
    _tell_links(world)


def _tell_facts() -> None:
    table = Table(box=None, padding=(0, 2, 0, 1), header_style="bold")
    table.add_column("act", justify="right")
    table.add_column("s", justify="right")
    table.add_column("what was to be seen", max_width=60)
    table.add_column("what was seen")
    told = 0
    for fact in facts:
        number, seconds = (str(fact.act), f"{seconds_of_acts.get(fact.act, 0):.0f}") if fact.act != told else ("", "")
        told = fact.act
        table.add_row(number, seconds, fact.expected, escape(fact.seen))
    console.print(table)


def _check_origins(world: World) -> tuple[Origin, ...]:
    found = origins(world)
    kept = {one["digest"] for dataset in world.objects for one in dataset.status.get("snapshots", ())}
    snapshots = {one.snapshot for one in found} & kept
    lost = [f"; not {one.numbers} of {one.place} by {one.by}" for one in found if one.snapshot not in kept]
    see(ACT, "every number that was told or drawn leads by digest to a snapshot that is kept",
        f"{len(found) - len(lost)} of {len(found)}, to {len(snapshots)} snapshots{''.join(lost)}",
        holds=not lost)  # fmt: skip
    return found


def _tell_origins(found: tuple[Origin, ...]) -> None:
    table = Table(box=None, padding=(0, 2, 0, 1), header_style="bold")
    for title in ("of", "numbers", "from", "by digest, from snapshot"):
        table.add_column(title)
    for one in found:
        table.add_row(one.place, escape(one.numbers), one.by, digest(one.snapshot))
    console.print()
    console.print(table)


def _trace(world: World) -> None:
    """From the serving version down to the rows, by digest."""
    service = world.get("ModelService").status["stable"]
    training = next(
        one for one in world.objects
        if one.kind == "TrainingRun" and one.status.get("model", {}).get("digest") == service["digest"]
    )  # fmt: skip
    tree = springtide("tree", "msvc/employment")
    console.print("\n".join(f"   {line}" for line in tree.splitlines()), markup=False, soft_wrap=True)
    snapshot = training.status["dataset"]["digest"]
    see(ACT, "the serving model is traced to the snapshot that it learned from",
        f"version {service['version']}, {digest(service['digest'])}, from {training.name}, from {digest(snapshot)}",
        holds=snapshot in tree.replace("\n", "").replace(" ", "") or snapshot[:19] in tree)  # fmt: skip


def _check_answers() -> None:
    now = answers()
    see(ACT, "no request of the whole demo failed", str(now), holds=now.failures == 0)
    see(ACT, f"at most 1 request in {1 / FEW_AGAIN:,.0f} had to be sent again", f"{now.again:,} of {now.requests:,}",
        holds=now.again <= now.requests * FEW_AGAIN)  # fmt: skip


def _check_time(calendar: Calendar) -> None:
    limit, seconds = calendar.minutes * PATIENCE, int(time.monotonic() - BEGAN)
    see(ACT, f"all of it takes {limit} min at most", f"{seconds // 60} min {seconds % 60} s",
        holds=seconds <= limit * 60)  # fmt: skip


def _draw(world: World, output: Path) -> None:
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    runs = [run for run in world.runs() if run.status.get("champion") and run.status.get("verdict")]
    names: dict[str, str] = {}
    for run in world.runs():
        if run.status.get("phase") == "Promoted":
            challenger = run.status["challenger"]
            names[challenger["digest"]] = f"version {challenger['version']}"
            performance(world, challenger["digest"])
    draw_drift(windows(world), output / "drift.png", limit=PSI)
    draw_performance(names, output / "performance.png")
    draw_gates(runs, output / "gates.png")


def _fetch_pages(world: World, output: Path) -> None:
    """What was published, verified by the digests of the statuses."""
    for run in world.runs():
        if run.status.get("champion") and run.status.get("verdict", {}).get("evidence"):
            springtide("report", f"rrun/{run.name}", "--output", os.path.relpath(output / f"{run.name}-evidence.html"))
    springtide("report", "dmon/employment", "--output", os.path.relpath(output / "drift.html"))


def _verify_evidence(world: World, output: Path) -> None:
    """That by which the serving model was promoted, copied out of the store and held against its digest here."""
    serving = world.get("ModelService").status["stable"]["digest"]
    run = next(one for one in world.runs() if one.status.get("challenger", {}).get("digest") == serving)
    evidence = run.status["verdict"]["evidence"]
    folder = output / Path(evidence["uri"]).name
    until(lambda _: _is_copied(evidence["uri"].removeprefix("file://"), folder),
        what="a server to hand out the evidence", seconds=30)  # fmt: skip
    said = workloads("verify", os.path.relpath(folder), "--digest", evidence["digest"]).splitlines()
    pinned = run.status["dataset"]["digest"]
    see(ACT, "the evidence that promoted the serving model is, byte by byte, what its digest says",
        f"{said[0][:28]}, made from {digest(pinned)} and {len(said) - 2} more",
        holds=evidence["digest"] in said[0] and any(pinned in line for line in said[1:]))  # fmt: skip


def _is_copied(source: str, folder: Path) -> bool:
    """Every server has the store; the one that is asked may be killed meanwhile, and another is asked."""
    shutil.rmtree(folder, ignore_errors=True)
    servers = read("pods", "--selector", "springtide.dev/role=server", "--field-selector", "status.phase=Running")
    for pod in servers["items"][:1]:
        try:
            typed("cp", f"{pod['metadata']['name']}:{source}", os.path.relpath(folder))
        except DemoError as error:
            say(f"[dim]not copied: {escape(str(error))}[/]")
        else:
            return True
    return False


def _tell_links(world: World) -> None:
    console.print("\n[bold]To look around[/]")
    command(f"export KUBECONFIG={ENVIRONMENT['KUBECONFIG']} PATH={CACHE / 'bin'}:$PWD/.venv/bin:$PATH")
    command(f"{TYPED} get springtide")
    command(f"kubectl springtide -n {NAMESPACE} explain rpol/employment")
    command(f"kubectl -n {SYSTEM} port-forward service/springtide-mlflow 5000")
    for one in world.objects:
        if one.kind == "TrainingRun" and (tracked := one.status.get("mlflow")):
            page = f"#/experiments/{tracked['experimentId']}/runs/{tracked['runId']}"
            say(f"then http://localhost:5000/{page} is {one.name}")
    for run in world.runs():
        if evidence := run.status.get("verdict", {}).get("evidence"):
            say(f"{run.name} was {_ending(run)} by the evidence in {evidence['uri']}; a copy of it is verified by")
            command(f"springtide-workloads verify {Path(evidence['uri']).name} --digest {evidence['digest']}")
    console.print("\n[bold]To try next[/]")
    say("the same gates with another number, and a challenger that has to pass them:")
    command(f"{TYPED} edit rpol employment")
    command(f"kubectl springtide -n {NAMESPACE} retrain rpol/employment --wait")
    say("take everything back:")
    command("make cluster-delete")


def _ending(run: Object) -> str:
    phase = run.status.get("phase")
    if phase is None:
        raise DemoError(f"{run.name} has no phase")
    return str(phase)

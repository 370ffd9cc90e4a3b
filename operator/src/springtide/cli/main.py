"""The commands of `kubectl springtide`."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from springtide.cli.errors import CommandError, Exit
from springtide.cli.server import Resource, Server, Target, connect, parse_reference, resource_called

if TYPE_CHECKING:
    from springtide.cli import change

app = typer.Typer(
    name="kubectl springtide",
    help="What Springtide does in a namespace, why, and from what.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

NamespaceOption = Annotated[str | None, typer.Option("--namespace", "-n", help="Default: that of the context.")]
ContextOption = Annotated[str | None, typer.Option("--context", help="Context of the kubeconfig.")]
KubeconfigOption = Annotated[str | None, typer.Option("--kubeconfig", help="Default: $KUBECONFIG or ~/.kube/config.")]
Reference = Annotated[str, typer.Argument(metavar="KIND/NAME", help="Such as msvc/pd.")]
WaitOption = Annotated[bool, typer.Option("--wait", help="Wait for the outcome; exit code 1 if it is not good.")]
TimeoutOption = Annotated[float, typer.Option("--timeout", min=1, help="Seconds to wait at most.")]


class Output(StrEnum):
    """How answers are printed."""

    TABLE = "table"
    JSON = "json"


@app.command()
def status(
    *,
    output: Annotated[Output, typer.Option("--output", "-o", help="json: the objects as a List.")] = Output.TABLE,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Keep the screen up to date, until Ctrl-C.")] = False,
    interval: Annotated[float, typer.Option(min=0.5, help="Seconds between two looks.")] = 2.0,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Everything in a namespace on one screen."""
    from springtide.cli import screen
    from springtide.cli.look import look

    if watch and output is Output.JSON:
        raise typer.BadParameter("--watch draws a screen: leave out -o json")
    if watch and not screen.console().is_interactive:
        raise typer.BadParameter("--watch draws a screen: it needs a terminal")
    with _readable_errors():
        server = connect(Target(namespace, context, kubeconfig))
        kinds = server.kinds()
        if watch:
            _watch(server, kinds, interval=interval)
            return
        seen = look(server, kinds)
        if output is Output.JSON:
            items = [item for objects in seen.objects.values() for item in objects]
            typer.echo(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=2))
        else:
            screen.console().print(screen.status(seen, now=_now()))
        if seen.unreadable:
            raise CommandError("; ".join(seen.unreadable.values()), Exit.FORBIDDEN)


def _watch(server: Server, kinds: tuple[Resource, ...], *, interval: float) -> None:
    from rich.console import Group
    from rich.live import Live

    from springtide.cli import screen
    from springtide.cli.interrupt import interruption
    from springtide.cli.look import look

    drawn = screen.status(look(server, kinds), now=_now())
    with Live(drawn, console=screen.console(), screen=True, auto_refresh=False) as live, interruption() as interrupted:
        while not interrupted.is_set():
            time.sleep(interval)
            try:
                drawn = screen.status(look(server, kinds), now=_now())
                live.update(drawn, refresh=True)
            except CommandError as error:  # the last picture stays, and says that it is old
                live.update(Group(screen.plain(error.message, "red"), drawn), refresh=True)
    raise KeyboardInterrupt


@app.command()
def tree(
    reference: Reference,
    *,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """What led to an object, by digest, down to the data."""
    from springtide.cli import screen
    from springtide.cli.kinds import view_of
    from springtide.cli.look import look

    with _readable_errors():
        server = connect(Target(namespace, context, kubeconfig))
        kinds = server.kinds()
        resource, name = parse_reference(reference, kinds)
        manifest = server.one(resource, name)
        screen.console().print(screen.tree(view_of(resource.kind).tree(manifest, look(server, kinds), now=_now())))


@app.command()
def explain(
    reference: Reference,
    *,
    output: Annotated[Output, typer.Option("--output", "-o", help="json: title and sentences.")] = Output.TABLE,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Why an object is as it is, what comes next, and what to do."""
    from springtide.cli import screen
    from springtide.cli.explain import explain as report
    from springtide.cli.look import look

    with _readable_errors():
        server = connect(Target(namespace, context, kubeconfig))
        kinds = server.kinds()
        resource, name = parse_reference(reference, kinds)
        manifest = server.one(resource, name)
        told = report(manifest, server.events(manifest), look(server, kinds), now=_now())
        if output is Output.JSON:
            typer.echo(json.dumps(told.document(), indent=2))
        else:
            screen.console().print(screen.report(told))


@app.command()
def refresh(
    reference: Annotated[str, typer.Argument(metavar="dset/NAME")],
    *,
    wait: WaitOption = False,
    timeout: TimeoutOption = 600.0,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Have a Dataset read its source now."""
    from springtide.cli import change

    with _readable_errors():
        server = connect(Target(namespace, context, kubeconfig))
        resource, name = _only("Dataset", reference, server.kinds())
        done, verdict = change.refresh(server, resource, name, now=_now())
        _finish(server, resource, name, done, verdict, wait=_waiting(timeout) if wait else None)


@app.command()
def retry(
    reference: Annotated[str, typer.Argument(metavar="msvc/NAME")],
    *,
    version: Annotated[str, typer.Option(help="Default: the version that is asked for.")] = "",
    wait: WaitOption = False,
    timeout: TimeoutOption = 600.0,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Try a version again that a ModelService has put into quarantine."""
    from springtide.cli import change

    with _readable_errors():
        server = connect(Target(namespace, context, kubeconfig))
        resource, name = _only("ModelService", reference, server.kinds())
        done, verdict = change.retry(server, resource, name, version=version, wait=_waiting(30.0))
        _finish(server, resource, name, done, verdict, wait=_waiting(timeout) if wait else None)


@app.command()
def rollback(
    reference: Annotated[str, typer.Argument(metavar="msvc/NAME")],
    *,
    to: Annotated[str, typer.Option(help="Default: the version before.")] = "",
    pin: Annotated[
        bool, typer.Option("--pin", help="Take a service that follows a RetrainPolicy from it, and go back.")
    ] = False,
    wait: WaitOption = False,
    timeout: TimeoutOption = 600.0,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Have a ModelService go back to the version before.

    Where a RetrainPolicy says what it serves, that is the policy's to decide: --pin takes the service from it.
    """
    from springtide.cli import change

    with _readable_errors():
        server = connect(Target(namespace, context, kubeconfig))
        resource, name = _only("ModelService", reference, server.kinds())
        if not pin:
            change.check_alone(server, resource, name)
        done, verdict = change.rollback(server, resource, name, to=to)
        _finish(server, resource, name, done, verdict, wait=_waiting(timeout) if wait else None)


@app.command()
def retrain(
    reference: Annotated[str, typer.Argument(metavar="rpol/NAME")],
    *,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the run; exit code 1 if it promotes nothing.")] = False,
    timeout: TimeoutOption = 3600.0,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Have a RetrainPolicy begin a run now.

    Cool-down, budget and earlier rejections do not hold it back; a broken contract, broken data and another run do.
    --wait tells of each phase of the RetrainRun once, with its numbers.
    """
    from springtide.cli import retraining, screen

    with _readable_errors():
        server = connect(Target(namespace, context, kubeconfig))
        kinds = server.kinds()
        resource, name = _only("RetrainPolicy", reference, kinds)
        done, asked = retraining.retrain(server, resource, name, now=_now())
        screen.console().print(screen.plain(done))
        if not wait:
            return
        waiting = _waiting(timeout)
        begun = waiting.until(server, resource, name, asked.begun)
        if not begun.good:
            raise CommandError(begun.message, Exit.FAILED)
        screen.console().print(screen.plain(f"RetrainRun {begun.message} has begun"))
        _conclude(retraining.follow(server, resource_called("RetrainRun", kinds), begun.message, wait=waiting))


@app.command()
def approve(
    reference: Annotated[str, typer.Argument(metavar="rrun/NAME")],
    *,
    as_name: Annotated[str, typer.Option("--as-name", help="Who approves. Default: who the server says you are.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask again on a terminal.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the run; exit code 1 if it is taken back.")] = False,
    timeout: TimeoutOption = 3600.0,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Let the challenger of a RetrainRun be promoted.

    Shows its gates before, and asks on a terminal. Who approved is written into the run, as they say. What has changed
    since it was shown is not approved.
    """
    from springtide.cli import retraining, screen
    from springtide.cli.manifest import Manifest

    def confirmed(run: Manifest) -> bool:
        screen.console().print(screen.gates(run))
        return yes or not sys.stdin.isatty() or typer.confirm("Approve?")

    with _readable_errors():
        server = connect(Target(namespace, context, kubeconfig))
        resource, name = _only("RetrainRun", reference, server.kinds())
        done = retraining.approve(server, resource, name, who=as_name, confirmed=confirmed, now=_now())
        screen.console().print(screen.plain(done))
        if wait:
            _conclude(retraining.follow(server, resource, name, wait=_waiting(timeout)))


@app.command()
def report(
    reference: Annotated[str, typer.Argument(metavar="KIND/NAME", help="A dmon, rrun or trun.")],
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Default: NAME-report.html, here.")
    ] = None,
    file: Annotated[str, typer.Option(help="Another file of the folder than its page, such as evidently.html.")] = "",
    performance: Annotated[
        bool, typer.Option("--performance", help="Of a dmon: how the model did by labels, as last measured.")
    ] = False,
    record: Annotated[
        bool, typer.Option("--record", help="Of an rrun that has ended: what became of it, from trigger to outcome.")
    ] = False,
    opens: Annotated[bool, typer.Option("--open", help="Open it in a browser.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", min=1, help="Seconds to wait for its pod at most.")] = 120.0,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Save the report of a monitor's newest window, the evidence or the record of a RetrainRun, or a file of a model.

    It lies in the artifact store. A short-lived pod like the platform's own reads it there and prints it into its log,
    so it takes the rights to list jobs, to create, get and delete pods, and to get pods/log. What arrives is verified
    by the digest in the status.
    """
    from springtide.cli import report as reports
    from springtide.cli import screen

    with _readable_errors():
        server = connect(Target(namespace, context, kubeconfig))
        resource, name = parse_reference(reference, server.kinds())
        manifest = server.one(resource, name)
        place = reports.published(manifest, performance=performance, record=record)
        file = reports.file_of(place, file)
        target = output or Path(reports.save_name(manifest, file))
        content = reports.fetch(server, manifest, place, file, wait=_waiting(timeout))
        _save(target, content)
        said = f"{place.uri}/{file} is in {target}; its digest is right ({place.digest})"
        screen.console().print(screen.plain(said), soft_wrap=True)
        if opens:
            _open(target)


def _save(target: Path, content: bytes) -> None:
    try:
        target.write_bytes(content)
    except OSError as error:
        raise CommandError(
            f"{target} cannot be written: {error.strerror}; choose another by -o", Exit.FAILED
        ) from error


def _open(target: Path) -> None:
    import webbrowser

    if not webbrowser.open(target.resolve().as_uri()):
        raise CommandError(f"there is no browser here: open {target} yourself", Exit.FAILED)


def _only(kind: str, reference: str, kinds: tuple[Resource, ...]) -> tuple[Resource, str]:
    resource, name = parse_reference(reference, kinds)
    if resource.kind != kind:
        raise CommandError(f"{reference} is a {resource.kind}; this command is for a {kind}", Exit.USAGE)
    return resource, name


def _waiting(seconds: float) -> "change.Waiting":
    from springtide.cli import change, screen

    return change.Waiting(seconds, tell=lambda words: screen.console(stderr=True).print(screen.plain(words, "dim")))


def _finish(
    server: Server,
    resource: Resource,
    name: str,
    done: str,
    verdict: "change.Verdict",
    *,
    wait: "change.Waiting | None",
) -> None:
    from springtide.cli import screen

    console = screen.console()
    console.print(screen.plain(done))
    if wait is None:
        return
    _conclude(wait.until(server, resource, name, verdict))


def _conclude(outcome: "change.Outcome") -> None:
    from springtide.cli import screen

    if not outcome.good:
        raise CommandError(outcome.message, Exit.FAILED)
    screen.console().print(screen.plain(outcome.message, "green"))


@contextmanager
def _readable_errors() -> Iterator[None]:
    from springtide.cli import screen

    try:
        yield
    except CommandError as error:
        screen.console(stderr=True).print(screen.plain(f"error: {error.message}", "red"), soft_wrap=True)
        raise typer.Exit(error.code) from None
    except KeyboardInterrupt:
        raise typer.Exit(Exit.INTERRUPTED) from None


def _now() -> datetime:
    return datetime.now(UTC)


def main() -> None:
    """The executable `kubectl-springtide`, which kubectl runs for `kubectl springtide`."""
    app()

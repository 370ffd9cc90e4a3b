"""The command line: what a pod runs, and what a person runs on a laptop."""

import os
import shutil
import sys
import tempfile
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from springtide.api.constants import TASK_VARIABLE, Reason
from springtide.api.serving import SERVING_VARIABLE, Serving
from springtide.api.task import (
    TASK,
    DriftTask,
    EvaluateTask,
    ExitCode,
    JudgeTask,
    PromoteTask,
    RecordTask,
    RecoverTask,
    ResolveTask,
    Result,
    SnapshotTask,
    Task,
    TrainTask,
)

from springtide_workloads.errors import WorkloadError, explain
from springtide_workloads.process.cpus import available_cpus, limit_threads
from springtide_workloads.process.ending import Ending, end_on_signal, failed
from springtide_workloads.process.logs import configure_logs, log
from springtide_workloads.process.progress import LogProgress, Progress, TerminalProgress

OTHERWISE = {
    "Snapshot": Reason.REFRESH_FAILED,
    "Drift": Reason.DRIFT_FAILED,
    "Evaluate": Reason.EVALUATION_FAILED,
    "Promote": Reason.PROMOTION_FAILED,
    "Record": Reason.RECORD_FAILED,
}
"""Why an operation failed where the error has no reason of its own, but for training."""

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown"
)

examples = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")
app.add_typer(examples, name="example-task", help="Prints a task to begin with, for **run --task**.")


@app.callback()
def about() -> None:
    """The programs in Springtide's Jobs: **a task in, a result out**.

    The same document does the same on a laptop, without Kubernetes:

    - `springtide-workloads example-task train data.parquet --target defaulted > task.json`
    - `springtide-workloads run --task task.json`
    """


@app.command()
def run(
    task: Annotated[
        Path | None,
        typer.Option(help=f"The task, a JSON document; `-` is standard input. Default: ${TASK_VARIABLE}."),
    ] = None,
) -> None:
    """Does a task and reports its result.

    The result goes to the task's **resultUri**, then to the termination message (in a pod:
    /dev/termination-log, elsewhere: $SPRINGTIDE_TERMINATION_LOG), then into the exit code: 0 for success, 64 for an
    error that stays, 75 for one that waiting can help, 143 after SIGTERM. Ending it at any moment is safe: nothing
    half-written can be read as finished, and finished work is not done again.

    On a terminal it shows its progress; elsewhere it logs one JSON line every few seconds.
    """
    start_time = datetime.now(UTC)
    on_terminal = sys.stderr.isatty()
    configure_logs(human=on_terminal)
    limit_threads(available_cpus())
    result_uri: str | None = None
    try:
        work = _read_task(task)
        result_uri = None if isinstance(work, RecoverTask) else work.result_uri
    except WorkloadError as error:
        log.error(error.message, reason=error.reason)
        _end(Ending().tell(failed(error, start_time=start_time)))
    ending = Ending(result_uri=result_uri)
    scratch = Path(tempfile.mkdtemp(prefix="springtide-"))
    end_on_signal(ending, start_time=start_time, cleanup=lambda: shutil.rmtree(scratch, ignore_errors=True))
    result = _perform(work, start_time=start_time, scratch=scratch, on_terminal=on_terminal)
    code = ending.tell(result)
    shutil.rmtree(scratch, ignore_errors=True)
    _show(result, on_terminal=on_terminal)
    _end(code)


@app.command()
def serve(port: Annotated[int, typer.Option(help="Where to listen.")] = 8080) -> None:
    """Serves a model by the Open Inference Protocol v2 and V1.

    What is served is one JSON document in **$SPRINGTIDE_SERVING**. It listens once the model's files have the digest
    that is asked for and its golden requests are answered as they were; otherwise it ends as **run** does.
    """
    start_time = datetime.now(UTC)
    configure_logs(human=sys.stderr.isatty())
    limit_threads(available_cpus())
    with tempfile.TemporaryDirectory(prefix="springtide-") as scratch:
        try:
            from springtide_workloads.serving.server import serve

            serve(_read_serving(), scratch=Path(scratch), port=port)
        except Exception as error:  # noqa: BLE001  # whatever happened, the answer is a result
            failure = explain(error, otherwise=Reason.LOAD_FAILED)
            log.error(failure.message, reason=failure.reason)
            code = Ending().tell(failed(failure, start_time=start_time))
            shutil.rmtree(scratch, ignore_errors=True)
            _end(code)


@app.command()
def show(
    uri: Annotated[str, typer.Argument(help="A published folder: file:// or s3://.")],
    name: Annotated[str, typer.Argument(help="A file in it.")],
    digest: Annotated[str, typer.Option(help="That the folder must have.")],
) -> None:
    """Prints a file of a published folder as lines of text, after verifying it: `kubectl springtide report` reads them.

    On failure it ends as **run** does.
    """
    start_time = datetime.now(UTC)
    configure_logs(human=sys.stderr.isatty())
    try:
        from springtide_workloads.artifacts.show import show

        for line in show(uri, digest=digest, name=name):
            sys.stdout.write(f"{line}\n")
    except Exception as error:  # noqa: BLE001  # whatever happened, the answer is a result
        failure = explain(error, otherwise=Reason.STORE_UNAVAILABLE)
        log.error(failure.message, reason=failure.reason)
        _end(Ending().tell(failed(failure, start_time=start_time)))
    _end(0)


def _read_serving() -> Serving:
    try:
        return Serving.model_validate_json(os.environ.get(SERVING_VARIABLE, ""))
    except ValidationError as error:
        raise WorkloadError(Reason.INVALID_SPEC, f"{SERVING_VARIABLE} is not valid: {error}") from error


@examples.command("train")
def print_example_of_training(
    data: Annotated[str, typer.Argument(help="A Parquet file, a folder of them, or a glob; a path, file:// or s3://.")],
    target: Annotated[str, typer.Option(help="The column to predict.")],
    recipe: Annotated[str, typer.Option(help="gbdt or mlp.")] = "gbdt",
    folder: Annotated[Path, typer.Option(help="Where artifacts, MLflow's database and the result go.")] = Path(
        "springtide"
    ),
) -> None:
    """Trains a model."""
    from springtide_workloads.examples import train_task

    document = train_task(data=data, target=target, recipe=recipe, folder=folder)
    typer.echo(document.model_dump_json(by_alias=True, exclude_none=True, indent=2))


@examples.command("snapshot")
def print_example_of_a_snapshot(
    data: Annotated[str, typer.Argument(help="A file, a folder of files, or a glob; a path, file:// or s3://.")],
    folder: Annotated[Path, typer.Option(help="Where snapshots and the result go.")] = Path("springtide"),
) -> None:
    """Takes a snapshot of Parquet or CSV files and profiles it."""
    from springtide_workloads.examples import snapshot_task

    document = snapshot_task(data=data, folder=folder)
    typer.echo(document.model_dump_json(by_alias=True, exclude_none=True, indent=2))


@examples.command("evaluate")
def print_example_of_an_evaluation(
    data: Annotated[str, typer.Argument(help="What the challenger was trained on; a path, file:// or s3://.")],
    target: Annotated[str, typer.Option(help="The column that is predicted.")],
    challenger: Annotated[Path, typer.Option(help="Folder of the model that is judged.")],
    champion: Annotated[Path | None, typer.Option(help="Folder of the model that it is held against.")] = None,
    folder: Annotated[Path, typer.Option(help="Where the evidence and the result go.")] = Path("springtide"),
) -> None:
    """Holds a model against gates, and against another model."""
    from springtide_workloads.examples import evaluate_task

    document = evaluate_task(data=data, target=target, challenger=challenger, champion=champion, folder=folder)
    typer.echo(document.model_dump_json(by_alias=True, exclude_none=True, indent=2))


@app.command()
def verify(
    folder: Annotated[
        Path, typer.Argument(help="A model, a snapshot, a report, evidence or a record, wherever it was copied.")
    ],
    digest: Annotated[str | None, typer.Option(help="What its manifest must have, as a status names it.")] = None,
) -> None:
    """Checks every byte of an artifact's folder, offline, and prints what it is and what it was made from.

    Ends with 64 where anything in the folder is not what its manifest says.
    """
    from springtide_workloads.artifacts.verifying import verify_folder

    try:
        manifest = verify_folder(folder, digest=digest)
    except WorkloadError as error:
        typer.echo(f"{error.reason}: {error.message}", err=True)
        raise typer.Exit(ExitCode.USER_ERROR) from error
    typer.echo(
        f"{manifest.kind} {manifest.digest}: {len(manifest.files)} files, {manifest.size} bytes, as they were made"
    )
    for one in manifest.inputs:
        typer.echo(f"  {one.name} {one.digest}")


@app.command()
def recipes() -> None:
    """Lists the recipes with their parameters, defaults and bounds."""
    from springtide_workloads.catalogue import print_recipes

    print_recipes()


def _read_task(path: Path | None) -> Task:
    text = os.environ.get(TASK_VARIABLE, "")
    try:
        if path is not None:
            text = sys.stdin.read() if str(path) == "-" else path.read_text()
    except OSError as error:
        raise WorkloadError(Reason.INVALID_SPEC, f"the task cannot be read: {error}") from error
    if not text:
        raise WorkloadError(Reason.INVALID_SPEC, f"there is no task: set {TASK_VARIABLE} or give --task FILE")
    try:
        return TASK.validate_json(text)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_input=False)
        )
        raise WorkloadError(Reason.INVALID_SPEC, f"the task is not valid: {problems}") from error


def _perform(task: Task, *, start_time: datetime, scratch: Path, on_terminal: bool) -> Result:
    try:
        if isinstance(task, RecoverTask):
            from springtide_workloads.recovery import recover

            return recover(task)
        from springtide_workloads.process.lean import import_arrow

        import_arrow()
        display = TerminalProgress() if on_terminal else nullcontext(LogProgress())
        with display as progress:
            assert progress is not None
            return _do(task, start_time=start_time, scratch=scratch, progress=progress)
    except Exception as error:  # noqa: BLE001  # whatever happened, the answer is a result
        failure = explain(error, otherwise=OTHERWISE.get(task.operation, Reason.TRAINING_FAILED))
        if isinstance(error, WorkloadError):
            log.error(failure.message, reason=failure.reason)
        else:
            log.exception("failed", reason=failure.reason)
        return failed(failure, start_time=start_time)


def _do(
    task: TrainTask | SnapshotTask | ResolveTask | JudgeTask | DriftTask | EvaluateTask | PromoteTask | RecordTask,
    *,
    start_time: datetime,
    scratch: Path,
    progress: Progress,
) -> Result:
    """An operation. Each imports only what it needs."""
    match task:
        case SnapshotTask():
            from springtide_workloads.snapshot.refresh import take_snapshot

            return take_snapshot(task, start_time=start_time, scratch=scratch, progress=progress)
        case ResolveTask():
            from springtide_workloads.serving.resolve import resolve

            return resolve(task, start_time=start_time)
        case JudgeTask():
            from springtide_workloads.serving.judge import judge

            return judge(task, start_time=start_time, progress=progress)
        case DriftTask():
            from springtide_workloads.drift.look import look

            return look(task, start_time=start_time, scratch=scratch, progress=progress)
        case EvaluateTask():
            from springtide_workloads.evaluation.evaluate import evaluate

            return evaluate(task, start_time=start_time, scratch=scratch, progress=progress)
        case PromoteTask():
            from springtide_workloads.tracking.promote import promote

            return promote(task, start_time=start_time)
        case RecordTask():
            from springtide_workloads.retraining.record import record

            return record(task, start_time=start_time, scratch=scratch)
        case TrainTask():
            from springtide_workloads.training.train import train

            return train(task, start_time=start_time, scratch=scratch, progress=progress)


def _show(result: Result, *, on_terminal: bool) -> None:
    if on_terminal:
        from springtide_workloads.catalogue import print_result

        print_result(result)
    else:
        log.info("result", **result.to_wire())


def _end(code: int) -> None:
    """Ends the process with this very code, whatever threads and libraries would still like to say."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)

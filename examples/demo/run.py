"""`make demo`: two models are trained on real data in the local cluster, while their pods are killed.

Read from top to bottom: this is all that Springtide needs from you. Running it again starts over.
"""

import sys
from pathlib import Path

from data import put_data_on_volume
from disturb import Disturbances
from kubectl import CACHE, SYSTEM, TYPED, apply, example, kubectl
from live import watch
from outcome import download_plots, show_comparison, show_repetition
from tell import DemoError, command, console, say, step

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLES = REPOSITORY / "examples"
RUNS = ("employment-gbdt", "employment-mlp")
OUTPUT = REPOSITORY / "demo-output"
PATIENCE_SECONDS = 900


def main() -> None:
    """The demo, step by step."""
    console.rule("[bold]Springtide")
    say("Who is employed? Two models learn it from 277,677 people of the US census, three years of")
    say("them, and are judged on the fourth. While they train we kill a pod and the operator.")

    with step(1, "The data, on a volume", expect="about 10 s"):
        put_data_on_volume(REPOSITORY)

    with step(2, "Two TrainingRuns", expect="a second"):
        kubectl("delete", "trainingrun", "--all")  # of an earlier demo
        apply(
            [_without_memo(document) for name in RUNS for document in example(_file(name))],
            show=f"{TYPED} apply -f examples/training-run-gbdt.yaml -f examples/training-run-mlp.yaml",
        )
        say("[dim](with memoize: false, or a second demo would be answered by the first one's models)[/]")

    with step(3, "They train, and we break things", expect="1 to 2 min"):
        disturbances = Disturbances(victim=RUNS[0])
        watch(RUNS, disturbances=disturbances, patience=PATIENCE_SECONDS)
        disturbances.sum_up()

    with step(4, "The outcome", expect="a second"):
        show_comparison(RUNS)

    with step(5, "The same work again: answered, not repeated", expect="about 5 s"):
        show_repetition(example(_file(RUNS[0])), name="employment-gbdt-again")

    with step(6, "Plots and everything else, from MLflow", expect="about 10 s"):
        pages = download_plots(RUNS, OUTPUT)

    _tell_what_next(pages)


def _file(run: str) -> Path:
    return EXAMPLES / f"training-run-{run.rpartition('-')[2]}.yaml"


def _without_memo(document: dict) -> dict:  # type: ignore[type-arg]  # YAML
    return document | {"spec": document["spec"] | {"memoize": False}}


def _tell_what_next(pages: dict[str, str]) -> None:
    console.print("\n[bold]To look around[/]")
    command(f"export KUBECONFIG={CACHE / 'kubeconfig'} PATH={CACHE / 'bin'}:$PATH")
    command(f"{TYPED} get trun -o wide")
    command(f"{TYPED} describe trun {RUNS[0]}")
    command(f"kubectl --namespace {SYSTEM} port-forward service/springtide-mlflow 5000")
    for run, page in pages.items():
        say(f"then http://localhost:5000/{page} is {run}")
    console.print("\n[bold]To try next[/]")
    say("a wrong column, to see what is said:")
    typo = "sed 's/name: employment-gbdt/name: typo/; s/column: employed/column: emploied/'"
    command(f"{typo} examples/training-run-gbdt.yaml | {TYPED} apply -f -")
    command(f"{TYPED} get trun typo -o wide --watch")
    say("change a parameter in examples/training-run-gbdt.yaml, and its name, and apply it")
    say("edit any code, and bring it into the cluster in seconds:")
    command("make dev")
    say("take everything back:")
    command("make cluster-delete")


if __name__ == "__main__":
    try:
        main()
    except DemoError as error:
        console.print(f"\n[bold red]The demo stopped:[/] {error}", soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        console.print("\nStopped. What was applied goes on; `make demo` starts over.")
        sys.exit(130)

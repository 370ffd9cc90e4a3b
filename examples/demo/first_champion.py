"""Act 1: the union has outcomes of 2015, and nothing else. One file, and a model is trained, judged and served."""

from applicants import Union
from kubectl import NAMESPACE, REPOSITORY, TYPED, apply, example, kubectl
from live import World, until
from origins import of_model
from story import digest, reached
from tell import say, see

ACT = 1
DOCUMENTS = "examples/demo/employment.yaml"
KINDS = "retrainruns,retrainpolicies,driftmonitors,modelservices,trainingruns,datasets"
SERVING_SECONDS = 400


def play(union: Union) -> None:
    """From nothing to a served model."""
    _start_over()
    union.found()
    say("Two Datasets, a RetrainPolicy, a ModelService and a DriftMonitor:")
    apply(example(REPOSITORY / DOCUMENTS), show=f"{TYPED} apply -f {DOCUMENTS}")
    world = until(
        lambda world: world if world.get("ModelService").ready.status == "True" else None,
        what="a first model to be trained, judged and served",
        seconds=SERVING_SECONDS,
    )
    _check(world)


def _start_over() -> None:
    """Of an earlier demo nothing is left."""
    kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=180s", namespace="default")
    # The strictest Pod Security Standard is enforced: what the operator makes must live with it.
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    metadata = {"name": NAMESPACE, "labels": labels}
    apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}])


def _check(world: World) -> None:
    run = reached(1, "RollingOut", "Watching", "Promoted", seconds=60)
    see(
        ACT,
        "without a champion the policy begins by itself",
        f"{run.name} was begun by trigger {run.document['spec']['trigger']['type']}",
        holds=run.document["spec"]["trigger"]["type"] == "First",
    )
    training = world.get("TrainingRun", run.status["trainingRun"])
    snapshot = world.get("Dataset").status["latest"]["digest"]
    pinned = training.status["dataset"]["digest"]
    metrics = training.status["metrics"]
    see(
        ACT,
        "it trains on a snapshot that is named by its digest",
        f"{digest(pinned)}, AUC {metrics['auc']:.3f} on {metrics['testRows']:,.0f} held-out veterans",
        holds=pinned == snapshot,
        sources=[of_model(training.status["model"]["digest"])],
    )
    stable, champion = world.get("ModelService").status["stable"], world.get("RetrainPolicy").status["champion"]
    see(
        ACT,
        "the service follows the policy's champion",
        f"version {stable['version']}, {digest(stable['digest'])}, on {world.get('ModelService').status['backend']}",
        holds=stable["digest"] == champion["digest"] == training.status["model"]["digest"],
    )

"""Documents of the tests of the loop on the local cluster, and what they look at."""

import copy
import json
import urllib.parse
import urllib.request
from typing import Any

from tests.kind.cluster import Document, Namespace, Resource, example
from tests.kind.serving.services import SMALL

POLICY, SERVICE, DATASET = "employment", "employment-champion", "census"
"""As the examples call them."""
ASKING = "asks"
"""A policy that waits for a person."""
FIRST = {"numRounds": 1, "numLeaves": 4}
BETTER = {"numRounds": 60}
USELESS = {"numRounds": 1, "numLeaves": 2}
"""One question about each person. AUC on the newest year: 0.68; FIRST has 0.83, BETTER 0.90."""
GATES = [
    {"name": "good-enough", "metric": "AUC", "min": 0.6},
    {"name": "better", "metric": "AUC", "versusChampion": {"minDelta": 0.01}},
    {"name": "groups", "metric": "AUC", "slices": ["sex"], "versusChampion": {"maxRegression": 0.02}},
    {"name": "calibrated", "metric": "ECE", "max": 0.2},
]
MODEST = GATES[:1]


def a_dataset() -> Document:
    dataset = next(document for document in example("dataset.yaml") if document["kind"] == "Dataset")
    # Rows come twice when the data grows.
    del dataset["spec"]["keys"], dataset["spec"]["refresh"]
    dataset["spec"]["resources"] = SMALL
    return dataset


def a_policy(name: str, *, parameters: Document, model: str = "employment", **spec: Any) -> Document:
    """A policy that nothing but a missing champion, or a person, sets going."""
    (policy,) = example("retrain-policy.yaml")
    policy["metadata"]["name"] = name
    template = policy["spec"]["template"]
    template |= {"model": {"name": model}, "resources": {**SMALL, "requests": {"cpu": "200m", "memory": "256Mi"}}}
    template["recipe"]["parameters"] = parameters
    del policy["spec"]["triggers"]
    policy["spec"] |= {
        "gates": copy.deepcopy(GATES),
        "guards": {"cooldownSeconds": 1},
        "watch": {"seconds": 3},
        **spec,
    }
    return policy


def a_service() -> Document:
    """A service that follows the policy, by a step under load."""
    (service,) = example("model-service-champion.yaml")
    service["spec"] |= {"backend": "Deployment", "replicas": {"min": 1}, "resources": SMALL}
    service["spec"]["rollout"] = {
        "steps": [{"weight": 50, "pauseSeconds": 3}],
        "checks": [{"name": "errors", "metric": "ErrorRate", "max": 0.0}],
        "minSamples": 50,
        "keepStableSeconds": 600,
    }
    return service


def ask_for_recipe(namespace: Namespace, policy: str, parameters: Document) -> None:
    """Edit the template: later runs heed it."""
    # As JSON Patch, which replaces the parameters instead of adding to them.
    path = "/spec/template/recipe/parameters"
    patch = json.dumps([{"op": "replace", "path": path, "value": parameters}])
    namespace.kubectl("patch", "rpol", policy, "--type", "json", "--patch", patch)


def edit(namespace: Namespace, policy: str, **spec: Any) -> None:
    """Change fields of a policy; None takes one away."""
    namespace.kubectl("patch", "rpol", policy, "--type", "merge", "--patch", json.dumps({"spec": spec}))


def policy_of(namespace: Namespace, name: str = POLICY) -> Resource:
    return Resource(namespace.read("retrainpolicy", name))


def champion_of(namespace: Namespace, name: str = POLICY) -> Document:
    return dict(policy_of(namespace, name).status["champion"])


def next_run_of(namespace: Namespace, name: str = POLICY) -> str:
    """How the next run will be called."""
    return f"{name}-{policy_of(namespace, name).status['runs'] + 1}"


def ended(namespace: Namespace, run: str) -> Resource:
    """The RetrainRun, once it has ended and its policy has recorded that."""
    policy = run.rpartition("-")[0]
    namespace.wait_for_policy(
        policy,
        lambda found: run in {past["name"] for past in found.status.get("history", ())},
        what=f"to have recorded the end of {run}",
    )
    return Resource(namespace.read("retrainrun", run))


def awaiting_approval(namespace: Namespace) -> Resource:
    """The run of ASKING, once it waits for a person."""
    return namespace.wait_for_retrain_run(
        f"{ASKING}-1", lambda found: found.status.get("phase") == "AwaitingApproval", what="to wait for a person"
    )


def gates_of(run: Resource) -> dict[str, Document]:
    """What was shown at each gate, by name."""
    return {gate["name"]: gate for gate in run.status["verdict"]["gates"]}


def alias_of(mlflow_url: str, namespace: Namespace, model: str) -> str:
    """The version that MLflow's alias `champion` names."""
    query = urllib.parse.urlencode({"name": f"{namespace.name}.{model}", "alias": "champion"})
    with urllib.request.urlopen(  # noqa: S310  # MLflow on a port of this machine
        f"{mlflow_url}/api/2.0/mlflow/registered-models/alias?{query}", timeout=20
    ) as answer:
        return str(json.load(answer)["model_version"]["version"])


def tag_digest(mlflow_url: str, namespace: Namespace, model: str, *, version: str, digest: str) -> None:
    """Let MLflow say that a version is this model."""
    named = {"name": f"{namespace.name}.{model}", "version": version}
    tag = {"key": "springtide.dev/model-digest", "value": digest}
    request = urllib.request.Request(  # noqa: S310  # MLflow on a port of this machine
        f"{mlflow_url}/api/2.0/mlflow/model-versions/set-tag",
        data=json.dumps(named | tag).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20):  # noqa: S310  # the same
        pass

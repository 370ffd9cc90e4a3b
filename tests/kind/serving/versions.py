"""The versions of the model `employment` that the ModelServices of the local cluster serve."""

from tests.kind.cluster import Namespace, a_run

ROUNDS = {"1": 100, "2": 110, "3": 1}
"""The versions: two that are nearly alike, and one that has hardly begun to learn, so that its scores lie elsewhere."""


def train(namespace: Namespace) -> None:
    """Train and register them, in a namespace with the census on its volume and nothing in its registry."""
    for version, rounds in ROUNDS.items():
        run = a_run(f"version-{version}", recipe={"name": "gbdt", "parameters": {"numRounds": rounds}})
        namespace.apply(run)
        trained = namespace.wait_for_reason(f"version-{version}", "Succeeded")
        assert trained.status["model"]["version"] == version

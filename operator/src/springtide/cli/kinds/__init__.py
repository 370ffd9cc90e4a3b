"""What is special about each kind: one file and one entry here. Other kinds are shown by their conditions."""

from springtide.cli.kinds import dataset, drift_monitor, model_service, retrain_policy, retrain_run, training_run
from springtide.cli.kinds.view import View

VIEWS: dict[str, View] = {
    kind.VIEW.kind: kind.VIEW
    for kind in (dataset, drift_monitor, model_service, retrain_policy, retrain_run, training_run)
}


def view_of(kind: str) -> View:
    """The view of a kind, whether it is known or not."""
    return VIEWS.get(kind) or View(kind)

"""What is special about each kind: one file and one entry here. Other kinds are shown by their conditions."""

from springtide.cli.kinds import dataset, model_service, training_run
from springtide.cli.kinds.view import View

VIEWS: dict[str, View] = {view.kind: view for view in (dataset.VIEW, model_service.VIEW, training_run.VIEW)}


def view_of(kind: str) -> View:
    """The view of a kind, whether it is known or not."""
    return VIEWS.get(kind) or View(kind)

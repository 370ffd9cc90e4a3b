"""Is the champion still in the registry? What a person has deleted there, no verdict may rest on silently."""

from springtide.api.constants import Reason
from springtide.api.task import EvaluateTask

from springtide_workloads.errors import WorkloadError
from springtide_workloads.tracking.mlflow_tracking import MlflowTracking
from springtide_workloads.tracking.probe import check_reachable


def check_registered(task: EvaluateTask) -> None:
    """Raises ChampionNotFound where the champion's version is gone, or is another model by now.

    Raises TrackingUnavailable, AccessDenied or EvaluationFailed where the registry does not answer that.
    """
    champion, registry = task.champion, task.registry
    if champion is None or registry is None:
        return
    check_reachable(registry.tracking_uri)
    tracking = MlflowTracking(tracking_uri=registry.tracking_uri, experiment="", refused=Reason.EVALUATION_FAILED)
    advice = (
        "restore MLflow's database from its backup, and the run goes on by itself; if it is gone for good, have another"
        " version served (`kubectl springtide rollback msvc/<name> --pin --to <version>`) and create RetrainPolicy"
        f" {task.circumstances.policy} anew: what is served becomes its champion"
    )
    name = f"version {champion.version} of {registry.model_name}, the champion,"
    try:
        digest, _ = tracking.find_version(registry.model_name, champion.version)
    except WorkloadError as error:
        if error.reason != Reason.MODEL_NOT_FOUND:
            raise
        raise WorkloadError(Reason.CHAMPION_NOT_FOUND, f"{name} is gone: {error.message}; {advice}") from error
    if digest != champion.digest:
        raise WorkloadError(
            Reason.CHAMPION_NOT_FOUND,
            f"{name} is not what it was: in MLflow at {registry.tracking_uri} it is {digest}, and the champion is"
            f" {champion.digest}; {advice}",
        )

"""The operation `Promote`: which version the registry's alias names."""

from datetime import datetime

from springtide.api.constants import Reason
from springtide.api.task import PromoteTask, Result

from springtide_workloads.errors import WorkloadError
from springtide_workloads.tracking.mlflow_tracking import MlflowTracking
from springtide_workloads.tracking.probe import check_reachable


def promote(task: PromoteTask, *, start_time: datetime) -> Result:
    """Sets or removes the alias; that it is as asked already is as good.

    Raises ModelNotFound, DigestMismatch, TrackingUnavailable, AccessDenied, PromotionFailed; then nothing was changed.
    """
    check_reachable(task.tracking_uri)
    tracking = MlflowTracking(tracking_uri=task.tracking_uri, experiment="", refused=Reason.PROMOTION_FAILED)
    before = tracking.find_alias(task.model_name, task.alias)
    if task.version is not None:
        _check_digest(task, version=task.version, tracking=tracking)
        if before != task.version:
            tracking.set_alias(task.model_name, task.alias, version=task.version)
    elif before is not None:
        _check_digest(task, version=before, tracking=tracking)
        tracking.remove_alias(task.model_name, task.alias)
    return Result(
        status="Succeeded", reason=Reason.PROMOTED, message=_sentence(task, before=before), start_time=start_time
    )


def _check_digest(task: PromoteTask, *, version: str, tracking: MlflowTracking) -> None:
    """Raises where the version is not there, not one of ours, or not the one that is meant."""
    if task.version is None and task.digest is None:
        return
    found, _ = tracking.find_version(task.model_name, version)
    if task.digest is not None and found != task.digest:
        raise WorkloadError(
            Reason.DIGEST_MISMATCH,
            f"version {version} of {task.model_name} in MLflow is {found}, but {task.digest} is asked for: the alias"
            f" {task.alias} was left as it is",
        )


def _sentence(task: PromoteTask, *, before: str | None) -> str:
    if task.version is None:
        return f"{task.model_name} has no alias {task.alias}" + ("" if before is None else f"; it named {before}")
    was = {None: "", task.version: ", as it did"}.get(before, f"; before: {before}")
    return f"{task.alias} of {task.model_name} is version {task.version}{was}"

"""The operation `Resolve`: which files a version of a registered model is, and that they are whole."""

from datetime import datetime

from springtide.api.constants import Reason
from springtide.api.task import ResolveTask, Result
from springtide.api.training_run import RegisteredModel

from springtide_workloads.artifacts.store import ArtifactStore
from springtide_workloads.tracking.mlflow_tracking import MlflowTracking


def resolve(task: ResolveTask, *, start_time: datetime) -> Result:
    """The model's digest and place. Raises ModelNotFound, DigestMismatch, TrackingUnavailable, StoreUnavailable."""
    tracking = MlflowTracking(tracking_uri=task.tracking_uri, experiment="")
    digest, _ = tracking.find_version(task.model_name, task.version)
    store = ArtifactStore(task.store_uri)
    store.verify(digest)
    model = RegisteredModel(name=task.model_name, version=task.version, digest=digest, uri=store.uri_of(digest))
    return Result(
        status="Succeeded",
        reason=Reason.RESOLVED,
        message=f"version {task.version} of {task.model_name} is {digest}",
        start_time=start_time,
        model=model,
    )

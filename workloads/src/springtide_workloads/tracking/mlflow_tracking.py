"""MLflow through its own client. Every effect is found again before it is made: trying twice leaves nothing double."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from springtide.api.constants import Reason
from springtide.api.task import Owner
from springtide.api.training_run import Tracking

from springtide_workloads.errors import WorkloadError
from springtide_workloads.model.folder import METRICS_FILE, PLOTS
from springtide_workloads.tracking.record import TAG, Record, describe_run

SETTINGS = {
    # Three tries of 15 seconds and the pauses between them: an MLflow that hangs is noticed within a minute.
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GIT_PYTHON_REFRESH": "quiet",  # MLflow looks for git, which the image does not have
}
PARAMS_AT_ONCE, METRICS_AT_ONCE = 100, 1000
MOST_STEPS = 20_000
NO_ALIAS = frozenset({"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"})
"""What the registry answers where an alias names nothing: its SQL store takes the alias for a wrong parameter."""


class MlflowTracking:
    """One experiment of one MLflow.

    Importing MLflow takes seconds. `import_early` does it beside the training, whose libraries leave Python alone
    most of the time; it must not run while another thread imports.

    refused: the reason of a failure where MLflow does not accept what it is asked.
    """

    def __init__(self, *, tracking_uri: str, experiment: str, refused: Reason = Reason.TRAINING_FAILED) -> None:
        self._uri = tracking_uri
        self._refused = refused
        self._experiment = experiment
        self._importing: threading.Thread | None = None

    def import_early(self) -> None:
        """Begins to import MLflow in the background."""
        self._importing = threading.Thread(target=_import_mlflow, name="mlflow-import", daemon=True)
        self._importing.start()

    def finish_import(self) -> None:
        """Waits until MLflow is imported, so that others may import again."""
        if self._importing is not None:
            self._importing.join()

    def record(self, folder: Path, *, owner: Owner, model_digest: str) -> Tracking:
        """The MLflow run of `owner`, with all that the model's folder says, finished."""
        self.finish_import()
        record = describe_run(folder, owner=owner, model_digest=model_digest)
        with self._errors():
            client = self._client()
            experiment_id = self._experiment_id(client)
            run = _take_up_run(client, experiment_id, uid=owner.uid, model_digest=model_digest)
            if run is None:
                run = client.create_run(experiment_id, run_name=record.name, tags=record.tags)
            if run.info.status != "FINISHED":
                _log(client, run, record=record, folder=folder)
            return Tracking(run_id=run.info.run_id, experiment_id=experiment_id)

    def find(self, tracking: Tracking | None) -> Tracking | None:
        """The same run, if it still is there."""
        if tracking is None:
            return None
        self.finish_import()
        with self._errors():
            from mlflow.exceptions import MlflowException

            try:
                run = self._client().get_run(tracking.run_id)
            except MlflowException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
                return None
            return tracking if run.info.lifecycle_stage == "active" else None

    def register(self, name: str, *, run: Tracking, model_digest: str, uri: str) -> str:
        """The version of registered model `name` with this digest, made if there is none."""
        with self._errors():
            client = self._client()
            _ensure_registered_model(client, name)
            digest_tag = f"{TAG}/model-digest"
            for version in client.search_model_versions(f"name = '{name}' and tags.`{digest_tag}` = '{model_digest}'"):
                return str(version.version)
            source = f"{client.get_run(run.run_id).info.artifact_uri}/model"
            tags = {digest_tag: model_digest, f"{TAG}/uri": uri}
            version = client.create_model_version(name, source, run_id=run.run_id, tags=tags, await_creation_for=None)
            return str(version.version)

    def find_version(self, name: str, version: str) -> tuple[str, str]:
        """Digest and URI of a registered version. Raises ModelNotFound where it is not there, or not one of ours."""
        self.finish_import()
        with self._errors():
            from mlflow.exceptions import MlflowException

            try:
                tags = self._client().get_model_version(name, version).tags
            except MlflowException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
                raise WorkloadError(
                    Reason.MODEL_NOT_FOUND, f"MLflow at {self._uri} has no version {version} of {name}"
                ) from error
        try:
            return tags[f"{TAG}/model-digest"], tags[f"{TAG}/uri"]
        except KeyError as error:
            raise WorkloadError(
                Reason.MODEL_NOT_FOUND, f"version {version} of {name} in MLflow was not made by a TrainingRun"
            ) from error

    def find_alias(self, name: str, alias: str) -> str | None:
        """The version that an alias names; None where there is no such alias or no such model."""
        self.finish_import()
        with self._errors():
            from mlflow.exceptions import MlflowException

            try:
                return str(self._client().get_model_version_by_alias(name, alias).version)
            except MlflowException as error:
                if error.error_code not in NO_ALIAS:
                    raise
                return None

    def set_alias(self, name: str, alias: str, *, version: str) -> None:
        """Lets an alias name a version, whatever it named before."""
        with self._errors():
            self._client().set_registered_model_alias(name, alias, version)

    def remove_alias(self, name: str, alias: str) -> None:
        """Removes an alias."""
        with self._errors():
            self._client().delete_registered_model_alias(name, alias)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except WorkloadError:
            raise
        except Exception as error:
            raise _explained(error, uri=self._uri, refused=self._refused) from error

    def _client(self) -> Any:
        _import_mlflow()
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self._uri, registry_uri=self._uri)

    def _experiment_id(self, client: Any) -> str:
        from mlflow.exceptions import MlflowException

        found = client.get_experiment_by_name(self._experiment)
        if found is None:
            try:
                return str(client.create_experiment(self._experiment, artifact_location=_local_artifacts(self._uri)))
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
                found = client.get_experiment_by_name(self._experiment)  # made by another run just now
        return str(found.experiment_id)


def _import_mlflow() -> None:
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    import mlflow  # noqa: F401


def _local_artifacts(uri: str) -> str | None:
    """Beside a local database, rather than in whatever the working directory is; a server decides itself."""
    if not uri.startswith("sqlite:///"):
        return None
    return Path(uri.removeprefix("sqlite:///")).resolve().with_suffix(".artifacts").as_uri()


def _take_up_run(client: Any, experiment_id: str, *, uid: str, model_digest: str) -> Any | None:
    """The run in which this attempt or an earlier one began to log this model: a run that was killed halfway is
    finished by the next attempt. If that attempt made another model, because the data changed, it is closed."""
    found = None
    for run in client.search_runs([experiment_id], f"tags.`{TAG}/run-uid` = '{uid}'"):
        if run.data.tags.get(f"{TAG}/model-digest") == model_digest:
            found = run
        elif run.info.status == "RUNNING":
            client.set_terminated(run.info.run_id, "KILLED")
    return found


def _log(client: Any, run: Any, *, record: Record, folder: Path) -> None:
    from mlflow.entities import Metric, Param, RunTag

    run_id, moment = run.info.run_id, run.info.start_time  # the same moment each time: logging twice stores once
    metrics = [Metric(name, value, moment, 0) for name, value in record.metrics.items()]
    every = max(1, len(record.steps) // MOST_STEPS)
    metrics += [Metric(name, value, moment + step, step) for step, name, value in record.steps if step % every == 0]
    params = [Param(name, value[:6000]) for name, value in record.params.items()]
    for start in range(0, len(params), PARAMS_AT_ONCE):
        client.log_batch(run_id, params=params[start : start + PARAMS_AT_ONCE])
    for start in range(0, len(metrics), METRICS_AT_ONCE):
        client.log_batch(run_id, metrics=metrics[start : start + METRICS_AT_ONCE])
    client.log_artifacts(run_id, str(folder), "model")
    client.log_artifacts(run_id, str(folder / PLOTS), PLOTS)
    client.log_artifact(run_id, str(folder / METRICS_FILE))
    client.log_batch(run_id, tags=[RunTag(name, value) for name, value in record.tags.items()])
    client.set_terminated(run_id, "FINISHED")


def _ensure_registered_model(client: Any, name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _explained(error: Exception, *, uri: str, refused: Reason) -> WorkloadError:
    text = " ".join(str(error).split())[:400]
    status = error.get_http_status_code() if hasattr(error, "get_http_status_code") else None
    if "error 401" in text or "error 403" in text or status in {401, 403}:
        advice = "check the credentials and the server's --allowed-hosts"
        return WorkloadError(Reason.ACCESS_DENIED, f"MLflow at {uri} refuses: {text}; {advice}")
    if status is not None and 400 <= status < 500:
        return WorkloadError(refused, f"MLflow at {uri} refuses: {text}")
    return WorkloadError(Reason.TRACKING_UNAVAILABLE, f"MLflow at {uri} could not be used: {text}")

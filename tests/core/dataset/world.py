"""A Dataset in its namespace: what the tests of this folder speak with."""

import json
from datetime import datetime, timedelta
from typing import Any

from springtide.cluster.store import Key

from tests.core import controllers, world
from tests.core.api_server import Manifest, stamp

SPEC: dict[str, Any] = {"source": {"uri": "s3://lake/applications/*.parquet"}}
NAME = "applications"
KEY = Key("Dataset", "team", NAME)
RUN = Key("TrainingRun", "team", "churn")


def digest(letter: str) -> str:
    """A digest that is easy to read."""
    return "sha256:" + letter * 64


class World(world.World):
    """One Dataset in one namespace."""

    key = KEY

    # The Dataset as people see it.

    @property
    def exists(self) -> bool:
        """Whether the Dataset is there."""
        return ("Dataset", NAME) in self.server.objects

    @property
    def status(self) -> Manifest:
        """Its status."""
        status: Manifest = self.server.get("Dataset", NAME).get("status", {})
        return status

    @property
    def last(self) -> Manifest:
        """The last refresh."""
        last: Manifest = self.status.get("lastRefresh", {})
        return last

    # What people do.

    def create(self, *, annotations: dict[str, str] | None = None, **spec: Any) -> "World":
        """The user creates the Dataset."""
        metadata = {"name": NAME} | ({"annotations": annotations} if annotations else {})
        manifest = {"apiVersion": "springtide.dev/v1alpha1", "kind": "Dataset", "metadata": metadata}
        self.server.create(manifest | {"spec": SPEC | spec})
        return self.settle()

    def edit(self, **spec: Any) -> "World":
        """The user changes the spec; None removes a field."""

        def change(manifest: Manifest) -> None:
            manifest["spec"] = {name: value for name, value in (manifest["spec"] | spec).items() if value is not None}

        self.server.update("Dataset", NAME, change)
        return self.settle()

    def ask(self, value: str) -> "World":
        """The user annotates the Dataset."""
        note = {"springtide.dev/refresh": value, "example.com/other": "x"}
        self.server.update("Dataset", NAME, lambda it: it["metadata"].update(annotations=note))
        return self.settle()

    def train(self, name: str = "churn", *, dataset: str = NAME, **data: Any) -> "World":
        """The user creates a TrainingRun on the Dataset."""
        spec = {"model": {"name": "m"}, "data": {"datasetRef": {"name": dataset}} | data}
        spec |= {"recipe": {"name": "gbdt"}, "target": {"column": "y"}}
        manifest = {"apiVersion": "springtide.dev/v1alpha1", "kind": "TrainingRun", "metadata": {"name": name}}
        self.server.create(manifest | {"spec": spec})
        return self.settle()

    # What the Job does.

    def end(self, message: str = "", *, exit_code: int = 0, lasting: float = 30.0, reason: str = "") -> "World":
        """The container of the refresh that is under way starts, and ends so."""
        (pod,) = (name for name in self.waiting_pods if name.startswith(f"{NAME}-refresh-"))
        controllers.start_container(self.server, pod, now=self.now)
        self.settle()
        self.now += timedelta(seconds=lasting)
        why = reason or ("Error" if exit_code else "Completed")
        controllers.end_container(self.server, pod, now=self.now, exit_code=exit_code, reason=why, message=message)
        return self.settle()

    def publish(self, letter: str, *, state: str = "", **snapshot: Any) -> "World":
        """The refresh ends with a snapshot."""
        return self.end(refreshed(letter, now=self.now, state=state, **snapshot))

    def publish_when_asked(self, letter: str) -> "World":
        """The user asks for a refresh, and it ends with a snapshot."""
        return self.ask(letter).publish(letter)

    def violate(self, *violations: Manifest, state: str = "") -> "World":
        """The source does not satisfy the contract."""
        return self.end(violated(*violations, state=state), exit_code=64)


def refreshed(letter: str, *, now: datetime, state: str = "", reason: str = "Refreshed", **snapshot: Any) -> str:
    """A termination message with a snapshot."""
    published = {
        "digest": digest(letter),
        "uri": f"s3://artifacts/springtide/datasets/team.{NAME}/sha256-{letter * 64}",
        "rows": 1000,
        "bytes": 20_000,
        "createdTime": stamp(now),
    } | snapshot
    return a_result(status="Succeeded", reason=reason, snapshot=published, **_state(state))


def unchanged(*, state: str = "") -> str:
    """A termination message that tells of a source that was not even read."""
    return a_result(status="Succeeded", reason="Unchanged", **_state(state))


def violated(*violations: Manifest, state: str = "") -> str:
    """A termination message that tells of a broken contract."""
    found = violations or ({"column": "income", "rule": "min", "message": "3 values are below 0", "count": 3},)
    return a_result(
        status="Failed", reason="ContractViolated", message="broken", violations=list(found), **_state(state)
    )


def a_result(**fields: Any) -> str:
    """A termination message."""
    return json.dumps(fields)


def a_dataset(*, platform: dict[str, Any] | None = None, **spec: Any) -> World:
    """A Dataset whose first refresh waits for its container to start."""
    return World(**(platform or {})).create(**spec)


def _state(letter: str) -> dict[str, str]:
    return {"sourceState": digest(letter)} if letter else {}

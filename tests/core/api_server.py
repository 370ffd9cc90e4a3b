"""An API server in memory, with watches that can lag, and as much of the controllers behind it as a Job needs.

It stands where the operator's client stands, so that the operator's own worker, apply and status code run in the
tests. It knows what matters to them: resource versions, uids, preconditions, ownership and graceful deletion.
"""

import copy
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from springtide.api.constants import GROUP, LABEL_KIND
from springtide.cluster.client import ApiError

Manifest = dict[str, Any]
PARENTS = {
    "datasets": "Dataset",
    "driftmonitors": "DriftMonitor",
    "modelservices": "ModelService",
    "retrainpolicies": "RetrainPolicy",
    "retrainruns": "RetrainRun",
    "trainingruns": "TrainingRun",
}
LISTED = {"inferenceservices": "InferenceService"}
"""Kinds that are listed, not watched."""
MADE_AND_CHANGED = {
    **LISTED,
    "deployments": "Deployment",
    "poddisruptionbudgets": "PodDisruptionBudget",
    "services": "Service",
}
KINDS = PARENTS | MADE_AND_CHANGED | {"jobs": "Job", "pods": "Pod", "persistentvolumeclaims": "PersistentVolumeClaim"}


class CrashError(BaseException):
    """The operator's process has ended here. No code of the operator may catch it."""


class ApiServer:
    """Objects by (kind, name) in one namespace.

    now: the time that it writes into objects. before, after: called around every write of the operator with
    (verb, resource, name); they may raise.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.version = 1000
        self.objects: dict[tuple[str, str], Manifest] = {}
        self.events: list[Manifest] = []
        self.news: dict[str, list[tuple[str, Manifest]]] = {kind: [] for kind in KINDS.values()}
        self.writes: list[tuple[str, str, str]] = []
        self.before: Callable[[str, str, str], None] = lambda *_: None
        self.after: Callable[[str, str, str], None] = lambda *_: None
        self._uids = 0

    # What the operator's client calls.

    async def request(
        self,
        verb: str,
        group_version: str,  # noqa: ARG002  # the plural says it all here
        plural: str,
        *,
        namespace: str | None = None,
        name: str | None = None,
        subresource: str | None = None,
        body: Any = None,
        **_: Any,
    ) -> Manifest:
        """Answer as the API server would; see `springtide.cluster.client.Client.request`."""
        assert namespace == "team", "the operator must not leave the namespace of its object"
        resource = f"{plural}/{subresource}" if subresource else plural
        if verb == "get":
            return self.get(KINDS[plural], str(name))
        self.before(verb, resource, name or "")
        answer = self._write(verb, resource, name or "", copy.deepcopy(body))
        self.writes.append((verb, resource, name or body["metadata"]["name"]))
        self.after(verb, resource, name or "")
        return answer

    def _write(self, verb: str, resource: str, name: str, body: Any) -> Manifest:
        match verb, resource:
            case "create", "events":
                self.events.append(body)
                return body  # type: ignore[no-any-return]
            case "patch", _ if resource.endswith("/status") and (kind := PARENTS.get(resource.removesuffix("/status"))):
                return self._patch_status(kind, name, body)
            case "patch", _ if resource in MADE_AND_CHANGED:
                return self._apply(body, by_force=True)
            case "patch", "jobs" | "persistentvolumeclaims" | "trainingruns" | "retrainruns":
                return self._apply(body)
            case "delete", _ if resource in ("jobs", "retrainruns") or resource in MADE_AND_CHANGED:
                found = self.get(KINDS[resource], name)
                if body["preconditions"]["uid"] != found["metadata"]["uid"]:
                    raise ApiError(409, "the uid in the precondition is another")
                self.delete(KINDS[resource], name)
                return found
        raise AssertionError(f"the operator sent {verb} {resource}, which nothing here expects")

    def _patch_status(self, kind: str, name: str, patch: list[Manifest]) -> Manifest:
        found = self.get(kind, name)
        values = {step["path"]: step["value"] for step in patch}
        if values["/metadata/resourceVersion"] != found["metadata"]["resourceVersion"]:
            raise ApiError(409, "the object has been modified")
        return self.update(kind, name, lambda parent: parent.update(status=values["/status"]))

    def _apply(self, body: Manifest, *, by_force: bool = False) -> Manifest:
        kind, name = body["kind"], body["metadata"]["name"]
        found = self.objects.get((kind, name))
        if found is None:
            return self.create(body)
        if _owner(found) != _owner(body):
            raise ApiError(422, "only one reference can have controller set to true")
        if by_force:
            return self.update(kind, name, lambda it: it.update(spec=body["spec"]) or _annotate(it, body))
        return copy.deepcopy(found)

    # What the test and the controllers do.

    def get(self, kind: str, name: str) -> Manifest:
        """A copy of the object; ApiError 404 where there is none."""
        if (kind, name) not in self.objects:
            raise ApiError(404, f"{kind} {name} not found")
        return copy.deepcopy(self.objects[kind, name])

    def all(self, kind: str) -> Iterator[Manifest]:
        """Copies of all objects of a kind, the oldest first."""
        return (copy.deepcopy(item) for (of, _), item in list(self.objects.items()) if of == kind)

    def create(self, manifest: Manifest) -> Manifest:
        """A new object."""
        self._uids += 1
        manifest = json.loads(json.dumps(manifest))
        manifest["metadata"] |= {
            "namespace": "team",
            "uid": f"uid-{self._uids}",
            "generation": 1,
            "creationTimestamp": stamp(self._now()),
        }
        return self._store("ADDED", manifest)

    def update(self, kind: str, name: str, change: Callable[[Manifest], Any]) -> Manifest:
        """The object, changed in place; no new version where nothing is different."""
        manifest = self.get(kind, name)
        change(manifest)
        before = self.objects[kind, name]
        if manifest == before:
            return manifest
        if manifest.get("spec") != before.get("spec"):
            manifest["metadata"]["generation"] += 1
        return self._store("MODIFIED", manifest)

    def delete(self, kind: str, name: str) -> None:
        """Delete an object and, as the garbage collector does, what it owns. A pod that runs is told to stop first."""
        manifest = self.get(kind, name)
        graceful = kind == "Pod" and manifest["status"].get("phase") == "Running"
        if graceful and "deletionTimestamp" not in manifest["metadata"]:
            self.update(kind, name, lambda pod: pod["metadata"].update(deletionTimestamp=stamp(self._now())))
            return
        del self.objects[kind, name]
        self.version += 1
        manifest["metadata"]["resourceVersion"] = str(self.version)
        self.news[kind].append(("DELETED", manifest))
        for (of, other), item in list(self.objects.items()):
            if _owner(item) == manifest["metadata"]["uid"] and (of, other) in self.objects:
                self.delete(of, other)

    def _store(self, event: str, manifest: Manifest) -> Manifest:
        self.version += 1
        manifest["metadata"]["resourceVersion"] = str(self.version)
        self.objects[manifest["kind"], manifest["metadata"]["name"]] = copy.deepcopy(manifest)
        ours = manifest["apiVersion"].startswith(GROUP) or LABEL_KIND in manifest["metadata"].get("labels", {})
        if ours:
            self.news[manifest["kind"]].append((event, copy.deepcopy(manifest)))
        return copy.deepcopy(manifest)


def stamp(time: datetime) -> str:
    """The time as the API server writes it."""
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")


def _annotate(manifest: Manifest, body: Manifest) -> None:
    manifest["metadata"]["annotations"] = body["metadata"].get("annotations", {})


def _owner(manifest: Manifest) -> str:
    owners = manifest["metadata"].get("ownerReferences", ())
    return next((owner["uid"] for owner in owners if owner.get("controller")), "")

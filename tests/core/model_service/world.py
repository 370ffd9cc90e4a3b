"""A ModelService in its namespace, and the servers of its versions: what the tests of this folder speak with."""

import json
from typing import Any

from springtide.api.constants import KSERVE
from springtide.api.serving import SERVING_VARIABLE, Serving
from springtide.cluster.store import Key

from tests.core import controllers, world
from tests.core.api_server import Manifest, stamp

NAME = "pd"
KEY = Key("ModelService", "team", NAME)
STEPS = [{"weight": 25, "pauseSeconds": 60}, {"weight": 50, "pauseSeconds": 300}]
POLICY = "pd-policy"
FOLLOWING = {"model": {"name": "pd-12m"}, "versionFrom": {"retrainPolicyRef": {"name": POLICY}}}
"""What a spec says that takes its version from a policy."""
SPEC: dict[str, Any] = {"model": {"name": "pd-12m", "version": "1"}, "rollout": {"steps": STEPS}}


def digest(version: str) -> str:
    """The digest of a version's model."""
    return "sha256:" + version[-1] * 64


def label(version: str) -> str:
    """The label of a version's servers."""
    return version[-1] * 12


class World(world.World):
    """One ModelService in one namespace. kserve: the cluster has KServe."""

    key = KEY

    def __init__(self, *, kserve: bool = False) -> None:
        self.capabilities = frozenset({KSERVE}) if kserve else frozenset()
        super().__init__()

    # The ModelService as people see it.

    @property
    def status(self) -> Manifest:
        """Its status."""
        status: Manifest = self.server.get("ModelService", NAME).get("status", {})
        return status

    @property
    def stable(self) -> str:
        """The version that serves, or nothing."""
        return str(self.status.get("stable", {}).get("version", ""))

    @property
    def candidate(self) -> Manifest:
        """The candidate, or nothing."""
        candidate: Manifest = self.status.get("candidate", {})
        return candidate

    def message(self, kind: str) -> str:
        """Message of a condition."""
        return str(self.condition(kind)["message"])

    @property
    def asked(self) -> set[str]:
        """Versions whose servers the Service leads to, among those that are there and not told to go."""
        selector = self.server.get("Service", NAME)["spec"]["selector"]
        pods = [pod["metadata"] for pod in self.server.all("Pod")]
        labels = [pod["labels"] for pod in pods if "deletionTimestamp" not in pod]
        return {item["springtide.dev/model"][0] for item in labels if selector.items() <= item.items()}

    def replicas(self, version: str) -> int:
        """How many servers a version is to have; 0 where there is nothing of it."""
        if found := self.server.objects.get(("InferenceService", f"{NAME}-{label(version)}")):
            return int(found["spec"]["predictor"]["minReplicas"])
        found = self.server.objects.get(("Deployment", f"{NAME}-{label(version)}"))
        return int(found["spec"]["replicas"]) if found else 0

    def serving(self, version: str) -> Serving:
        """What the servers of a version are told."""
        deployment = self.server.get("Deployment", f"{NAME}-{label(version)}")
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        (told,) = [one["value"] for one in container["env"] if one["name"] == SERVING_VARIABLE]
        return Serving.model_validate_json(told)

    # What people do.

    def create(self, **spec: Any) -> "World":
        """The user creates the ModelService."""
        manifest = {"apiVersion": "springtide.dev/v1alpha1", "kind": "ModelService", "metadata": {"name": NAME}}
        self.server.create(manifest | {"spec": SPEC | spec})
        return self.settle()

    def edit(self, **spec: Any) -> "World":
        """The user changes fields of the spec."""
        self.server.update("ModelService", NAME, lambda it: it["spec"].update(spec))
        return self.settle()

    def ask_for(self, version: str) -> "World":
        """The user asks for another version."""
        return self.edit(model={"name": "pd-12m", "version": version})

    def annotate(self, **annotations: str) -> "World":
        """The user annotates the ModelService; names without their prefix."""
        values = {f"springtide.dev/{name}": value for name, value in annotations.items()}
        self.server.update("ModelService", NAME, lambda it: it["metadata"].update(annotations=values))
        return self.settle()

    # What a RetrainPolicy says.

    def crown(self, version: str, *, model: str = "", taken_back: tuple[str, ...] = ()) -> "World":
        """The policy says that the version is its champion. model, taken_back: versions whose bytes are meant."""
        uri = f"s3://artifacts/springtide/models/{model or version}"
        champion = {"version": version, "digest": digest(model or version), "uri": uri, "since": stamp(self.now)}
        quarantined = [{"digest": digest(one), "run": f"{POLICY}-{one}"} for one in taken_back]
        return self.say(champion=champion, quarantined=quarantined)

    def say(self, *, of: str = "pd-12m", **status: Any) -> "World":
        """The policy is there and its status is this. of: the model that it trains."""
        if ("RetrainPolicy", POLICY) not in self.server.objects:
            manifest = {"apiVersion": "springtide.dev/v1alpha1", "kind": "RetrainPolicy", "metadata": {"name": POLICY}}
            self.server.create(manifest | {"spec": {"template": {"model": {"name": of}}}})
        self.server.update("RetrainPolicy", POLICY, lambda it: it.update(status=status))
        return self.settle()

    # What the Jobs do.

    def end(self, result: Manifest, *, exit_code: int = 0) -> "World":
        """The container of the Job that is under way ends so."""
        jobs = {pod["metadata"]["name"] for pod in self.server.all("Pod") if "springtide.dev/model" not in _labels(pod)}
        (pod,) = [name for name in self.waiting_pods if name in jobs]
        controllers.start_container(self.server, pod, now=self.now)
        self.settle()
        controllers.end_container(
            self.server, pod, now=self.now, exit_code=exit_code, reason="", message=json.dumps(result)
        )
        return self.settle()

    def resolve(self, version: str, *, model: str = "") -> "World":
        """The version is found in the registry. model: the version whose bytes it has, another one than itself."""
        found = {
            "name": "team.pd-12m",
            "version": version,
            "digest": digest(model or version),
            "uri": f"s3://artifacts/springtide/models/{model or version}",
        }
        return self.end({"status": "Succeeded", "reason": "Resolved", "model": found})

    def judge(self, outcome: str, *, requests: int = 1000, says: str = "") -> "World":
        """A step's Job ends with a judgement."""
        check = {"name": "errors", "outcome": outcome, "value": 0.5, "message": says or "errors: 0.5, at most 0.01"}
        judgement = {"outcome": outcome, "requests": requests, "weight": 31, "checks": [check]}
        return self.end({"status": "Succeeded", "reason": "Judged", "message": says, "judgement": judgement})

    # What the servers do.

    def start_servers(self, version: str) -> "World":
        """All servers of a version that are there become ready."""
        for pod in self._servers(version):
            controllers.start_container(self.server, pod, now=self.now)
            controllers.set_pod_condition(self.server, pod, "Ready", "True")
        return self.settle()

    def run_servers(self, version: str) -> "World":
        """The containers of a version run, and are not ready."""
        for pod in self._servers(version):
            controllers.set_pod_condition(self.server, pod, "PodScheduled", "True")
            controllers.start_container(self.server, pod, now=self.now)
        return self.settle()

    def wait_for_room(self, version: str, *, says: str) -> "World":
        """No node has room for the servers of a version that do not run yet, in the scheduler's words."""
        for pod in self._servers(version):
            if "containerStatuses" not in self.server.get("Pod", pod)["status"]:
                controllers.set_pod_condition(self.server, pod, "PodScheduled", "False", "Unschedulable", says)
        return self.settle()

    def refuse_to_start(self, version: str, *, reason: str, message: str) -> "World":
        """The servers of a version end with an error that will come again, and are started again by the kubelet."""
        result = json.dumps({"status": "Failed", "reason": reason, "message": message})
        terminated = {"exitCode": 64, "reason": "Error", "message": result, "finishedAt": stamp(self.now)}
        waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
        for pod in self._servers(version):
            name = self.server.get("Pod", pod)["spec"]["containers"][0]["name"]
            ended = {"name": name, "state": waiting, "lastState": {"terminated": terminated}}
            mesh = {"name": "istio-proxy", "state": {"running": {}}}
            status = {"containerStatuses": [mesh, ended]}
            self.server.update("Pod", pod, lambda it, status=status: it["status"].update(status))
        return self.settle()

    def lose_server(self, version: str) -> "World":
        """A server is gone, and another is started for it."""
        pod = self._servers(version)[0]
        self.server.update("Pod", pod, lambda it: it["status"].update(phase="Failed"))
        self.server.delete("Pod", pod)
        return self.settle()

    def _servers(self, version: str) -> list[str]:
        pods = self.server.all("Pod")
        return [pod["metadata"]["name"] for pod in pods if _labels(pod).get("springtide.dev/model") == label(version)]

    # Whole stories.

    def serve(self, version: str) -> "World":
        """The version goes all the way, its steps without a fault."""
        self.resolve(version).start_servers(version)
        while self.candidate.get("phase") == "Canary":
            self.judge("Passed").start_servers(version)
        self.start_servers(version)
        assert self.stable == version
        return self


def _labels(pod: Manifest) -> dict[str, str]:
    labels: dict[str, str] = pod["metadata"]["labels"]
    return labels


def a_service(*, kserve: bool = False, **spec: Any) -> World:
    """A ModelService that was just created. kserve: the cluster has KServe."""
    return World(kserve=kserve).create(**spec)


def a_follower(**spec: Any) -> World:
    """One that serves version 1, the champion of its policy."""
    world = World().crown("1").create(**FOLLOWING | spec)
    return world.start_servers("1")

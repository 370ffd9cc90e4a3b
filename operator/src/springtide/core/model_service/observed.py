"""What is: a ModelService, its servers and what runs them, its Service and its Jobs. Nothing here decides."""

from dataclasses import dataclass, replace

from springtide.api.constants import (
    ANNOTATION_RELEASE,
    CONTAINER,
    KSERVE_CONTAINER,
    LABEL_MODEL,
    LABEL_ROLE,
    LABEL_UID,
    Role,
)
from springtide.api.model_service import ModelServiceSpec, ModelServiceStatus
from springtide.api.platform import Platform
from springtide.api.retrain_policy import Champion, RetrainPolicyStatus
from springtide.core.annotations import annotation
from springtide.core.decision import Manifest
from springtide.core.kind import DEPLOYMENT, INFERENCE_SERVICE, POD_DISRUPTION_BUDGET, SERVICE, Observed, Reference
from springtide.core.model_service.applied import applied_digest
from springtide.core.spec import parse
from springtide.core.workload_job import Parent
from springtide.core.workload_state import Job, Pod, Terminated, jobs_of, newest_pod, owner_uid, pods_of, terminated

_MADE = (DEPLOYMENT, INFERENCE_SERVICE, SERVICE, POD_DISRUPTION_BUDGET)
_API_VERSIONS = {kind.kind: kind.api_version for kind in _MADE}


@dataclass(frozen=True)
class Server:
    """A pod that serves a model.

    model: value of its label. ran: whether its container ever did. ended: how it ended, this time or the time before.
    waiting: why its container does not run, in the kubelet's words.
    """

    name: str
    model: str
    ready: bool
    deleted: bool
    ran: bool
    ended: Terminated | None
    waiting: str


@dataclass(frozen=True)
class Made:
    """An object that we made and may change.

    digest: what it is now, in short; see `applied`. model: whose servers it runs, if it does.
    trouble: why its controller cannot do what it asks for, in that controller's words; of InferenceServices.
    """

    kind: str
    api_version: str
    name: str
    uid: str
    digest: str
    model: str
    trouble: str


@dataclass(frozen=True)
class Policy:
    """The RetrainPolicy that says which version serves.

    model: name of the model that it trains. taken_back: digests of the models that it promoted and took back.
    """

    model: str
    champion: Champion | None
    taken_back: frozenset[str]


@dataclass(frozen=True)
class ObservedService:
    """Everything that a decision about a ModelService may depend on, but for the time.

    released: value of the annotation by which a person ends a quarantine.
    spec: None where it does not parse; `spec_problem` then says why.
    policy: the RetrainPolicy that it names; None where there is none.
    """

    name: str
    namespace: str
    uid: str
    generation: int
    deleting: bool
    released: str | None
    spec: ModelServiceSpec | None
    spec_problem: str
    status: ModelServiceStatus
    jobs: tuple[Job, ...]
    pods: tuple[Pod, ...]
    servers: tuple[Server, ...]
    made: tuple[Made, ...]
    claims: frozenset[str]
    policy: Policy | None
    platform: Platform
    capabilities: frozenset[str]

    @property
    def parent(self) -> Parent:
        """The ModelService, as its children know it."""
        return Parent("ModelService", self.namespace, self.name, self.uid)

    def with_status(self, status: ModelServiceStatus) -> "ObservedService":
        """The same ModelService with another status."""
        return replace(self, status=status)

    def job(self, name: str) -> Job | None:
        """The Job of this name, if it is there."""
        return next((job for job in self.jobs if job.name == name), None)

    def pod(self, job: Job) -> Pod | None:
        """The newest pod of a Job, if there is one."""
        return newest_pod(job, self.pods)

    def servers_of(self, model: str) -> tuple[Server, ...]:
        """The servers of a model that are not going."""
        return tuple(server for server in self.servers if server.model == model and not server.deleted)

    def backend_trouble(self, model: str) -> str:
        """Why KServe makes no servers of a model, if it says so."""
        return next((made.trouble for made in self.made if made.model == model and made.trouble), "")

    def ready(self, model: str) -> int:
        """How many servers of a model are ready."""
        return sum(server.ready for server in self.servers_of(model))


def observe(observed: Observed) -> ObservedService:
    """What the Store holds. A spec that does not parse is told of, not raised."""
    metadata = observed.parent["metadata"]
    spec, problem = parse(ModelServiceSpec, observed.parent.get("spec", {}))
    children = [child for child in observed.children if "gone" not in child]
    servers = [pod for pod in children if pod["kind"] == "Pod" and _is_server(pod, metadata["uid"])]
    others = [
        pod
        for pod in observed.children
        if pod["kind"] != "Pod" or pod["metadata"]["labels"].get(LABEL_ROLE) != Role.SERVER
    ]
    return ObservedService(
        name=metadata["name"],
        namespace=metadata["namespace"],
        uid=metadata["uid"],
        generation=metadata["generation"],
        deleting="deletionTimestamp" in metadata,
        released=annotation(observed.parent, ANNOTATION_RELEASE),
        spec=spec,
        spec_problem=problem,
        status=ModelServiceStatus.model_validate(observed.parent.get("status", {})),
        jobs=jobs_of(observed.parent, others),
        pods=pods_of(observed.parent, others),
        servers=tuple(sorted((_server(pod) for pod in servers), key=lambda server: server.name)),
        made=tuple(sorted((_made(item) for item in children if _is_made(item, metadata["uid"])), key=_key)),
        claims=frozenset(claim["metadata"]["name"] for claim in observed.shared),
        policy=next((_policy(item) for item in observed.references if item["kind"] == "RetrainPolicy"), None),
        platform=observed.platform,
        capabilities=observed.capabilities,
    )


def references(manifest: Manifest) -> tuple[Reference, ...]:
    """What a service names: the RetrainPolicy that says which version serves."""
    ref = (manifest.get("spec", {}).get("versionFrom") or {}).get("retrainPolicyRef") or {}
    return (Reference("RetrainPolicy", ref["name"]),) if ref.get("name") else ()


def _policy(manifest: Manifest) -> Policy:
    status = RetrainPolicyStatus.model_validate(manifest.get("status", {}))
    template = manifest.get("spec", {}).get("template", {})
    return Policy(
        model=template.get("model", {}).get("name", ""),
        champion=status.champion,
        taken_back=frozenset(item.digest for item in status.quarantined),
    )


def _is_server(pod: Manifest, uid: str) -> bool:
    labels = pod["metadata"]["labels"]
    return bool(labels.get(LABEL_ROLE) == Role.SERVER and labels.get(LABEL_UID) == uid)


def _is_made(manifest: Manifest, uid: str) -> bool:
    return manifest["kind"] in _API_VERSIONS and owner_uid(manifest) == uid


def _key(made: Made) -> tuple[str, str]:
    return made.kind, made.name


def _server(manifest: Manifest) -> Server:
    metadata, status = manifest["metadata"], manifest.get("status", {})
    containers = status.get("containerStatuses", ())  # a mesh, or KServe, may add some of its own
    container: Manifest = next((item for item in containers if item["name"] in (CONTAINER, KSERVE_CONTAINER)), {})
    now, before = container.get("state", {}), container.get("lastState", {})
    ended, waiting = now.get("terminated") or before.get("terminated"), now.get("waiting", {})
    conditions = {item["type"]: item for item in status.get("conditions", ())}
    scheduled = conditions.get("PodScheduled", {})
    words = scheduled.get("message", "") if scheduled.get("status") == "False" else ""
    return Server(
        name=metadata["name"],
        model=metadata["labels"].get(LABEL_MODEL, ""),
        ready=conditions.get("Ready", {}).get("status") == "True",
        deleted="deletionTimestamp" in metadata or status.get("phase") in ("Failed", "Succeeded"),
        ran=bool(now.get("running") or ended),
        ended=terminated(ended),
        waiting=words or ": ".join(word for word in (waiting.get("reason"), waiting.get("message")) if word),
    )


def _made(manifest: Manifest) -> Made:
    metadata = manifest["metadata"]
    return Made(
        kind=manifest["kind"],
        api_version=_API_VERSIONS[manifest["kind"]],
        name=metadata["name"],
        uid=metadata["uid"],
        digest=applied_digest(manifest),
        model=metadata.get("labels", {}).get(LABEL_MODEL, ""),
        trouble=_trouble(manifest) if manifest["kind"] == INFERENCE_SERVICE.kind else "",
    )


def _trouble(manifest: Manifest) -> str:
    conditions = manifest.get("status", {}).get("conditions", ())
    predictor: Manifest = next((item for item in conditions if item["type"] == "PredictorReady"), {})
    if predictor.get("status") != "False":
        return ""
    return ": ".join(word for word in (predictor.get("reason"), predictor.get("message")) if word)

"""Files of the artifact store, for people who have a kubeconfig and no key to the store.

A pod reads the file where the platform's own pods can: it has the image, the volumes, the environment and the
restrictions of a Job that the operator made, mounts the store read-only, prints the file into its log and is removed.
What arrives is verified here, by the digest in the object's status.
"""

import base64
import binascii
import contextlib
import hashlib
import json
import zlib
from dataclasses import dataclass

from springtide.api.constants import CONTAINER, LABEL_KIND, LABEL_NAME, LABEL_ROLE, TASK_VARIABLE, ConditionType, Role
from springtide.cli.change import Waiting
from springtide.cli.errors import CommandError, Exit
from springtide.cli.manifest import Manifest, at, condition, items_at, name_of, text_at, whole_at
from springtide.cli.server import Server

PAGES = {"DriftMonitor": "index.html", "RetrainRun": "report.html"}
RECORD_PAGE = "record.html"
STORE_VOLUME = "artifacts"
SCRATCH_VOLUME = "tmp"
DEADLINE_SECONDS = 300
RESOURCES = {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "1Gi"}}
WORKLOADS_ARGS = ["run"]
"""What the Jobs of the platform's own image are started with; a program of a user's does not know `show`."""


@dataclass(frozen=True)
class Published:
    """A folder of the artifact store, by its digest. page: the file in it that a person reads; empty: none."""

    uri: str
    digest: str
    page: str = ""


def published(manifest: Manifest, *, performance: bool = False, record: bool = False) -> Published:
    """The newest folder that an object has published. Raises CommandError if there is none.

    performance: of a monitor, that of the newest measurement by labels instead of that of the newest window.
    record: of a run, what became of it instead of what its challenger was judged by. Of one that ended before it was
    judged, there is nothing else.
    """
    kind, name = text_at(manifest, "kind"), name_of(manifest)
    if record and kind != "RetrainRun":
        raise CommandError(f"a {kind} has no record: only a RetrainRun (rrun) has one", Exit.USAGE)
    match kind:
        case "DriftMonitor":
            field, of = ("measurement", "measured by labels") if performance else ("lastWindow", "judged")
            look = at(manifest, "status", field)
            found = Published(text_at(look, "reportUri"), text_at(look, "reportDigest"), PAGES[kind])
            when = f"once a window was {of}"
        case "RetrainRun":
            evidence, kept = at(manifest, "status", "verdict", "evidence"), at(manifest, "status", "record")
            record = record or (not evidence and bool(kept))
            found = _folder(kept, RECORD_PAGE) if record else _folder(evidence, PAGES[kind])
            when = "soon after it has ended" if record else "once a challenger was judged"
        case "TrainingRun":
            found = _folder(at(manifest, "status", "model"))
            when = "once it has made a model"
        case _:
            message = f"a {kind} publishes no report; DriftMonitors (dmon), RetrainRuns (rrun), TrainingRuns (trun) do"
            raise CommandError(message, Exit.USAGE)
    if found.uri and found.digest:
        return found
    what, why = "record" if record else "report", condition(manifest, ConditionType.RECORDED) if record else {}
    if text_at(why, "status") == "False":
        raise CommandError(f"{kind} {name} has no {what}: {text_at(why, 'message')}", Exit.FAILED)
    raise CommandError(f"{kind} {name} has no {what} yet: there is one {when}", Exit.FAILED)


def _folder(told: Manifest | None, page: str = "") -> Published:
    return Published(text_at(told, "uri"), text_at(told, "digest"), page)


def file_of(place: Published, asked: str) -> str:
    """The file of the folder that is meant: the page, unless another is asked for."""
    if found := asked or place.page:
        return found
    message = "a model has no page: name one of its files by --file, such as metrics.json or plots/roc.png"
    raise CommandError(message, Exit.USAGE)


def fetch(server: Server, manifest: Manifest, place: Published, file: str, *, wait: Waiting) -> bytes:
    """The content of a file of what an object has published, verified. Raises CommandError."""
    pods = f"/api/v1/namespaces/{server.namespace}/pods"
    where = f"in namespace {server.namespace}"
    body = pod(_template(server, manifest), manifest, place=place, file=file)
    made = server.ask("POST", pods, what=f"pods {where}", body=body)
    if made is None:
        raise CommandError(f"there is no namespace {server.namespace}", Exit.NOT_FOUND)
    name = name_of(made)
    wait.tell(f"pod {name} reads {place.uri}/{file}")
    try:
        _finished(server, f"{pods}/{name}", name=name, wait=wait)
        log = server.read(f"{pods}/{name}/log", what=f"pods/log {where}")
    finally:
        with contextlib.suppress(CommandError):  # its deadline ends it, and it goes with the object
            server.ask("DELETE", f"{pods}/{name}", what=f"pods {where}", body={"gracePeriodSeconds": 0})
    return verified(log or b"", place=place, file=file)


def _template(server: Server, manifest: Manifest) -> Manifest:
    """The pod of a Job of the platform's image: of the object itself if there is one, else the namespace's newest."""
    where = f"jobs in namespace {server.namespace}"
    path = f"/apis/batch/v1/namespaces/{server.namespace}/jobs"
    answer = server.ask("GET", path, what=where, verb="list", query={"labelSelector": LABEL_KIND})
    own = (text_at(manifest, "kind"), name_of(manifest))
    jobs = sorted(
        (job for job in items_at(answer, "items") if _is_ours(job, own=own)),
        key=lambda job: (_owner(job) == own, text_at(job, "metadata", "creationTimestamp")),
    )
    if jobs:
        spec: Manifest = at(jobs[-1], "spec", "template", "spec")
        return spec
    message = (
        f"there is no Job of Springtide left in namespace {server.namespace} that tells which image and volume to read"
        " the artifact store with: have something done there, such as"
        f' `kubectl annotate dmon NAME -n {server.namespace} springtide.dev/check="$(date)" --overwrite`, and try again'
    )
    raise CommandError(message, Exit.FAILED)


def _is_ours(job: Manifest, *, own: tuple[str, str]) -> bool:
    """Whether its image is the platform's: that of an attempt may be a user's, but for a recipe of one's own run."""
    if text_at(job, "metadata", "labels", LABEL_ROLE) == Role.ATTEMPT and _owner(job) != own:
        return False
    return bool(at(_container(at(job, "spec", "template", "spec")), "args") == WORKLOADS_ARGS)


def _owner(job: Manifest) -> tuple[str, str]:
    labels = at(job, "metadata", "labels")
    return str(at(labels, LABEL_KIND)), str(at(labels, LABEL_NAME))


def _container(spec: Manifest | None) -> Manifest:
    return next((item for item in items_at(spec, "containers") if text_at(item, "name") == CONTAINER), {})


def pod(template: Manifest, manifest: Manifest, *, place: Published, file: str) -> Manifest:
    """The pod that prints a file: as restricted as the template, with less to use and to reach."""
    container = _container(template)
    volumes = [
        item for item in items_at(template, "volumes") if text_at(item, "name") in (STORE_VOLUME, SCRATCH_VOLUME)
    ]
    mounts = [
        item | ({"readOnly": True} if text_at(item, "name") == STORE_VOLUME else {})
        for item in items_at(container, "volumeMounts")
        if text_at(item, "name") in (STORE_VOLUME, SCRATCH_VOLUME)
    ]
    reader = container | {
        "args": ["show", place.uri, file, "--digest", place.digest],
        "env": [item for item in items_at(container, "env") if text_at(item, "name") != TASK_VARIABLE],
        "resources": RESOURCES,
        "volumeMounts": mounts,
    }
    owner = {
        "apiVersion": text_at(manifest, "apiVersion"),
        "kind": text_at(manifest, "kind"),
        "name": name_of(manifest),
        "uid": text_at(manifest, "metadata", "uid"),
    }
    metadata = {
        "generateName": f"{name_of(manifest)}-report-",
        "labels": {"app.kubernetes.io/managed-by": "kubectl-springtide"},
        "ownerReferences": [owner],
    }
    spec = template | {
        "containers": [reader],
        "volumes": volumes,
        "restartPolicy": "Never",
        "activeDeadlineSeconds": DEADLINE_SECONDS,
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _finished(server: Server, path: str, *, name: str, wait: Waiting) -> None:
    """Wait until the pod has printed all of it."""
    deadline, said = wait.clock() + wait.seconds, ""
    while True:
        found = server.ask("GET", path, what=f"pods in namespace {server.namespace}")
        if found is None:
            raise CommandError(f"pod {name} was deleted before it had printed the file: try again", Exit.FAILED)
        phase = text_at(found, "status", "phase")
        if phase == "Succeeded":
            return
        if phase == "Failed":
            raise CommandError(f"pod {name} could not read the file: {_failure(found)}", Exit.FAILED)
        words = _held_up(found)
        if words and words != said:
            wait.tell(words)
            said = words
        if wait.clock() > deadline:
            last = f"; last: {said}" if said else ""
            message = f"pod {name} was waited for {wait.seconds:.0f} s{last}; wait longer with --timeout"
            raise CommandError(message, Exit.TIMED_OUT)
        wait.sleep(0.5)


def _held_up(found: Manifest) -> str:
    """Why a pod does not run yet, in the words of the scheduler or of its node."""
    for item in items_at(found, "status", "containerStatuses"):
        waiting = at(item, "state", "waiting")
        if waiting and text_at(waiting, "reason") not in ("ContainerCreating", "PodInitializing"):
            return f"{text_at(waiting, 'reason')}: {text_at(waiting, 'message')}"
    scheduled = condition(found, "PodScheduled")
    if text_at(scheduled, "status") == "False":
        return f"{text_at(scheduled, 'reason')}: {text_at(scheduled, 'message')}"
    return ""


def _failure(found: Manifest) -> str:
    """What went wrong in the pod: its result says it, unless its image is too old to have one."""
    ended = at(next(iter(items_at(found, "status", "containerStatuses")), None), "state", "terminated")
    message, image = text_at(ended, "message"), text_at(_container(at(found, "spec")), "image")
    with contextlib.suppress(ValueError):
        message = text_at(json.loads(message), "message") or message
    if not message and whole_at(ended, "exitCode") == Exit.USAGE:
        return f"the image {image} does not know `show`: it is older than this command"
    return message or text_at(ended, "reason") or text_at(found, "status", "message") or "its node says nothing"


def verified(log: bytes, *, place: Published, file: str) -> bytes:
    """The file in the lines that a pod printed (`springtide-workloads show`), if it is what its digest says."""
    parts: dict[bytes, list[bytes]] = {b"manifest": [], b"file": []}
    ended = False
    for line in log.splitlines():
        mark, _, rest = line.partition(b":")
        part, _, content = rest.partition(b":")
        if mark == b"springtide" and part in parts:
            parts[part].append(content)
        ended = ended or line == b"springtide:end"
    if not ended:
        raise CommandError(f"the log of the pod with {file} broke off: try again", Exit.FAILED)
    try:
        manifest, packed = (b"".join(base64.b64decode(line, validate=True) for line in parts[part]) for part in parts)
        listed = items_at(json.loads(manifest), "files")
        expected = next((item for item in listed if text_at(item, "name") == file), None)
        content = _unpacked(packed, size=whole_at(expected, "size") or 0)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise CommandError(f"the log of the pod with {file} is damaged: {error}; try again", Exit.FAILED) from error
    if _digest(manifest) != place.digest or _digest(content) != text_at(expected, "sha256"):
        message = (
            f"{place.uri}/{file} did not arrive as it was published: the status says {place.digest}, the manifest has"
            f" {_digest(manifest)}"
        )
        raise CommandError(message, Exit.FAILED)
    return content


def _unpacked(packed: bytes, *, size: int) -> bytes:
    """As much as the manifest says and a byte more: a damaged file is told by its digest, not by what it swells to."""
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(packed, size + 1)


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def save_name(manifest: Manifest, file: str) -> str:
    """How a file is called where no name was given, such as `pd-1-report.html` or `pd-1-record.html`."""
    is_page = file == PAGES.get(text_at(manifest, "kind"))
    return f"{name_of(manifest)}-{'report.html' if is_page else file.rpartition('/')[2]}"

"""The local cluster as tests see it: namespaces of their own, documents, and waiting with a deadline.

Everything goes through `kubectl`, as it would for a person. What a wait gives up on, it prints.
"""

import copy
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

CACHE = Path(os.environ.get("SPRINGTIDE_CACHE") or Path.home() / ".cache" / "springtide")
REPOSITORY = Path(__file__).resolve().parents[2]
SYSTEM = "springtide-system"
PUBLISHED_IMAGE = "springtide/workloads:0.1.0"
"""What the examples name; the local cluster has the image that `make images` pushed last."""
LOOK_EVERY_SECONDS = 0.3

Document = dict[str, Any]
T = TypeVar("T")


class CommandError(AssertionError):
    """A command failed; the text is what it said."""


def command(*arguments: str, stdin: str | None = None, seconds: float = 120) -> str:
    """What a command prints, with the local cluster's kubeconfig and programs and our own. Raises CommandError."""
    programs = (str(CACHE / "bin"), str(Path(sys.executable).parent), os.environ["PATH"])
    environment = os.environ | {
        "KUBECONFIG": str(CACHE / "kubeconfig"),
        "PATH": os.pathsep.join(programs),
        "COLUMNS": "250",  # a digest on a line of its own
    }
    done = subprocess.run(
        arguments, env=environment, input=stdin, capture_output=True, text=True, check=False, timeout=seconds
    )
    if done.returncode:
        raise CommandError(f"{' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def workloads_image() -> str:
    """The image of the recipes in the local cluster's registry."""
    lines = (CACHE / "images.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)["WORKLOADS_IMAGE"]


def example(name: str) -> list[Document]:
    """The documents of an example, with an image that this cluster has."""
    text = (REPOSITORY / "examples" / name).read_text().replace(PUBLISHED_IMAGE, workloads_image())
    return list(yaml.safe_load_all(text))


def wait_for(look: Callable[[], T | None], *, what: str, seconds: float, state: Callable[[], str]) -> T:
    """What `look` finds, as soon as it finds something. Giving up, it says what it waited for, and the last state."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:.0f} s for {what}; the last state:\n{state()}")
        time.sleep(LOOK_EVERY_SECONDS)


@dataclass(frozen=True)
class Resource:
    """An object of ours as it was read."""

    document: Document

    @property
    def status(self) -> Document:
        return dict(self.document.get("status", {}))

    @property
    def conditions(self) -> dict[str, Document]:
        return {condition["type"]: condition for condition in self.status.get("conditions", ())}

    @property
    def ready(self) -> str:
        return str(self.conditions.get("Ready", {}).get("status", ""))

    @property
    def reason(self) -> str:
        return str(self.conditions.get("Ready", {}).get("reason", ""))

    @property
    def message(self) -> str:
        return str(self.conditions.get("Ready", {}).get("message", ""))


class Run(Resource):
    """A TrainingRun."""

    @property
    def has_ended(self) -> bool:
        return "completionTime" in self.status

    @property
    def failures(self) -> tuple[int, int]:
        """(infrastructure, user)"""
        failures = self.status.get("failures", {})
        return failures.get("infrastructure", 0), failures.get("user", 0)

    @property
    def endings(self) -> list[str]:
        """How each attempt ended, in order."""
        return [attempt.get("reason", "") for attempt in self.status.get("attempts", ())]


@dataclass(frozen=True)
class Namespace:
    """A namespace of the local cluster."""

    name: str

    def kubectl(self, *arguments: str, stdin: str | None = None, seconds: float = 120) -> str:
        """See `command`."""
        return command("kubectl", "--namespace", self.name, *arguments, stdin=stdin, seconds=seconds)

    def springtide(self, *arguments: str, seconds: float = 240) -> str:
        """What `kubectl springtide` prints. Raises CommandError, as where an outcome is not good."""
        return command("kubectl", "springtide", *arguments, "--namespace", self.name, seconds=seconds)

    def apply(self, *documents: Document) -> None:
        """All documents at once."""
        self.kubectl(
            "apply", "--filename", "-", stdin=json.dumps({"kind": "List", "apiVersion": "v1", "items": documents})
        )

    def read(self, *arguments: str) -> Any:
        """What `kubectl get` finds."""
        return json.loads(self.kubectl("get", *arguments, "--output", "json"))

    def runs(self) -> dict[str, Run]:
        """All TrainingRuns by name."""
        return {item["metadata"]["name"]: Run(item) for item in self.read("trainingruns")["items"]}

    def run(self, name: str) -> Run:
        """One TrainingRun."""
        return Run(self.read("trainingrun", name))

    def wait_for_dataset(
        self, name: str, until: Callable[[Resource], bool], *, what: str, seconds: float = 90
    ) -> Resource:
        """The Dataset, once `until` holds of it."""
        return self._wait_for_object("dataset", name, until, what=what, seconds=seconds)

    def wait_for_service(
        self, name: str, until: Callable[[Resource], bool], *, what: str, seconds: float = 120
    ) -> Resource:
        """The ModelService, once `until` holds of it."""

        def holds(service: Resource) -> bool:
            return bool(service.conditions) and until(service)

        return self._wait_for_object("modelservice", name, holds, what=what, seconds=seconds)

    def wait_for_monitor(
        self, name: str, until: Callable[[Resource], bool], *, what: str, seconds: float = 120
    ) -> Resource:
        """The DriftMonitor, once `until` holds of it."""
        return self._wait_for_object("driftmonitor", name, until, what=what, seconds=seconds)

    def wait_for_policy(
        self, name: str, until: Callable[[Resource], bool], *, what: str, seconds: float = 180
    ) -> Resource:
        """The RetrainPolicy, once `until` holds of it."""
        return self._wait_for_object("retrainpolicy", name, until, what=what, seconds=seconds)

    def wait_for_retrain_run(
        self, name: str, until: Callable[[Resource], bool], *, what: str, seconds: float = 120
    ) -> Resource:
        """The RetrainRun, once `until` holds of it."""
        return self._wait_for_object("retrainrun", name, until, what=what, seconds=seconds)

    def _wait_for_object(
        self, kind: str, name: str, until: Callable[[Resource], bool], *, what: str, seconds: float
    ) -> Resource:
        def look() -> Resource | None:
            found = Resource(self.read(kind, name))
            return found if until(found) else None

        return wait_for(look, what=f"{name} {what}", seconds=seconds, state=lambda: self.state(name, kind=kind))

    def children(self, kind: str, run: str) -> list[Document]:
        """Jobs or pods of a run."""
        return list(self.read(kind, "--selector", f"springtide.dev/name={run}")["items"])

    def pod_of(self, run: str, *, attempt: int = 1) -> str:
        """Name of the pod of an attempt."""
        selector = f"springtide.dev/name={run},springtide.dev/role=attempt,springtide.dev/attempt={attempt}"
        return str(self.read("pods", "--selector", selector)["items"][0]["metadata"]["name"])

    def wait_for_run(self, name: str, until: Callable[[Run], bool], *, what: str, seconds: float = 120) -> Run:
        """The run, once `until` holds of it."""

        def look() -> Run | None:
            run = self.run(name)
            return run if until(run) else None

        return wait_for(look, what=f"{name} {what}", seconds=seconds, state=lambda: self.state(name))

    def wait_for_reason(self, name: str, reason: str, *, seconds: float = 120) -> Run:
        """The run, once Ready has this reason; an end of another kind is not waited for."""
        run = self.wait_for_run(
            name, lambda run: run.reason == reason or run.has_ended, what=f"to be {reason}", seconds=seconds
        )
        assert run.reason == reason, f"{name} is {run.reason}: {run.message}\n{self.state(name)}"
        return run

    def wait_for_end(self, name: str, *, seconds: float = 240) -> Run:
        """The run, once it has ended, for good or ill."""
        return self.wait_for_run(name, lambda run: run.has_ended, what="to end", seconds=seconds)

    def wait_until_gone(self, kind: str, run: str, *, seconds: float = 60) -> None:
        """No Jobs or pods of a run are left."""
        wait_for(
            lambda: not self.children(kind, run), what=f"{kind} of {run} to be gone", seconds=seconds,
            state=lambda: self.kubectl("get", kind, "--selector", f"springtide.dev/name={run}", "--output", "wide"),
        )  # fmt: skip

    def wait_until_stopped(self, run: str, *, seconds: float = 60) -> None:
        """No pod of a run is under way, whatever is left of it."""

        def look() -> bool:
            return all(pod["status"]["phase"] in ("Succeeded", "Failed") for pod in self.children("pods", run))

        wait_for(look, what=f"the pods of {run} to end", seconds=seconds, state=lambda: self.state(run))

    def state(self, run: str, *, kind: str = "trainingrun") -> str:
        """An object with all that belongs to it, for a person who has to find out what went wrong."""
        selector = f"springtide.dev/name={run}"
        parts = [
            self.kubectl("get", kind, run, "--output", "yaml"),
            self.kubectl("get", "jobs,pods", "--selector", selector, "--output", "wide"),
            self.kubectl("get", "events", "--sort-by", ".lastTimestamp")[-3000:],
        ]
        try:
            parts.append(self.kubectl("logs", "--selector", selector, "--tail", "10", "--prefix"))
        except CommandError as error:
            parts.append(str(error))
        return "\n".join(parts)


def make_namespace(purpose: str) -> Namespace:
    """A new one, in which nothing but restricted pods may run. No name comes twice: MLflow keeps the models of each."""
    name = f"test-{purpose}-{uuid.uuid4().hex[:6]}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted", "springtide.test/namespace": "true"}
    namespace = Namespace(name)
    namespace.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    return namespace


def a_run(name: str, **spec: Any) -> Document:
    """A TrainingRun over the census on the volume of `Team`; small, quick, and the same as examples otherwise."""
    document: Document = {
        "apiVersion": "springtide.dev/v1alpha1",
        "kind": "TrainingRun",
        "metadata": {"name": name},
        "spec": {
            "model": {"name": "employment"},
            "data": {"source": {"volume": {"claimName": "census", "path": "employment-census"}}},
            "recipe": {"name": "gbdt", "parameters": {"numRounds": 20}},
            "target": {"column": "employed"},
            "features": {"exclude": ["person_id"]},
            "resources": {"requests": {"cpu": "200m", "memory": "256Mi"}, "limits": {"cpu": "1", "memory": "2Gi"}},
        },
    }
    document["spec"] |= copy.deepcopy(spec)
    return document


def a_program(name: str, program: str, **spec: Any) -> Document:
    """A TrainingRun of a shell program; it may use Python.

    `succeed` answers well, first to the store and then to Kubernetes; `hold` waits until it is told to go on (see
    `release`), or to stop.
    """
    small = {"requests": {"cpu": "20m", "memory": "16Mi"}, "limits": {"memory": "256Mi"}}
    container = {"image": workloads_image(), "command": ["sh", "-c"], "args": [_PRELUDE + program]}
    document = a_run(name, **{"container": container, "resources": small, **spec})
    for recipe_only in ("recipe", "features", "target"):
        del document["spec"][recipe_only]
    return document


_PRELUDE = """
succeed() {
  answer='{"status":"Succeeded","reason":"Succeeded","message":"done","metrics":{"auc":0.75}}'
  place=$(echo "$SPRINGTIDE_TASK" | sed 's#.*"resultUri":"file://\\([^"]*\\)".*#\\1#')
  if [ "${place#/}" != "$place" ]; then mkdir -p "$(dirname "$place")"; echo "$answer" >"$place"; fi
  echo "$answer" >/dev/termination-log
  exit 0
}
hold() { trap 'exit 143' TERM; until [ -e /tmp/go ]; do sleep 0.1; done; }
attempt=$(echo "$SPRINGTIDE_TASK" | sed 's#.*"attempt":\\([0-9]*\\).*#\\1#')
"""

HELD = "hold; succeed"
HELD_ONCE = '[ "$attempt" != 1 ] || hold; succeed'
"""The first attempt holds, the next ones succeed at once."""


def release(namespace: Namespace, run: str, *, attempt: int = 1) -> None:
    """Let the program of a run that holds go on."""
    namespace.kubectl("exec", namespace.pod_of(run, attempt=attempt), "--", "touch", "/tmp/go")  # noqa: S108

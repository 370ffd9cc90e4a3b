"""The cluster, through `kubectl`: the demo does nothing that a person could not type."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import yaml
from tell import DemoError, command

REPOSITORY = Path(__file__).resolve().parents[2]
NAMESPACE = "springtide-demo"
SYSTEM = "springtide-system"
TYPED = f"kubectl -n {NAMESPACE}"
"""How a person begins the commands that the demo shows."""
CACHE = Path(os.environ.get("SPRINGTIDE_CACHE") or Path.home() / ".cache" / "springtide")
ENVIRONMENT = os.environ | {
    "KUBECONFIG": str(CACHE / "kubeconfig"),
    "PATH": os.pathsep.join([str(CACHE / "bin"), str(REPOSITORY / ".venv" / "bin"), os.environ["PATH"]]),
}
PUBLISHED_IMAGE = "springtide/workloads:0.1.0"


def kubectl(*arguments: str, namespace: str = NAMESPACE, stdin: str | None = None, show: str | None = None) -> str:
    """What the command prints. Raises DemoError with what it complained about.

    show: the command as a person would type it, printed first.
    """
    if show:
        command(show)
    return _run(["kubectl", "--namespace", namespace, *arguments], stdin=stdin)


def springtide(*arguments: str) -> str:
    """What `kubectl springtide` prints, which is shown as it is. Flags cannot come before a plugin's name."""
    line = ["kubectl", "springtide", *arguments, "--namespace", NAMESPACE]
    command(" ".join(line))
    return _run(line, stdin=None, COLUMNS="170")


def workloads(*arguments: str) -> str:
    """What `springtide-workloads` prints on this machine; the command is shown."""
    line = ["springtide-workloads", *arguments]
    command(" ".join(line))
    return _run(line, stdin=None)


def typed(*arguments: str) -> str:
    """The same for a command that is shown as it is."""
    return kubectl(*arguments, show=f"{TYPED} {' '.join(_quoted(one) for one in arguments)}")


def read(*arguments: str, namespace: str = NAMESPACE) -> Any:
    """What `kubectl get` finds, as JSON."""
    return json.loads(kubectl("get", *arguments, "--output", "json", namespace=namespace))


def apply(documents: list[dict[str, Any]], *, namespace: str = NAMESPACE, show: str | None = None) -> None:
    """Apply documents."""
    kubectl("apply", "--filename", "-", namespace=namespace, stdin=yaml.safe_dump_all(documents), show=show)


def example(path: Path) -> list[dict[str, Any]]:
    """The documents of an example, with the image that `make images` pushed in place of the published one."""
    return list(yaml.safe_load_all(path.read_text().replace(PUBLISHED_IMAGE, workloads_image())))


def workloads_image() -> str:
    """The image that `make images` pushed last."""
    try:
        lines = (CACHE / "images.env").read_text().splitlines()
    except OSError as error:
        raise DemoError(f"{error.filename} cannot be read: run `make demo`, which builds the images first") from error
    return dict(line.split("=", 1) for line in lines)["WORKLOADS_IMAGE"]


def _run(line: list[str], *, stdin: str | None, **environment: str) -> str:
    done = subprocess.run(line, env=ENVIRONMENT | environment, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DemoError(f"{' '.join(line)} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def _quoted(argument: str) -> str:
    return f"'{argument}'" if set(argument) & set(' {}[]"$&|;*') else argument

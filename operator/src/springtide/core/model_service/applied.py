"""Has an object that we made to be made again? Asked without comparing defaults that the API server filled in.

A digest of what we asked for is kept on the object. What somebody else may have changed since and that requests
depend on (`core.foreign`) is compared as it is.
"""

import hashlib
import json
from typing import Any

from springtide.api.constants import GROUP
from springtide.core.decision import Manifest
from springtide.core.foreign import changeable

ANNOTATION = f"{GROUP}/applied"


def signed(manifest: dict[str, Any], *, by: Manifest | None = None) -> dict[str, Any]:
    """The manifest with its digest. by: what the digest is of; None: the manifest."""
    annotations = manifest["metadata"].get("annotations", {}) | {ANNOTATION: _digest(by or manifest)}
    return manifest | {"metadata": manifest["metadata"] | {"annotations": annotations}}


def applied_digest(manifest: Manifest) -> str:
    """The digest that an observed object had, and has no more if what matters was changed by somebody else."""
    said = str(manifest["metadata"].get("annotations", {}).get(ANNOTATION, ""))
    return f"{said} {_vital(manifest)}"


def wanted_digest(manifest: Manifest) -> str:
    """What `applied_digest` says of an object that is as this manifest asks."""
    return applied_digest(manifest)


def _vital(manifest: Manifest) -> str:
    return json.dumps(changeable(manifest["kind"], manifest.get("spec", {})), sort_keys=True)


def _digest(manifest: Manifest) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()[:16]

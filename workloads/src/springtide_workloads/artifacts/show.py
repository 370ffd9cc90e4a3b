"""A file of a published folder, as lines of text: what a pod's log carries to a person who has a kubeconfig only.

springtide:manifest:<base64>    the folder's manifest
springtide:file:<base64>        the file, compressed by gzip
springtide:end

There may be many lines of each; what follows the second colon is put together. The reader verifies: the manifest by
the digest that it knows, the file by the manifest.
"""

import base64
import gzip
from collections.abc import Iterator

from springtide.api.constants import Reason

from springtide_workloads.artifacts.digests import digest_of
from springtide_workloads.artifacts.manifest import MANIFEST, File, Manifest
from springtide_workloads.artifacts.store import decode_manifest, open_folder
from springtide_workloads.errors import WorkloadError, storage_errors

LINE_BYTES = 6 << 10
"""Of content in a line: container runtimes split lines beyond 16 KiB."""
LOG_BYTES = 9 << 20
"""Kubelets begin a new log at 10 MiB, and hand out the newest only."""
FILE_BYTES = 256 << 20
"""It is held in memory."""


def show(uri: str, *, digest: str, name: str) -> Iterator[str]:
    """The lines. Raises WorkloadError where the folder or the file is not what it should be, or is too large."""
    folder = open_folder(uri)
    with storage_errors(uri, missing=Reason.ACCESS_DENIED):
        text = folder.read(MANIFEST)
    manifest = decode_manifest(text, digest=digest, place=uri)
    file = _file_of(manifest, name=name, uri=uri)
    with storage_errors(uri, missing=Reason.DIGEST_MISMATCH):
        content = folder.read(name)
    if digest_of(content) != file.sha256:
        raise WorkloadError(
            Reason.DIGEST_MISMATCH, f"{uri}/{name} has {digest_of(content)}, but the manifest says {file.sha256}"
        )
    packed = gzip.compress(content, mtime=0)
    if len(packed) * 4 // 3 > LOG_BYTES:
        raise WorkloadError(Reason.INVALID_PARAMETER, f"{uri}/{name} {_TOO_LARGE}")
    yield from _lines("manifest", text)
    yield from _lines("file", packed)
    yield "springtide:end"


_TOO_LARGE = "is too large for the log of a pod; copy it from the artifact store"


def _file_of(manifest: Manifest, *, name: str, uri: str) -> File:
    found = next((file for file in manifest.files if file.name == name), None)
    if found is None:
        names = ", ".join(file.name for file in manifest.files[:20])
        raise WorkloadError(Reason.INVALID_PARAMETER, f"there is no {name} in {uri}; there are {names}")
    if found.size > FILE_BYTES:
        raise WorkloadError(Reason.INVALID_PARAMETER, f"{uri}/{name} {_TOO_LARGE}")
    return found


def _lines(part: str, content: bytes) -> Iterator[str]:
    for start in range(0, len(content), LINE_BYTES):
        yield f"springtide:{part}:{base64.b64encode(content[start : start + LINE_BYTES]).decode()}"

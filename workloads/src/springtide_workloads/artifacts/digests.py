"""Digests of bytes, files and documents."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

BLOCK = 1 << 20


def digest_of(data: bytes) -> str:
    """`sha256:` and 64 hexadecimal digits."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def digest_of_stream(stream: BinaryIO, *, sink: Callable[[bytes], object] | None = None) -> tuple[str, int]:
    """Digest and size of what is left of `stream`, read block by block; each block also goes to `sink`."""
    sha, size = hashlib.sha256(), 0
    while block := stream.read(BLOCK):
        sha.update(block)
        size += len(block)
        if sink is not None:
            sink(block)
    return f"sha256:{sha.hexdigest()}", size


def digest_of_file(path: Path) -> tuple[str, int]:
    """Digest and size of a local file."""
    with path.open("rb", buffering=0) as stream:
        return digest_of_stream(stream)


def canonical(document: Any) -> bytes:
    """JSON that is equal for equal content: sorted keys, no spaces, no NaN."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()

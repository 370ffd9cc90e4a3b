"""`manifest.json`: what a folder holds. Its digest is the folder's name."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from springtide.api.base import ApiModel, Digest

from springtide_workloads.artifacts.digests import canonical, digest_of, digest_of_file

MANIFEST = "manifest.json"
Kind = Literal["Data", "Model", "Report", "Evidence", "Record"]


class File(ApiModel):
    """One file: its name relative to the folder, its size in bytes, its digest."""

    name: str
    size: int
    sha256: Digest


class Column(ApiModel):
    """One column of a table: its name and its Arrow type."""

    name: str
    type: str


class Input(ApiModel):
    """What the content was made from."""

    name: str
    digest: Digest


class Manifest(ApiModel):
    """The content of a folder. Equal content has an equal manifest: nothing of when, where or by whom is in it."""

    kind: Kind
    files: tuple[File, ...]
    table_schema: tuple[Column, ...] = Field(default=(), alias="schema")
    inputs: tuple[Input, ...] = ()

    def encode(self) -> bytes:
        """The document, byte for byte equal for equal content."""
        return canonical(self.to_wire())

    @property
    def digest(self) -> str:
        """The name of the folder."""
        return digest_of(self.encode())

    @property
    def size(self) -> int:
        """Bytes in all files."""
        return sum(file.size for file in self.files)


def describe_folder(folder: Path, *, kind: Kind, schema: tuple[Column, ...], inputs: tuple[Input, ...]) -> Manifest:
    """The manifest of all files below a local folder, but for an older manifest of its own."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    files = []
    for path in paths:
        sha256, size = digest_of_file(path)
        files.append(File(name=path.relative_to(folder).as_posix(), size=size, sha256=sha256))
    return Manifest(kind=kind, files=tuple(files), table_schema=schema, inputs=inputs)

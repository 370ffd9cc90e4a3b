"""Where data lies and what its columns are called: what several kinds say in the same words."""

from typing import Annotated, ClassVar

from pydantic import Field

from springtide.api.base import ApiModel, ObjectName, Rule, Rules

ColumnName = Annotated[str, Field(min_length=1, max_length=128)]

NO_PARENT_FOLDER = Rule("!self.contains('..')", "a path must not contain '..'")


class Volume(ApiModel):
    """A folder on a PersistentVolumeClaim of the namespace, mounted read-only."""

    claim_name: Annotated[ObjectName, Field(description="The PersistentVolumeClaim.")]
    path: Annotated[
        str,
        Field(
            max_length=512,
            pattern=r"^[^/].*$",
            description="Files on it: a Parquet file, a folder of them, or a glob. Relative to the volume's root.",
        ),
        Rules(NO_PARENT_FOLDER),
    ] = "."


class Source(ApiModel):
    """Where data lies: exactly one of `uri` and `volume`."""

    RULES: ClassVar = (
        Rule(
            "has(self.uri) != has(self.volume)",
            "exactly one of uri and volume must be set",
            reason="FieldValueRequired",
        ),
    )

    uri: Annotated[
        str | None,
        Field(
            max_length=1024,
            pattern=r"^(s3|file)://.+$",
            description="A Parquet file, a folder of them, or a glob: `s3://...`, or `file:///...` on a volume.",
        ),
    ] = None
    volume: Annotated[Volume | None, Field(description="Files on a volume of the cluster.")] = None


class DatasetRef(ApiModel):
    """A Dataset of the same namespace, by name."""

    name: Annotated[ObjectName, Field(description="Name of the Dataset.")]

"""The platform's settings: what the chart decides once for all runs. The operator reads them from one file at start."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from springtide.api.base import ApiModel, ObjectName, Quantity
from springtide.api.workload import EnvironmentVariable, Resources


class ArtifactVolume(ApiModel):
    """The PersistentVolumeClaim behind a `file://` artifact store; one in each namespace that has runs."""

    claim_name: ObjectName = "springtide-artifacts"
    mount_path: str = "/artifacts"
    size: Quantity = "10Gi"
    storage_class_name: ObjectName | None = None
    access_mode: Literal["ReadWriteOnce", "ReadWriteMany"] = "ReadWriteOnce"


class Platform(ApiModel):
    """Settings of one installation. Unknown fields are refused: a misspelt setting must not be a silent default."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    workloads_image: Annotated[str, Field(description="Image of the recipes, best by digest.")]
    image_pull_policy: Literal["IfNotPresent", "Always", "Never"] = "IfNotPresent"
    artifacts_uri: Annotated[str, Field(pattern=r"^(s3|file)://.+$", description="Root of the artifact store.")] = (
        "file:///artifacts"
    )
    artifacts_volume: Annotated[
        ArtifactVolume | None, Field(description="Volume of a `file://` store; the operator creates a missing claim.")
    ] = ArtifactVolume()
    tracking_uri: Annotated[str, Field(description="MLflow, as workloads reach it.")]
    env: Annotated[tuple[EnvironmentVariable, ...], Field(description="Plain values in all workload containers.")] = ()
    env_from_secrets: Annotated[
        tuple[ObjectName, ...],
        Field(description="Secrets of the run's namespace, as environment; missing ones are skipped."),
    ] = ()
    resources: Annotated[Resources, Field(description="Of a training container that says nothing itself.")] = Resources(
        requests={"cpu": "500m", "memory": "1Gi"}, limits={"memory": "4Gi"}
    )
    scratch_size: Annotated[Quantity, Field(description="Limit of /tmp in a workload pod.")] = "10Gi"
    priority_class_name: ObjectName | None = None
    job_ttl_seconds: Annotated[int, Field(ge=3600, description="How long ended Jobs, and so their logs, stay.")] = (
        604_800
    )
    start_grace_seconds: Annotated[
        int, Field(ge=1, description="How long an image that cannot be pulled is waited for before the run fails.")
    ] = 600
    namespaces: Annotated[tuple[ObjectName, ...], Field(description="What is watched; empty: all namespaces.")] = ()
    workers: Annotated[int, Field(ge=1, le=64, description="Objects that are worked on at once.")] = 8
    resync_seconds: Annotated[int, Field(ge=10, description="Between two full comparisons with the API server.")] = 300
    lease_namespace: ObjectName = "springtide-system"

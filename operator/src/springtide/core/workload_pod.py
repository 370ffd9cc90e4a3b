"""The pod that every workload runs in: the restricted Pod Security Standard and a little more.

Non-root, a read-only root file system, no capabilities, no service-account token, no service links. What may be
written is /tmp, and the artifact store where that is a volume.
"""

from dataclasses import dataclass
from typing import Any

from springtide.api.constants import CONTAINER
from springtide.api.platform import Platform
from springtide.api.workload import Overrides, Resources

USER = 10001
SOURCE_MOUNT = "/data/source"


@dataclass(frozen=True)
class Program:
    """What runs in the pod.

    termination_message: FallbackToLogsOnError for programs that may not know our contract.
    """

    image: str
    command: tuple[str, ...] | None
    args: tuple[str, ...] | None
    env: dict[str, str]
    termination_message: str = "File"


def pod_spec(
    program: Program,
    *,
    platform: Platform,
    resources: Resources,
    overrides: Overrides,
    source_claim: str | None = None,
) -> dict[str, Any]:
    """The pod of a workload.

    source_claim: a PersistentVolumeClaim to read from, mounted at `SOURCE_MOUNT`.
    """
    volumes = _volumes(platform=platform, overrides=overrides, source_claim=source_claim)
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 30,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            _container(program, platform=platform, resources=resources, overrides=overrides, volumes=volumes)
        ],
        "volumes": [volume for volume, _ in volumes],
        "nodeSelector": overrides.node_selector,
        "tolerations": [toleration.to_wire() for toleration in overrides.tolerations],
        "priorityClassName": overrides.priority_class_name or platform.priority_class_name,
        "runtimeClassName": overrides.runtime_class_name,
        "serviceAccountName": overrides.service_account_name,
    }
    return {key: value for key, value in spec.items() if value not in (None, {}, [])}


def _container(
    program: Program,
    *,
    platform: Platform,
    resources: Resources,
    overrides: Overrides,
    volumes: list[tuple[dict[str, Any], dict[str, Any]]],
) -> dict[str, Any]:
    # Later entries win: what the task needs may not be overridden.
    env = {variable.name: variable.value for variable in (*platform.env, *overrides.env)}
    env |= {"HOME": "/tmp", **program.env}  # noqa: S108  # an emptyDir of this pod
    secrets = [{"secretRef": {"name": name, "optional": True}} for name in platform.env_from_secrets]
    secrets += [source.to_wire() for source in overrides.env_from]
    container: dict[str, Any] = {
        "name": CONTAINER,
        "image": program.image,
        "imagePullPolicy": platform.image_pull_policy,
        "command": list(program.command or ()),
        "args": list(program.args or ()),
        "env": [{"name": name, "value": value} for name, value in env.items()],
        "envFrom": secrets,
        "resources": resources.to_wire(),
        "terminationMessagePolicy": program.termination_message,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [mount for _, mount in volumes],
    }
    return {key: value for key, value in container.items() if value not in ({}, [])}


def _volumes(
    *, platform: Platform, overrides: Overrides, source_claim: str | None
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Pairs of a volume and its mount."""
    scratch = {"name": "tmp", "emptyDir": {"sizeLimit": platform.scratch_size}}
    volumes = [(scratch, {"name": "tmp", "mountPath": "/tmp"})]  # noqa: S108  # an emptyDir of this pod
    if platform.artifacts_volume:
        store = platform.artifacts_volume
        volumes.append(_claim("artifacts", store.claim_name, store.mount_path, read_only=False))
    if source_claim:
        volumes.append(_claim("source", source_claim, SOURCE_MOUNT, read_only=True))
    volumes += [
        _claim(f"volume-{index}", volume.claim_name, volume.mount_path, read_only=volume.read_only)
        for index, volume in enumerate(overrides.volumes)
    ]
    return volumes


def _claim(name: str, claim: str, path: str, *, read_only: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    # Read-only on the mount alone: a claim that two volumes of a pod name must not differ in it.
    mount: dict[str, Any] = {"name": name, "mountPath": path}
    if read_only:
        mount["readOnly"] = True
    return {"name": name, "persistentVolumeClaim": {"claimName": claim}}, mount

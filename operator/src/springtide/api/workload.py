"""What may be said about the pods of any workload: resources, and a closed list of overrides."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from springtide.api.base import ApiModel, ListAtomic, ListMap, ObjectName, Quantity, Rule, Rules
from springtide.api.data import NO_PARENT_FOLDER


class Resources(ApiModel):
    """What the container asks for and may use."""

    RULES: ClassVar = (
        Rule(
            "!has(self.requests) || !has(self.limits) || self.requests.all(name, !(name in self.limits)"
            " || quantity(string(self.requests[name])).compareTo(quantity(string(self.limits[name]))) <= 0)",
            "what is requested must not exceed its limit",
            field=".requests",
        ),
    )

    requests: Annotated[
        dict[Annotated[str, Field(max_length=128)], Quantity],
        Field(max_length=16, description="Asked of the scheduler and counted by queues."),
    ] = Field(default={})
    limits: Annotated[
        dict[Annotated[str, Field(max_length=128)], Quantity],
        Field(max_length=16, description="Beyond the memory limit the container is killed: `OutOfMemory`."),
    ] = Field(default={})


class Toleration(ApiModel):
    """A taint that the pods accept."""

    RULES: ClassVar = (
        Rule(
            "self.operator != 'Exists' || !has(self.value)",
            "value is for operator Equal only",
            field=".value",
            reason="FieldValueForbidden",
        ),
        Rule(
            "self.operator == 'Exists' || has(self.key)",
            "key must be set unless operator is Exists",
            field=".key",
            reason="FieldValueRequired",
        ),
        Rule(
            "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
            "tolerationSeconds is for effect NoExecute only",
            field=".tolerationSeconds",
            reason="FieldValueForbidden",
        ),
    )

    key: Annotated[str | None, Field(max_length=253, description="Key of the taint; unset: every key.")] = None
    operator: Annotated[Literal["Exists", "Equal"], Field(description="Exists: any value. Equal: this value.")] = (
        "Equal"
    )
    value: Annotated[str | None, Field(max_length=63, description="Value of the taint.")] = None
    effect: Annotated[
        Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None,
        Field(description="Effect of the taint; unset: every effect."),
    ] = None
    toleration_seconds: Annotated[
        int | None, Field(ge=0, description="How long a pod stays on a node that gets the taint; unset: for ever.")
    ] = None


class EnvironmentVariable(ApiModel):
    """A plain value. Secrets come by `envFrom`: nothing secret belongs into a spec."""

    name: Annotated[
        str,
        Field(min_length=1, max_length=128, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="Name of the variable."),
    ]
    value: Annotated[str, Field(max_length=4096, description="Its value; nothing secret.")] = ""


class SecretName(ApiModel):
    """A Secret of the namespace, by name. The operator itself cannot read it."""

    name: Annotated[ObjectName, Field(description="Name of the Secret.")]


class EnvironmentSource(ApiModel):
    """All keys of a Secret as environment variables."""

    secret_ref: Annotated[SecretName, Field(description="The Secret. The operator itself cannot read it.")]


class VolumeMount(ApiModel):
    """A PersistentVolumeClaim in the container."""

    claim_name: Annotated[ObjectName, Field(description="The PersistentVolumeClaim, in the same namespace.")]
    mount_path: Annotated[
        str,
        Field(max_length=256, pattern=r"^/(data|mnt)/[-A-Za-z0-9_./]+$", description="Below `/data` or `/mnt`."),
        Rules(NO_PARENT_FOLDER),
    ]
    read_only: Annotated[bool, Field(description="Whether writing to it is refused.")] = True


NO_RESERVED_NAMES = Rule(
    "!self.exists(variable, variable.name.startsWith('SPRINGTIDE_'))", "names that begin with SPRINGTIDE_ are reserved"
)


class Overrides(ApiModel):
    """What may be set on the pods beyond what the platform sets: a closed list, not a pod template."""

    node_selector: Annotated[
        dict[Annotated[str, Field(max_length=253)], Annotated[str, Field(max_length=63)]],
        Field(max_length=32, description="Labels that a node must have."),
    ] = Field(default={})
    tolerations: Annotated[
        tuple[Toleration, ...], ListAtomic(), Field(max_length=16, description="Taints that the pods accept.")
    ] = ()
    priority_class_name: Annotated[ObjectName | None, Field(description="The PriorityClass.")] = None
    runtime_class_name: Annotated[ObjectName | None, Field(description="The RuntimeClass.")] = None
    service_account_name: Annotated[
        ObjectName | None, Field(description="The ServiceAccount, for a cloud's workload identity; it has no token.")
    ] = None
    env: Annotated[
        tuple[EnvironmentVariable, ...],
        ListMap("name"),
        Rules(NO_RESERVED_NAMES),
        Field(max_length=64, description="Plain environment variables."),
    ] = ()
    env_from: Annotated[
        tuple[EnvironmentSource, ...],
        ListAtomic(),
        Field(max_length=8, description="Secrets as environment variables."),
    ] = ()
    volumes: Annotated[
        tuple[VolumeMount, ...], ListMap("mountPath"), Field(max_length=8, description="Further volumes.")
    ] = ()

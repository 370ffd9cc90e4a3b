"""Every label, annotation, reason and condition type: names that users, alerts and older objects rely on."""

from enum import StrEnum

GROUP = "springtide.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
CATEGORY = "springtide"

FIELD_MANAGER = "springtide"

LABEL_KIND = f"{GROUP}/kind"
"""On every object that the operator makes: the kind of its owner. Watches select on it."""
LABEL_NAME = f"{GROUP}/name"
"""On every object that the operator makes: the name of its owner."""
LABEL_UID = f"{GROUP}/uid"
"""On every pod: the uid of the object that its Job belongs to; a pod may outlive its Job."""
LABEL_ROLE = f"{GROUP}/role"
"""On every object that the operator makes: what it is for, see `Role`."""
LABEL_ATTEMPT = f"{GROUP}/attempt"
"""On the Jobs of an attempt: its number, counted from 1."""
ANNOTATION_REFRESH = f"{GROUP}/refresh"
"""On a Dataset, by a person: each new value asks for one refresh."""
LABEL_KUEUE_QUEUE = "kueue.x-k8s.io/queue-name"

TASK_VARIABLE = "SPRINGTIDE_TASK"
"""The environment variable that carries a `Task` as JSON into a container."""
CONTAINER = "main"
"""The container of a workload pod whose termination message is the `Result`."""


class Role(StrEnum):
    """What a child object is for."""

    ATTEMPT = "attempt"
    RECOVERY = "recovery"
    ARTIFACTS = "artifacts"
    REFRESH = "refresh"


class ConditionType(StrEnum):
    """Types of the conditions that all kinds share, and those of single kinds."""

    READY = "Ready"
    """True: the object is what its spec asks for. `kubectl wait --for=condition=Ready` works on every kind."""
    RECONCILING = "Reconciling"
    """True while work is under way (kstatus: in progress)."""
    STALLED = "Stalled"
    """True when nothing more will happen without a person (kstatus: failed)."""
    QUEUED = "Queued"
    """TrainingRun: True while the work waits for a queue, for room on a node, or for `spec.suspend`."""
    SUCCEEDED = "Succeeded"
    """TrainingRun: True or False once the work has ended, Unknown before."""
    CONTRACT_MET = "ContractMet"
    """Dataset: whether the source satisfied the contract when it was last read."""
    FRESH = "Fresh"
    """Dataset: whether the newest data is younger than the contract demands."""


class Reason(StrEnum):
    """Why a condition is what it is. Stable: alerts and scripts match on these words."""

    # How far a run is.
    STARTING = "Starting"
    QUEUED = "Queued"
    UNSCHEDULABLE = "Unschedulable"
    SUSPENDED = "Suspended"
    IMAGE_PULL_FAILED = "ImagePullFailed"
    CONTAINER_CONFIG_ERROR = "ContainerConfigError"
    TRAINING = "Training"
    STOPPING = "Stopping"
    RETRYING = "Retrying"
    RECOVERING_RESULT = "RecoveringResult"
    STARTED = "Started"
    REFRESHING = "Refreshing"
    REFRESH_MISSED = "RefreshMissed"
    DATASET_NOT_READY = "DatasetNotReady"
    SNAPSHOT_NOT_FOUND = "SnapshotNotFound"

    # How good and how fresh a Dataset is.
    CONTRACT_MET = "ContractMet"
    NOT_READ = "NotRead"
    FRESH = "Fresh"
    STALE = "Stale"
    NO_SNAPSHOT = "NoSnapshot"
    NO_MAXIMUM_AGE = "NoMaximumAge"
    EVENT_TIME_IN_FUTURE = "EventTimeInFuture"

    # How it ended well.
    SUCCEEDED = "Succeeded"
    MEMOIZED = "Memoized"
    REFRESHED = "Refreshed"
    UNCHANGED = "Unchanged"

    # What the operator refuses.
    INVALID_SPEC = "InvalidSpec"
    CAPABILITY_MISSING = "CapabilityMissing"
    FORBIDDEN = "Forbidden"
    REJECTED = "RejectedByCluster"
    NAME_TAKEN = "NameTaken"

    # Lost infrastructure: another attempt, without spending the user's retries.
    EVICTED = "Evicted"
    PREEMPTED = "Preempted"
    NODE_LOST = "NodeLost"
    POD_DELETED = "PodDeleted"
    RESULT_LOST = "ResultLost"
    TRACKING_UNAVAILABLE = "TrackingUnavailable"
    STORE_UNAVAILABLE = "StoreUnavailable"
    TEMPORARY_FAILURE = "TemporaryFailure"
    INTERRUPTED = "Interrupted"

    # What the user has to mend.
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    OUT_OF_MEMORY = "OutOfMemory"
    TRAINING_FAILED = "TrainingFailed"
    DATA_NOT_FOUND = "DataNotFound"
    DATA_EMPTY = "DataEmpty"
    DATA_CORRUPT = "DataCorrupt"
    DATA_CHANGED = "DataChanged"
    SCHEMA_CONFLICT = "SchemaConflict"
    CONTRACT_VIOLATED = "ContractViolated"
    REFRESH_FAILED = "RefreshFailed"
    ACCESS_DENIED = "AccessDenied"
    COLUMN_NOT_FOUND = "ColumnNotFound"
    WRONG_TYPE = "WrongType"
    TARGET_ALL_NULL = "TargetAllNull"
    TARGET_NOT_BINARY = "TargetNotBinary"
    ONE_CLASS = "OneClass"
    TOO_FEW_ROWS = "TooFewRows"
    LOSS_NOT_FINITE = "LossNotFinite"
    UNKNOWN_RECIPE = "UnknownRecipe"
    INVALID_PARAMETER = "InvalidParameter"
    DISK_FULL = "DiskFull"
    DIGEST_MISMATCH = "DigestMismatch"
    INVALID_RESULT = "InvalidResult"

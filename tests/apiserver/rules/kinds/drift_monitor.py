"""DriftMonitor."""

from tests.apiserver.rules.kinds import shared
from tests.apiserver.rules.kinds.shared import CONDITION, OVERRIDES
from tests.apiserver.rules.written import DIGEST, NOW, Changes, Rules, Written

TARGET = "spec.target"
_DATASET: Changes = {"datasetRef": {"name": "census"}}
_SERVICE: Changes = {"modelServiceRef": {"name": "pd"}}
_RUN: Changes = {"trainingRunRef": {"name": "churn"}}

_LABELS: Changes = {"datasetRef": {"name": "outcomes"}, "column": "bad", "keyColumn": "request_id", "minRows": 500}

_SPEC: Changes = {
    "target": _DATASET,
    "baseline": _RUN,
    "schedule": "0 * * * *",
    "timeZone": "Europe/Berlin",
    "startingDeadlineSeconds": 600,
    "window": {"seconds": 86400, "delaySeconds": 300},
    "slices": ["state"],
    "columns": {"exclude": ["id"]},
    "rules": {"psi": 0.2, "falseDiscoveryRate": 0.01, "rise": 0.1, "minRows": 100, "volumeFactor": 10},
    "performance": {"maxDrop": 0.02},
    "historyLimit": 48,
    "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "2Gi"}},
    "suspend": True,
    "overrides": OVERRIDES,
}

_SUMMARY: Changes = {
    "start": NOW,
    "end": NOW,
    "rows": 1000,
    "verdict": "Drifted",
    "driftedColumns": 3,
    "maxPsi": 0.41,
}
_PAST: Changes = _SUMMARY | {"snapshot": DIGEST, "baseline": DIGEST}
_COLUMN: Changes = {
    "column": "income",
    "slice": "state=CA",
    "verdict": "Drifted",
    "reason": "Psi",
    "psi": 0.41,
    "pValue": 0.001,
    "message": "psi is 0.41",
}
_SNAPSHOT: Changes = {"name": "census", "uri": "s3://artifacts/datasets/team.census/sha256-1", "digest": DIGEST}
_MODEL: Changes = {"uri": "s3://artifacts/models/m", "digest": DIGEST}
_BASELINE: Changes = _MODEL | {"trainingRun": "churn", "dataset": _SNAPSHOT}
OF_A_MODEL: Changes = {"start": NOW, "end": NOW, "model": DIGEST, "rows": 1000, "labelled": 900, "outcome": "Held"}
PERFORMANCE: Changes = OF_A_MODEL | {"auc": 0.75, "low": 0.73, "high": 0.77, "promised": 0.76, "message": "It held."}
_LOOK: Changes = {"number": 7, "trigger": "Schedule", "dueTime": NOW, "demand": DIGEST, "snapshot": DIGEST}

_STATUS: Changes = {
    "observedGeneration": 1,
    "baseline": _BASELINE,
    "currentLook": {
        **_LOOK,
        "attempt": 2,
        "uri": "s3://artifacts/datasets/team.census/sha256-1",
        "eventTimeColumn": "applied_at",
        "baseline": _BASELINE,
        "labels": {"uri": "s3://artifacts/datasets/team.outcomes/sha256-1", "snapshot": DIGEST},
        "after": NOW,
        "failures": 1,
        "failureTime": NOW,
        "failureReason": "NodeLost",
    },
    "lastLook": {
        **_LOOK,
        "time": NOW,
        "outcome": "Judged",
        "message": "One column drifted.",
        "windows": 1,
        "baseline": DIGEST,
        "labels": DIGEST,
    },
    "lastWindow": {
        **_PAST,
        "message": "One column drifted.",
        "columns": 12,
        "drifted": [_COLUMN],
        "reportUri": "s3://artifacts/drift/team.census/sha256-1",
        "reportDigest": DIGEST,
    },
    "history": [_PAST],
    "performance": [PERFORMANCE],
    "labels": DIGEST,
    "measurement": {
        "labels": DIGEST,
        "outcome": "Measured",
        "message": "3 labels are of unknown requests.",
        "complete": True,
        "reportUri": "s3://artifacts/drift/team.census/sha256-1",
        "reportDigest": DIGEST,
    },
    "schedule": "0 * * * * Europe/Berlin",
    "nextTime": NOW,
    "missedTime": NOW,
    "manualCheck": "now",
    "conditions": [CONDITION],
}

_NO_SCHEDULE: Changes = {"spec.schedule": None, "spec.timeZone": None, "spec.startingDeadlineSeconds": None}
_OF_SERVICE: Changes = {TARGET: _SERVICE, **_NO_SCHEDULE}
_LABELLED: Changes = {TARGET: _SERVICE, "spec.labels": _LABELS}

_RULES: Rules = {
    **shared.POD,
    (TARGET, "exactly one of datasetRef and modelServiceRef must be set"): (
        [{TARGET: _DATASET}, {TARGET: _SERVICE}],
        [{TARGET: {}}, {TARGET: _DATASET | _SERVICE}],
        "spec.target: Required value: exactly one of datasetRef and modelServiceRef must be set",
    ),
    ("spec", "baseline must be set for a Dataset: it says which model its rows are held against"): (
        [{TARGET: _SERVICE, "spec.baseline": None}, {TARGET: _SERVICE}],
        [{"spec.baseline": None}],
        "spec.baseline: Required value: baseline must be set for a Dataset",
    ),
    ("spec", "timeZone is for a schedule only"): (
        [{"spec.timeZone": None}, _NO_SCHEDULE],
        [{"spec.schedule": None, "spec.startingDeadlineSeconds": None}],
        "spec.timeZone: Forbidden: timeZone is for a schedule only",
    ),
    ("spec", "startingDeadlineSeconds is for a schedule only"): (
        [{"spec.startingDeadlineSeconds": None}, _NO_SCHEDULE],
        [{"spec.schedule": None, "spec.timeZone": None}],
        "spec.startingDeadlineSeconds: Forbidden: startingDeadlineSeconds is for a schedule only",
    ),
    ("spec", "everySeconds is for a ModelService without a schedule only"): (
        [_OF_SERVICE, _OF_SERVICE | {"spec.everySeconds": 60}],
        [{"spec.everySeconds": 60}, {TARGET: _SERVICE, "spec.everySeconds": 60}],
        "spec.everySeconds: Forbidden: everySeconds is for a ModelService without a schedule only",
    ),
    ("spec", "labels are for a ModelService only: they are joined to its requests"): (
        [_LABELLED, {TARGET: _SERVICE}],
        [{"spec.labels": _LABELS}],
        "spec.labels: Forbidden: labels are for a ModelService only: they are joined to its requests",
    ),
}


def _past(index: int) -> Changes:
    return {"rows": index, "verdict": "Stable"}


DRIFT_MONITOR = Written(
    kind="DriftMonitor",
    plural="driftmonitors",
    spec=_SPEC,
    status=_STATUS,
    rules=_RULES,
    alternatives={
        "spec.target.modelServiceRef": {TARGET: _SERVICE},
        "spec.everySeconds": _OF_SERVICE | {"spec.everySeconds": 60},
        "spec.labels": _LABELLED,
    },
    fixed={"target": {TARGET: {"datasetRef": {"name": "other"}}}},
    items=shared.ITEMS
    | {
        "status.history": _past,
        "status.performance": lambda index: OF_A_MODEL | {"rows": index},
        "status.lastWindow.drifted": lambda index: {"column": f"c{index}", "verdict": "Drifted", "reason": "Psi"},
    },
    beside=shared.beside,
)

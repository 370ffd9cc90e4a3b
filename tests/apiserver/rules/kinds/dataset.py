"""Dataset."""

from tests.apiserver.rules.kinds import shared
from tests.apiserver.rules.kinds.shared import CONDITION, OVERRIDES
from tests.apiserver.rules.written import DIGEST, NOW, Changes, Rules, Written

REFRESH = "spec.refresh"
COLUMN = "spec.contract.columns[]"
STATE = "spec.contract.columns[0]"
INCOME = "spec.contract.columns[1]"


def _snapshot(index: int = 1) -> Changes:
    return {
        "digest": f"sha256:{index:064x}",
        "uri": "file:///artifacts/datasets/team.census/sha256-1",
        "rows": 1000,
        "bytes": 65536,
        "eventTimeMin": NOW,
        "eventTimeMax": NOW,
        "createdTime": NOW,
    }


_SPEC: Changes = {
    "source": {"volume": {"claimName": "census", "path": "2018/*.parquet"}, "format": "Parquet"},
    "keys": ["application_id"],
    "eventTimeColumn": "applied_at",
    "availableTimeColumn": "loaded_at",
    "refresh": {"schedule": "0 * * * *", "timeZone": "Europe/Berlin", "startingDeadlineSeconds": 600},
    "contract": {
        "columns": [
            {"name": "state", "type": "String", "nullable": False, "allowed": ["CA", "NY"]},
            {"name": "income", "type": "Float", "nullable": False, "min": 0, "max": 1000000},
        ],
        "newColumns": "Reject",
        "minRows": 1000,
        "maxAgeSeconds": 86400,
        "onViolation": "Reject",
    },
    "retention": {"snapshots": 30},
    "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "2Gi"}},
    "suspend": True,
    "overrides": OVERRIDES,
}

_REFRESH_STATUS: Changes = {"number": 7, "trigger": "Schedule", "dueTime": NOW, "demand": DIGEST}

_STATUS: Changes = {
    "observedGeneration": 1,
    "latest": _snapshot(),
    "snapshots": [_snapshot()],
    "removing": [_snapshot(2)],
    "currentRefresh": {
        **_REFRESH_STATUS,
        "attempt": 2,
        "failures": 1,
        "failureTime": NOW,
        "failureReason": "NodeLost",
    },
    "lastRefresh": {
        **_REFRESH_STATUS,
        "time": NOW,
        "outcome": "ContractViolated",
        "message": "Values are missing.",
        "violations": [{"column": "state", "rule": "nullable", "message": "3 are missing", "count": 3}],
        "sourceState": DIGEST,
    },
    "schedule": "0 * * * * Europe/Berlin",
    "nextRefreshTime": NOW,
    "missedTime": NOW,
    "manualRefresh": "now",
    "conditions": [CONDITION],
}

_RULES: Rules = {
    **shared.POD,
    **shared.source("spec.source"),
    ("spec", "availableTimeColumn needs eventTimeColumn"): (
        [{"spec.availableTimeColumn": None}, {"spec.availableTimeColumn": None, "spec.eventTimeColumn": None}],
        [{"spec.eventTimeColumn": None}],
        "spec.eventTimeColumn: Required value: availableTimeColumn needs eventTimeColumn",
    ),
    (REFRESH, "exactly one of schedule and onChangeSeconds must be set"): (
        [{REFRESH: None}, {REFRESH: {"onChangeSeconds": 60}}, {REFRESH: {"schedule": "0 * * * *"}}],
        [{REFRESH: {}}, {REFRESH: {"onChangeSeconds": 60, "schedule": "0 * * * *"}}],
        f"{REFRESH}: Required value: exactly one of schedule and onChangeSeconds must be set",
    ),
    (REFRESH, "timeZone is for a schedule only"): (
        [{f"{REFRESH}.timeZone": None}],
        [{REFRESH: {"onChangeSeconds": 60, "timeZone": "Etc/UTC"}}],
        f"{REFRESH}.timeZone: Forbidden: timeZone is for a schedule only",
    ),
    (REFRESH, "startingDeadlineSeconds is for a schedule only"): (
        [{f"{REFRESH}.startingDeadlineSeconds": None}],
        [{REFRESH: {"onChangeSeconds": 60, "startingDeadlineSeconds": 60}}],
        f"{REFRESH}.startingDeadlineSeconds: Forbidden: startingDeadlineSeconds is for a schedule only",
    ),
    ("spec.contract", "newColumns: Reject needs columns, or every column would be new"): (
        [{}, {"spec.contract.columns": None, "spec.contract.newColumns": "Allow"}],
        [{"spec.contract.columns": None}, {"spec.contract.columns": []}],
        "spec.contract.columns: Required value: newColumns: Reject needs columns, or every column would be new",
    ),
    (COLUMN, "min and max are for types Integer and Float only"): (
        [{f"{INCOME}.type": "Integer"}],
        [{f"{INCOME}.type": "String"}, {f"{STATE}.min": 0}],
        ".type: Invalid value: min and max are for types Integer and Float only",
    ),
    (COLUMN, "min must not exceed max"): (
        [{f"{INCOME}.min": 7.5, f"{INCOME}.max": 7.5}],
        [{f"{INCOME}.min": 7.5, f"{INCOME}.max": 7}],
        f"{INCOME}.min: Invalid value: min must not exceed max",
    ),
    (COLUMN, "allowed is for types String and Integer only"): (
        [{f"{STATE}.type": "Integer", f"{STATE}.allowed": [1, 2]}],
        [{f"{STATE}.type": "Boolean"}],
        f"{STATE}.allowed: Forbidden: allowed is for types String and Integer only",
    ),
}


def _beside(change: Changes) -> Changes:
    only_listed = change.get(f"{STATE}.type") not in (None, "String", "Integer")
    return ({f"{STATE}.allowed": None} if only_listed else {}) | shared.beside(change)


DATASET = Written(
    kind="Dataset",
    plural="datasets",
    spec=_SPEC,
    status=_STATUS,
    rules=_RULES,
    alternatives={
        "spec.source.uri": {"spec.source.volume": None, "spec.source.uri": "s3://lake/a.parquet"},
        "spec.refresh.onChangeSeconds": {"spec.refresh": {"onChangeSeconds": 60}},
    },
    items=shared.ITEMS
    | {
        "spec.contract.columns": lambda index: {"name": f"c{index}", "type": "Float"},
        "status.snapshots": _snapshot,
        "status.removing": _snapshot,
        "status.lastRefresh.violations": lambda index: {"rule": f"r{index}", "message": "m"},
    },
    beside=_beside,
)

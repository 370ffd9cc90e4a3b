"""RetrainPolicy."""

from tests.apiserver.rules.kinds import release_plan, shared
from tests.apiserver.rules.kinds.release_plan import PLAN
from tests.apiserver.rules.kinds.shared import CONDITION
from tests.apiserver.rules.written import DIGEST, NOW, Changes, Rules, Written

_TRIGGERS = "spec.triggers"
_WATCHED: Changes = {"monitorRef": {"name": "pd"}, "windows": 1, "of": 100}

_SPEC: Changes = {
    **PLAN,
    "triggers": {
        "schedule": "0 3 * * 1",
        "timeZone": "Europe/Berlin",
        "startingDeadlineSeconds": 3600,
        "drift": _WATCHED,
        "performance": _WATCHED,
        "newRows": {"datasetRef": {"name": "loans"}, "min": 10_000},
    },
    "guards": {
        "cooldownSeconds": 3600,
        "maxRunsPerMonth": 30,
        "requireContractMet": True,
        "maxConsecutiveRejections": 3,
    },
    "historyLimit": 20,
    "suspend": True,
}

MODEL: Changes = {"version": "7", "digest": DIGEST, "uri": "s3://artifacts/models/sha256-1"}
CHAMPION: Changes = MODEL | {"since": NOW, "run": "pd-3"}
TRIGGER: Changes = {"type": "Drift", "time": NOW, "message": "3 of 3 windows drifted", "windowEnd": NOW}
_PAST: Changes = {"number": 3, "trigger": "Drift", "startTime": NOW, "time": NOW, "outcome": "Promoted"}

_STATUS: Changes = {
    "observedGeneration": 1,
    "champion": CHAMPION,
    "previous": CHAMPION,
    "currentRun": {"name": "pd-4", "number": 4, "trigger": TRIGGER, "uid": "u"},
    "runs": 4,
    "rejections": 1,
    "seenUntil": NOW,
    "seenSnapshot": DIGEST,
    "seenPerformanceUntil": NOW,
    "seenRows": 1000,
    "history": [_PAST | {"name": "pd-3", "message": "it is better", "version": "7"}],
    "quarantined": [{"digest": DIGEST, "run": "pd-2"}],
    "schedule": "0 3 * * 1 Europe/Berlin",
    "nextTime": NOW,
    "missedTime": NOW,
    "manualRetrain": "now",
    "released": "churn-7",
    "conditions": [CONDITION],
}

_NO_SCHEDULE: Changes = {
    f"{_TRIGGERS}.schedule": None,
    f"{_TRIGGERS}.timeZone": None,
    f"{_TRIGGERS}.startingDeadlineSeconds": None,
}


def _windows(name: str) -> Rules:
    path = f"{_TRIGGERS}.{name}"
    return {
        (path, "windows must not be more than of"): (
            [{f"{path}.windows": 3, f"{path}.of": 3}, {f"{path}.windows": 1, f"{path}.of": 2}],
            [{f"{path}.windows": 3, f"{path}.of": 2}],
            f"{path}.windows: Invalid value: windows must not be more than of",
        )
    }


_SPLIT = "spec.template.data.split"
_SPLIT_BY_TIME = (
    "split.type must be Time, and split.column name the time of each row: champion and challenger are judged on the"
    " newest rows, which the champion has not learned from; of rows held out at random it may have"
)
_RULES: Rules = {
    ("spec", _SPLIT_BY_TIME): (
        [{_SPLIT: {"type": "Time", "column": "applied_at"}}],
        [{_SPLIT: {"type": "Random"}}, {_SPLIT: {"column": "applied_at"}}, {_SPLIT: {}}, {_SPLIT: None}],
        f"{_SPLIT}.type: Invalid value: {_SPLIT_BY_TIME}",
    ),
    ("", "a name must have 34 characters or fewer, so that the names of its runs fit"): (
        [{"metadata.name": "n" * 34}],
        [{"metadata.name": "n" * 35}],
        "metadata.name: Invalid value: a name must have 34 characters or fewer, so that the names of its runs fit",
    ),
    **release_plan.rules("spec"),
    **_windows("drift"),
    **_windows("performance"),
    (_TRIGGERS, "timeZone is for a schedule only"): (
        [{f"{_TRIGGERS}.timeZone": None}, _NO_SCHEDULE],
        [{f"{_TRIGGERS}.schedule": None, f"{_TRIGGERS}.startingDeadlineSeconds": None}],
        f"{_TRIGGERS}.timeZone: Forbidden: timeZone is for a schedule only",
    ),
    (_TRIGGERS, "startingDeadlineSeconds is for a schedule only"): (
        [{f"{_TRIGGERS}.startingDeadlineSeconds": None}, _NO_SCHEDULE],
        [{f"{_TRIGGERS}.schedule": None, f"{_TRIGGERS}.timeZone": None}],
        f"{_TRIGGERS}.startingDeadlineSeconds: Forbidden: startingDeadlineSeconds is for a schedule only",
    ),
}


def _beside(change: Changes) -> Changes:
    """As many windows as there may be."""
    return {
        path.replace("windows", "of"): value
        for path, value in change.items()
        if path.endswith(".windows") and path.replace("windows", "of") not in change
    }


RETRAIN_POLICY = Written(
    kind="RetrainPolicy",
    plural="retrainpolicies",
    spec=_SPEC,
    status=_STATUS,
    rules=_RULES,
    alternatives=release_plan.alternatives("spec"),
    fixed={"template.model.name": {"spec.template.model.name": "other"}},
    items={
        "status.conditions": shared.ITEMS["status.conditions"],
        **release_plan.items("spec"),
        "status.history": lambda index: _PAST | {"name": f"pd-{index}"},
        "status.quarantined": lambda index: {"digest": f"sha256:{index:064x}", "run": "pd-2"},
    },
    map_values={"spec.template.recipe.parameters": 1},
    never={f"{_SPLIT}.type": ("Random",)},
    beside=lambda change: release_plan.beside("spec")(change) | _beside(change),
)

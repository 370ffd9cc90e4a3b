"""RetrainRun."""

from tests.apiserver.rules.kinds import release_plan, shared
from tests.apiserver.rules.kinds.drift_monitor import OF_A_MODEL, PERFORMANCE
from tests.apiserver.rules.kinds.release_plan import PLAN
from tests.apiserver.rules.kinds.retrain_policy import CHAMPION, MODEL, TRIGGER
from tests.apiserver.rules.kinds.shared import CONDITION
from tests.apiserver.rules.written import DIGEST, NOW, Changes, Rules, Written

_SPEC: Changes = {"policyRef": {"name": "pd"}, "trigger": TRIGGER}

_GATE: Changes = {
    "name": "auc",
    "outcome": "Passed",
    "value": 0.78,
    "champion": 0.76,
    "low": 0.01,
    "high": 0.03,
    "slice": "state=CA",
    "message": "It is better.",
}

_STATUS: Changes = {
    "observedGeneration": 1,
    "phase": "Watching",
    "phases": [{"phase": "Training", "time": NOW}],
    "plan": PLAN,
    "policyUid": "u",
    "policyGeneration": 2,
    "trainingRun": "pd-4",
    "approvedBefore": "ada",
    "dataset": {"name": "loans", "digest": DIGEST, "uri": "s3://artifacts/datasets/team.loans/sha256-1"},
    "challenger": MODEL,
    "champion": CHAMPION,
    "verdict": {
        "outcome": "Passed",
        "rows": 1000,
        "gates": [_GATE],
        "evidence": {"uri": "s3://artifacts/evidence/team.pd/sha256-1", "digest": DIGEST},
    },
    "approval": {"by": "ada", "time": NOW},
    "promotedTime": NOW,
    "aliasSet": "8",
    "servingTime": NOW,
    "watched": {"message": "It kept its promise.", "windows": [PERFORMANCE]},
    "job": {
        "attempt": 2,
        "failures": 1,
        "failureTime": NOW,
        "failureReason": "TrackingUnavailable",
        "failure": "MLflow is away",
        "done": True,
    },
    "outcomeMessage": "version 8 took the place of version 7",
    "completionTime": NOW,
    "record": {"uri": "s3://artifacts/records/team.pd/sha256-1", "digest": DIGEST},
    "conditions": [CONDITION],
}

_NAME = ("", "a name must have 40 characters or fewer, so that the names of its Jobs fit")
_RULES: Rules = {_NAME: shared.POD[_NAME], **release_plan.rules("status.plan")}

RETRAIN_RUN = Written(
    kind="RetrainRun",
    plural="retrainruns",
    spec=_SPEC,
    status=_STATUS,
    rules=_RULES,
    alternatives=release_plan.alternatives("status.plan"),
    fixed={"policyRef": {"spec.policyRef.name": "other"}, "trigger": {"spec.trigger.type": "Manual"}},
    items={
        "status.conditions": shared.ITEMS["status.conditions"],
        **release_plan.items("status.plan"),
        "status.phases": lambda _: {"phase": "Training", "time": NOW},
        "status.watched.windows": lambda index: OF_A_MODEL | {"rows": index},
        "status.verdict.gates": lambda index: {"name": f"g{index}", "outcome": "Passed"},
    },
    map_values={"status.plan.template.recipe.parameters": 1},
    beside=release_plan.beside("status.plan"),
)

"""TrainingRun."""

from tests.apiserver.rules.kinds import shared
from tests.apiserver.rules.kinds.shared import CONDITION, OVERRIDES
from tests.apiserver.rules.written import DIGEST, NOW, Changes, Rules, Written

SPLIT = "spec.data.split"

_SPEC: Changes = {
    "model": {"name": "pd-12m"},
    "data": {
        "source": {"volume": {"claimName": "census", "path": "2018/*.parquet"}},
        "digest": DIGEST,
        "split": {"type": "Time", "column": "applied_at", "testFraction": 0.3},
    },
    "recipe": {"name": "gbdt", "parameters": {"rounds": 300}},
    "target": {"column": "defaulted", "task": "BinaryClassification", "weightColumn": "weight"},
    "features": {"exclude": ["id"], "categorical": ["state"]},
    "evaluation": {"slices": ["channel"]},
    "seed": 1,
    "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "2Gi"}},
    "retry": {"infrastructure": 3, "user": 1},
    "deadlineSeconds": 3600,
    "queueName": "team-risk",
    "memoize": False,
    "suspend": True,
    "overrides": OVERRIDES,
}

_STATUS: Changes = {
    "observedGeneration": 1,
    "attempt": 1,
    "attempts": [
        {
            "name": "run-a1",
            "number": 1,
            "startTime": NOW,
            "endTime": NOW,
            "failure": "User",
            "reason": "OutOfMemory",
            "message": "It needed more.",
        }
    ],
    "failures": {"infrastructure": 0, "user": 1},
    "trainingSeconds": 60,
    "inputs": {"digest": DIGEST, "files": 4, "rows": 1000},
    "dataset": {"name": "census", "digest": DIGEST, "uri": "file:///artifacts/d"},
    "memo": {"key": DIGEST, "hitFrom": "team/other"},
    "metrics": {"auc": 0.78},
    "model": {"name": "pd-12m", "version": "7", "digest": DIGEST, "uri": "file:///artifacts/m"},
    "mlflow": {"runId": "abc", "experimentId": "1"},
    "completionTime": NOW,
    "conditions": [CONDITION],
}

_ALTERNATIVES: dict[str, Changes] = {
    "spec.data.source.uri": {"spec.data.source": {"uri": "s3://lake/a.parquet"}},
    "spec.data.datasetRef": {"spec.data.source": None, "spec.data.datasetRef": {"name": "census"}},
    "spec.container": {
        "spec.recipe": None,
        "spec.container": {"image": "trainer@sha256:1", "command": ["train"], "args": ["--fast"]},
    },
}

_RULES: Rules = {
    **shared.POD,
    **shared.source("spec.data.source"),
    ("spec.data", "exactly one of source and datasetRef must be set"): (
        [{}, {"spec.data.source": None, "spec.data.datasetRef": {"name": "d"}}],
        [{"spec.data.datasetRef": {"name": "d"}}, {"spec.data.source": None}],
        "spec.data: Required value: exactly one of source and datasetRef must be set",
    ),
    ("spec", "exactly one of recipe and container must be set"): (
        [{"spec.recipe": None, "spec.container": {"image": "i"}}],
        [{"spec.container": {"image": "i"}}, {"spec.recipe": None}],
        "spec: Required value: exactly one of recipe and container must be set",
    ),
    ("spec", "target must be set for a recipe: it says what is predicted"): (
        [{}, {"spec.target": None, "spec.recipe": None, "spec.container": {"image": "i"}}],
        [{"spec.target": None}],
        "spec.target: Required value: target must be set for a recipe: it says what is predicted",
    ),
    (SPLIT, "column must name the time column when type is Time"): (
        [{SPLIT: {"type": "Time", "column": "t"}}],
        [{SPLIT: {"type": "Time"}}],
        "spec.data.split.column: Required value: column must name the time column when type is Time",
    ),
    (SPLIT, "column is for type Time only"): (
        [{SPLIT: {"type": "Random"}}, {SPLIT: {}}],
        [{SPLIT: {"type": "Random", "column": "t"}}, {SPLIT: {"column": "t"}}],
        "spec.data.split.column: Forbidden: column is for type Time only",
    ),
    ("spec.target", "weightColumn must be another column than column"): (
        [{"spec.target.weightColumn": "w"}, {"spec.target.weightColumn": None}],
        [{"spec.target.weightColumn": "defaulted"}],
        "spec.target.weightColumn: Invalid value: weightColumn must be another column than column",
    ),
}

_FIXED: dict[str, Changes] = {
    "model": {"spec.model.name": "other"},
    "data": {"spec.data.digest": None},
    "recipe": {"spec.recipe.parameters": {"leaves": 300}},
    "container": {"spec.container": {"image": "i"}},
    "target": {"spec.target.weightColumn": None},
    "features": {"spec.features.exclude": ["name"]},
    "evaluation": {"spec.evaluation": None},
    "seed": {"spec.seed": 2},
    "resources": {"spec.resources.limits": {"memory": "3Gi"}},
    "retry": {"spec.retry.user": 2},
    "deadlineSeconds": {"spec.deadlineSeconds": None},
    "queueName": {"spec.queueName": "team-fraud"},
    "memoize": {"spec.memoize": True},
    "overrides": {"spec.overrides.env[0].value": "4"},
}
"""Renaming a recipe's only parameter is one that CEL overlooks when
the map is untyped."""


def _beside(change: Changes) -> Changes:
    random = {f"{SPLIT}.column": None} if change.get(f"{SPLIT}.type") == "Random" else {}
    return random | shared.beside(change)


TRAINING_RUN = Written(
    kind="TrainingRun",
    plural="trainingruns",
    spec=_SPEC,
    status=_STATUS,
    rules=_RULES,
    alternatives=_ALTERNATIVES,
    fixed=_FIXED,
    items=shared.ITEMS | {"status.attempts": lambda index: {"name": f"run-a{index + 1}", "number": index + 1}},
    map_values={"spec.recipe.parameters": 1},
    beside=_beside,
)

"""ModelService."""

from tests.apiserver.rules.kinds import shared
from tests.apiserver.rules.kinds.shared import CONDITION, OVERRIDES
from tests.apiserver.rules.written import DIGEST, NOW, Changes, Rules, Written

ROLLOUT = "spec.rollout"
STEPS = f"{ROLLOUT}.steps"

_SPEC: Changes = {
    "model": {"name": "pd-12m", "version": "7"},
    "backend": "Deployment",
    "replicas": {"min": 2},
    "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "2Gi"}},
    "rollout": {
        "steps": [{"weight": 5, "pauseSeconds": 600}, {"weight": 25, "pauseSeconds": 3600}],
        "checks": [{"name": "errors", "metric": "ErrorRate", "max": 0.01}],
        "minSamples": 500,
        "onInconclusive": "Hold",
        "keepStableSeconds": 3600,
    },
    "inferenceLog": {"sampleFraction": 0.5, "retentionSeconds": 86_400, "flushSeconds": 30},
    "suspend": True,
    "overrides": OVERRIDES,
}

_SERVED: Changes = {"version": "7", "digest": DIGEST, "uri": "file:///artifacts/models/sha256-1", "since": NOW}

_STATUS: Changes = {
    "observedGeneration": 1,
    "backend": "Deployment",
    "url": "http://pd.team.svc.cluster.local",
    "readyReplicas": 2,
    "stable": _SERVED,
    "candidate": {
        "version": "8",
        "phase": "Canary",
        "digest": DIGEST,
        "uri": "file:///artifacts/models/sha256-2",
        "step": 0,
        "weight": 31,
        "phaseTime": NOW,
        "number": 2,
        "attempt": 1,
        "failures": 1,
        "failureTime": NOW,
        "failure": "It was away.",
        "failureReason": "TrackingUnavailable",
    },
    "previous": {**_SERVED, "version": "6", "until": NOW},
    "candidates": 2,
    "quarantined": [{"digest": DIGEST, "version": "5", "reason": "CheckFailed", "message": "errors", "time": NOW}],
    "released": "4",
    "conditions": [CONDITION],
}

_POLICY: Changes = {"retrainPolicyRef": {"name": "pd"}}
_FOLLOWING: Changes = {"spec.model.version": None, "spec.versionFrom": _POLICY}

_RULES: Rules = {
    **shared.POD,
    ("spec", "exactly one of model.version and versionFrom must be set"): (
        [{}, _FOLLOWING],
        [{"spec.model.version": None}, {"spec.versionFrom": _POLICY}],
        "spec: Required value: exactly one of model.version and versionFrom must be set",
    ),
    (STEPS, "the weights of the steps must rise"): (
        [{STEPS: []}, {STEPS: [{"weight": 5, "pauseSeconds": 1}]}, {STEPS: _SPEC["rollout"]["steps"]}],
        [
            {STEPS: [{"weight": 25, "pauseSeconds": 1}, {"weight": 5, "pauseSeconds": 1}]},
            {STEPS: [{"weight": 25, "pauseSeconds": 1}, {"weight": 25, "pauseSeconds": 2}]},
        ],
        "the weights of the steps must rise",
    ),
}


def _beside(change: Changes) -> Changes:
    heaviest = change.get(f"{STEPS}[0].weight") == 99
    return ({f"{STEPS}[1]": None} if heaviest else {}) | shared.beside(change)


MODEL_SERVICE = Written(
    kind="ModelService",
    plural="modelservices",
    spec=_SPEC,
    status=_STATUS,
    rules=_RULES,
    alternatives={"spec.versionFrom": _FOLLOWING},
    fixed={"model.name": {"spec.model.name": "other"}, "backend": {"spec.backend": "KServe"}},
    items=shared.ITEMS
    | {
        STEPS: lambda index: {"weight": index + 1, "pauseSeconds": 60},
        f"{ROLLOUT}.checks": lambda index: {"name": f"c{index}", "metric": "ErrorRate", "max": 1},
        "status.quarantined": lambda index: {
            "digest": f"sha256:{index:064x}",
            "version": "1",
            "reason": "R",
            "message": "m",
            "time": NOW,
        },
    },
    beside=_beside,
)

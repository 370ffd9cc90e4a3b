"""How a run goes: the spec of a RetrainPolicy has it, and the status of a RetrainRun that has begun."""

from collections.abc import Callable
from typing import Any

from tests.apiserver.rules.kinds import shared
from tests.apiserver.rules.kinds.shared import OVERRIDES
from tests.apiserver.rules.kinds.training_run import TRAINING_RUN
from tests.apiserver.rules.written import Changes, Rules

_NO_FIELDS_OF_A_TEMPLATE = ("suspend", "data")

PLAN: Changes = {
    "template": {
        **{name: value for name, value in TRAINING_RUN.spec.items() if name not in _NO_FIELDS_OF_A_TEMPLATE},
        "data": {"datasetRef": {"name": "loans"}, "split": TRAINING_RUN.spec["data"]["split"]},
        "overrides": OVERRIDES,
    },
    "gates": [
        {
            "name": "auc",
            "metric": "AUC",
            "slices": ["state"],
            "versusChampion": {"maxRegression": 0.01},
            "minSupport": 500,
            "confidence": 0.95,
        }
    ],
    "firstRun": "Hold",
    "approval": "Manual",
    "serviceRef": {"name": "pd"},
    "watch": {"seconds": 600, "monitorRef": {"name": "pd"}},
    "mode": "DryRun",
}

_GATE = "spec.gates[0]"
_BOUND: Changes = {f"{_GATE}.versusChampion": None}
_TEMPLATE = {
    key: rule
    for key, rule in TRAINING_RUN.rules.items()
    if key[0].startswith(("spec.data.split", "spec.target", "spec.resources", "spec.overrides"))
}
_RULES: Rules = {
    ("spec.gates[]", "exactly one of min, max and versusChampion must be set"): (
        [{}, _BOUND | {f"{_GATE}.min": 0.5}, _BOUND | {f"{_GATE}.max": 0.5}],
        [_BOUND, {f"{_GATE}.min": 0.5}, _BOUND | {f"{_GATE}.min": 0.5, f"{_GATE}.max": 0.6}],
        "spec.gates[0]: Required value: exactly one of min, max and versusChampion must be set",
    ),
    ("spec.gates[]", "slices must be set for AdverseImpactRatio: the groups that are compared"): (
        [{f"{_GATE}.metric": "AdverseImpactRatio"}, {f"{_GATE}.slices": None}],
        [{f"{_GATE}.metric": "AdverseImpactRatio", f"{_GATE}.slices": []}],
        "spec.gates[0].slices: Required value: slices must be set for AdverseImpactRatio",
    ),
    ("spec.gates[].versusChampion", "exactly one of minDelta and maxRegression must be set"): (
        [{f"{_GATE}.versusChampion": {"minDelta": 0.01}}, {}],
        [{f"{_GATE}.versusChampion": {}}, {f"{_GATE}.versusChampion.minDelta": 0.01}],
        "spec.gates[0].versusChampion: Required value: exactly one of minDelta and maxRegression must be set",
    ),
}
_ALTERNATIVES: dict[str, Changes] = {
    "spec.gates[].min": _BOUND | {f"{_GATE}.min": 0.5},
    "spec.gates[].max": _BOUND | {f"{_GATE}.max": 0.5},
    "spec.gates[].versusChampion.minDelta": {f"{_GATE}.versusChampion": {"minDelta": 0.01}},
}


def rules(at: str) -> Rules:
    """The rules of a plan that lies there, such as at `spec`."""
    of_template: Rules = _moved(_TEMPLATE, "spec", f"{at}.template")
    found: Rules = of_template | _moved(_RULES, "spec", at)
    if at == "spec":
        return {
            key: ([change for change in good if _by_time(change)] or [{}], *rest)
            for key, (good, *rest) in found.items()
        }
    return {key: (_full(good), _full(bad), says) for key, (good, bad, says) in found.items()}


def _by_time(change: Changes) -> bool:
    """Whether it leaves the split by time: a policy takes no other, though the plan of an older run may have it."""
    return change.get("spec.template.data.split", {"type": "Time"}).get("type") == "Time"


def _full(changes: list[Changes]) -> list[Changes]:
    """Those that need no defaults: the API server sets none in a status, where we write every field ourselves."""
    lacking: tuple[Changes, ...] = ({}, {"column": "t"})
    return [change for change in changes if not any(value in lacking for value in change.values())]


def alternatives(at: str) -> dict[str, Changes]:
    """What cannot be set together in it."""
    moved: dict[str, Changes] = _moved(_ALTERNATIVES, "spec", at)
    return moved


def items(at: str) -> dict[str, Callable[[int], Changes]]:
    """Items of its lists."""
    overrides = {path: item for path, item in shared.ITEMS.items() if path.startswith("spec.overrides")}
    return {path.replace("spec", f"{at}.template", 1): item for path, item in overrides.items()} | {
        f"{at}.gates": lambda index: {"name": f"g{index}", "metric": "AUC", "min": 0.5}
    }


def beside(at: str) -> Callable[[Changes], Changes]:
    """What a change in it needs beside it."""

    def needed(change: Changes) -> Changes:
        moved: Changes = _moved(TRAINING_RUN.beside(_moved(change, f"{at}.template", "spec")), "spec", f"{at}.template")
        return moved

    return needed


def _moved(value: Any, before: str, after: str) -> Any:
    """The same with every path below `before` as one below `after`."""
    if isinstance(value, str):
        return after + value.removeprefix(before) if value.startswith(f"{before}.") else value
    if isinstance(value, dict):
        return {_moved(key, before, after): _moved(item, before, after) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_moved(item, before, after) for item in value)
    return value

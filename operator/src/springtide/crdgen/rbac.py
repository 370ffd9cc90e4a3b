"""The access rules of the chart: the operator's from the table that its client obeys, the users' from the kinds."""

from collections.abc import Iterable
from typing import Any

from springtide.api.constants import GROUP
from springtide.cluster.access import ACCESS, Access
from springtide.crdgen.kinds import Kind

_VIEW = ("get", "list", "watch")
_EDIT = (*_VIEW, "create", "update", "patch", "delete")
_ADMIN = (*_EDIT, "deletecollection")


def access_rules(kinds: Iterable[Kind]) -> dict[str, list[dict[str, Any]]]:
    """RBAC rules: of the operator by scope (`run`, `lease`), of people by role (`view`, `edit`, `admin`)."""
    resources = [kind.resource.plural for kind in kinds]
    return {
        "run": [_operator_rule(access) for access in ACCESS if access.scope == "run"],
        "lease": [_operator_rule(access) for access in ACCESS if access.scope == "lease"],
        "view": _user_rules(resources, _VIEW),
        "edit": _user_rules(resources, _EDIT),
        "admin": _user_rules(resources, _ADMIN),
    }


def _operator_rule(access: Access) -> dict[str, Any]:
    rule: dict[str, Any] = {"apiGroups": [access.group], "resources": [access.resource], "verbs": list(access.verbs)}
    return rule | ({"resourceNames": list(access.names)} if access.names else {})


def _user_rules(resources: list[str], verbs: tuple[str, ...]) -> list[dict[str, Any]]:
    """Nobody but the operator writes a status."""
    return [
        {"apiGroups": [GROUP], "resources": resources, "verbs": list(verbs)},
        {"apiGroups": [GROUP], "resources": [f"{resource}/status" for resource in resources], "verbs": ["get"]},
    ]

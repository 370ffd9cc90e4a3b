"""Pods are restricted, and the operator may do what it does and nothing more."""

from typing import Any

import pytest

from tests.chart.render import MONITORING, VARIANTS, Rendered, rendered

EVERY_VARIANT = pytest.mark.parametrize("values", VARIANTS.values(), ids=VARIANTS)

FORBIDDEN_VERBS = {"*", "escalate", "bind", "impersonate", "deletecollection"}
FORBIDDEN_RESOURCES = {
    "*", "secrets", "nodes", "nodes/proxy", "pods/exec", "pods/attach", "pods/portforward", "pods/ephemeralcontainers",
    "pods/log", "serviceaccounts", "serviceaccounts/token", "roles", "rolebindings", "clusterroles",
    "clusterrolebindings", "mutatingwebhookconfigurations", "validatingwebhookconfigurations",
    "customresourcedefinitions", "namespaces", "configmaps",
}  # fmt: skip


def operator_rules(documents: Rendered) -> list[dict[str, Any]]:
    roles = [*documents.of("Role"), *documents.of("ClusterRole")]
    return [rule for role in roles if "operator" in role["metadata"]["name"] for rule in role["rules"]]


@EVERY_VARIANT
def test_every_pod_satisfies_the_restricted_standard_and_writes_to_no_image(values: dict[str, Any]):
    for name, pod in rendered(values, apis=MONITORING).pods().items():
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["runAsUser"] == 10001
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["enableServiceLinks"] is False
        assert not pod.keys() & {"hostNetwork", "hostPID", "hostIPC"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"]["memory"]
            assert container["resources"]["requests"].keys() >= {"cpu", "memory"}
        for volume in pod.get("volumes", []):
            (source,) = volume.keys() - {"name"}
            assert source in {"configMap", "emptyDir", "persistentVolumeClaim"}


@EVERY_VARIANT
def test_only_the_operator_has_a_token(values: dict[str, Any]):
    tokens = {name for name, pod in rendered(values).pods().items() if pod["automountServiceAccountToken"]}
    assert tokens == {"springtide-operator"}


@EVERY_VARIANT
def test_the_operator_is_granted_nothing_that_is_forbidden(values: dict[str, Any]):
    rules = operator_rules(rendered(values))
    assert rules
    for rule in rules:
        assert not FORBIDDEN_VERBS & set(rule["verbs"]), rule
        assert not FORBIDDEN_RESOURCES & set(rule["resources"]), rule
        assert "*" not in rule["apiGroups"]


def test_the_operator_watches_nothing_that_the_cluster_need_not_serve():
    rules = operator_rules(rendered({}))
    optional = [rule for rule in rules if {"serving.kserve.io", "kueue.x-k8s.io"} & set(rule["apiGroups"])]
    assert {resource for rule in optional for resource in rule["resources"]} == {"inferenceservices", "workloads"}
    assert all("watch" not in rule["verbs"] for rule in optional)


def test_the_operator_changes_no_lease_but_its_own():
    (role,) = [role for role in rendered({}).of("Role") if role["metadata"]["name"] == "springtide-operator-lease"]
    changing = [rule for rule in role["rules"] if set(rule["verbs"]) - {"create"}]
    assert changing
    assert all(rule["resourceNames"] == ["springtide-operator"] for rule in changing)


def test_with_namespaces_named_the_operator_has_no_rights_elsewhere():
    documents = rendered(VARIANTS["two namespaces"])
    assert not documents.of("ClusterRoleBinding")
    assert not [role for role in documents.of("ClusterRole") if "operator" in role["metadata"]["name"]]
    places = {binding["metadata"].get("namespace") for binding in documents.of("RoleBinding")}
    assert places == {"team-a", "team-b", None}  # None: the lease, in the release's own


def test_people_get_roles_that_are_added_to_the_clusters_own():
    roles = {role["metadata"]["name"]: role for role in rendered({}).of("ClusterRole")}
    for name in ("view", "edit", "admin"):
        role = roles[f"springtide-{name}"]
        assert role["metadata"]["labels"][f"rbac.authorization.k8s.io/aggregate-to-{name}"] == "true"
    viewing = {verb for rule in roles["springtide-view"]["rules"] for verb in rule["verbs"]}
    assert viewing == {"get", "list", "watch"}


@EVERY_VARIANT
def test_nobody_but_the_operator_may_write_a_status(values: dict[str, Any]):
    for role in rendered(values).of("ClusterRole"):
        if not role["metadata"]["name"].endswith("operator"):
            assert all(rule["verbs"] == ["get"] for rule in role["rules"] if "/status" in "".join(rule["resources"]))

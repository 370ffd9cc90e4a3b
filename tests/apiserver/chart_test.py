"""The chart on a real API server: what it accepts, what may be done then, and what is left after an uninstall."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from springtide.cluster.access import ACCESS, LEASE_NAME

from tests.apiserver.rules.kinds.training_run import TRAINING_RUN
from tests.apiserver.server import ApiServer
from tests.chart.render import CHART, NAMESPACE, VARIANTS, flags, helm, rendered

OPERATOR = f"system:serviceaccount:{NAMESPACE}:springtide-operator"
RUNS = f"/apis/springtide.dev/v1alpha1/namespaces/{NAMESPACE}/trainingruns"
DEPLOYMENT = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/springtide-operator"


@pytest.fixture(scope="module", autouse=True)
def namespaces(api_server: ApiServer) -> None:
    restricted = {"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/warn": "restricted"}
    for name in (NAMESPACE, "team-a", "team-b"):
        api_server.request("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": restricted}})


@pytest.mark.parametrize("values", VARIANTS.values(), ids=VARIANTS)
def test_the_api_server_accepts_all_that_is_rendered_without_a_warning(values: dict[str, Any], api_server: ApiServer):
    documents = [placed(document) for document in rendered(values).documents]
    options = ("--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "--warnings-as-errors")
    api_server.kubectl("apply", *options, "-f", "-", document=yaml.safe_dump_all(documents))


def placed(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the namespace that Helm would send it to."""
    if document["kind"] in ("ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "PriorityClass"):
        return document
    return document | {"metadata": {"namespace": NAMESPACE} | document["metadata"]}


@pytest.fixture
def release(api_server: ApiServer) -> Iterator[Callable[..., str]]:
    """Helm on this API server; whatever is installed is uninstalled."""

    def run(*arguments: str) -> str:
        done = helm(*arguments, "--namespace", NAMESPACE, "--kubeconfig", str(api_server.kubeconfig))
        assert done.returncode == 0, done.stderr
        return done.stdout

    yield run
    helm(
        "uninstall",
        "springtide",
        "--ignore-not-found",
        "--namespace",
        NAMESPACE,
        "--kubeconfig",
        str(api_server.kubeconfig),
    )


# The definitions are there already, for the other tests: a release does not take what is not its own unless told to.
INSTALL = ("upgrade", "--install", "springtide", str(CHART), "--take-ownership")


def settings_in_use(api_server: ApiServer) -> str:
    template = api_server.request("GET", DEPLOYMENT).json()["spec"]["template"]
    return str(template["metadata"]["annotations"]["checksum/platform"])


def test_what_people_made_survives_upgrade_uninstall_and_a_new_install(
    api_server: ApiServer, release: Callable[..., str]
):
    notes = release(*INSTALL)
    assert "kubectl get trainingruns --watch" in notes
    api_server.request("POST", RUNS, TRAINING_RUN.document("precious")).raise_for_status()
    uid = api_server.request("GET", f"{RUNS}/precious").json()["metadata"]["uid"]
    before = settings_in_use(api_server)

    release(*INSTALL, *flags({"workloads.scratchSize": "20Gi"}))
    assert settings_in_use(api_server) != before

    release("uninstall", "springtide")
    assert api_server.request("GET", DEPLOYMENT).status_code == 404
    assert api_server.request("GET", f"{RUNS}/precious").json()["metadata"]["uid"] == uid
    claim = f"/api/v1/namespaces/{NAMESPACE}/persistentvolumeclaims/springtide-mlflow"
    claim_uid = api_server.request("GET", claim).json()["metadata"]["uid"]

    release("upgrade", "--install", "springtide", str(CHART))  # what was kept is taken back without being told to
    assert api_server.request("GET", f"{RUNS}/precious").json()["metadata"]["uid"] == uid
    assert api_server.request("GET", claim).json()["metadata"]["uid"] == claim_uid
    api_server.request("DELETE", f"{RUNS}/precious")


def test_an_upgrade_brings_changed_definitions(api_server: ApiServer, release: Callable[..., str]):
    crd = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/trainingruns.springtide.dev"
    release(*INSTALL)
    older = {"spec": {"names": {"shortNames": ["old"]}}}
    api_server.request("PATCH", crd, older).raise_for_status()
    release(*INSTALL, "--force-conflicts") if "--force-conflicts" in helm("upgrade", "--help").stdout else release(
        *INSTALL
    )
    assert api_server.request("GET", crd).json()["spec"]["names"]["shortNames"] == ["trun"]


@pytest.fixture
def installed(release: Callable[..., str]) -> None:
    release(*INSTALL)


def may(
    api_server: ApiServer, user: str, verb: str, group: str, resource: str, *, namespace: str, name: str = ""
) -> bool:
    """What the authorizer of the API server says."""
    kind, _, subresource = resource.partition("/")
    attributes = {"verb": verb, "group": group, "resource": kind, "subresource": subresource}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "resourceAttributes": attributes | {"namespace": namespace, "name": name}},
    }
    reply = api_server.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    return bool(reply.json()["status"]["allowed"])


@pytest.mark.usefixtures("installed")
def test_the_operator_may_do_what_it_does_and_nothing_more(api_server: ApiServer):
    for access in ACCESS:
        namespace = "team-a" if access.scope == "run" else NAMESPACE
        for verb in access.verbs:
            name = access.names[0] if access.names else ""
            assert may(api_server, OPERATOR, verb, access.group, access.resource, namespace=namespace, name=name), (
                access
            )

    for verb, group, resource, namespace in (
        ("get", "", "secrets", NAMESPACE),
        ("list", "", "secrets", "team-a"),
        ("create", "", "pods", "team-a"),
        ("create", "", "pods/exec", "team-a"),
        ("get", "", "pods/log", "team-a"),
        ("delete", "", "persistentvolumeclaims", "team-a"),
        ("update", "springtide.dev", "trainingruns", "team-a"),
        ("delete", "springtide.dev", "trainingruns", "team-a"),
        ("create", "rbac.authorization.k8s.io", "rolebindings", NAMESPACE),
        ("create", "coordination.k8s.io", "leases", "team-a"),
        ("list", "", "nodes", ""),
    ):
        assert not may(api_server, OPERATOR, verb, group, resource, namespace=namespace), (verb, resource)
    other = {"namespace": NAMESPACE, "name": "kube-scheduler"}
    assert not may(api_server, OPERATOR, "update", "coordination.k8s.io", "leases", **other)
    assert may(api_server, OPERATOR, "update", "coordination.k8s.io", "leases", namespace=NAMESPACE, name=LEASE_NAME)


@pytest.mark.usefixtures("installed")
def test_who_may_view_or_edit_a_namespace_may_view_or_edit_its_runs(api_server: ApiServer, namespace: str):
    for role in ("view", "edit"):
        binding = {
            "metadata": {"name": role},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": f"{role}er"}],
        }
        path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings"
        api_server.request("POST", path, binding).raise_for_status()

    def ask(user: str, verb: str, resource: str = "trainingruns") -> bool:
        return may(api_server, user, verb, "springtide.dev", resource, namespace=namespace)

    until(lambda: ask("viewer", "list") and ask("editer", "create"), "the roles to be aggregated")
    assert not ask("viewer", "create")
    assert not ask("editer", "deletecollection")
    assert not ask("editer", "patch", "trainingruns/status")


def until(condition: Callable[[], bool], what: str, *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.1)

"""What the operator and the pods may do, asked of the cluster itself."""

import json

import pytest

from tests.kind.cluster import CommandError, Document, Namespace, command, example, workloads_image

OPERATOR = "system:serviceaccount:springtide-system:springtide-operator"
GROUPS = ["system:serviceaccounts", "system:serviceaccounts:springtide-system", "system:authenticated"]
MLFLOW = "http://springtide-mlflow.springtide-system.svc:5000/health"


def _may(verb: str, resource: str, *, namespace: str = "default") -> bool:
    """Asked as Kubernetes itself asks at each request. resource: name.group/subresource, the last two as needed."""
    path, _, subresource = resource.partition("/")
    name, _, group = path.partition(".")
    attributes = {"namespace": namespace, "verb": verb, "resource": name, "group": group, "subresource": subresource}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": OPERATOR, "groups": GROUPS, "resourceAttributes": attributes},
    }
    answer = json.loads(command("kubectl", "create", "--filename", "-", "--output", "json", stdin=json.dumps(review)))
    return bool(answer["status"]["allowed"])


@pytest.mark.parametrize("verb", ["get", "list", "watch", "create", "update", "delete"])
@pytest.mark.parametrize("namespace", ["default", "kube-system", "springtide-system"])
@pytest.mark.usefixtures("system")
def test_the_operator_cannot_touch_secrets(verb: str, namespace: str) -> None:
    assert not _may(verb, "secrets", namespace=namespace)


@pytest.mark.parametrize(
    ("verb", "resource"),
    [
        ("create", "pods"),
        ("create", "pods/exec"),
        ("get", "configmaps"),
        ("delete", "persistentvolumeclaims"),
        ("patch", "datasets.springtide.dev"),
        ("patch", "modelservices.springtide.dev"),
        ("patch", "retrainpolicies.springtide.dev"),
        ("delete", "trainingruns.springtide.dev"),
        ("create", "clusterrolebindings.rbac.authorization.k8s.io"),
        ("impersonate", "users"),
    ],
)
@pytest.mark.usefixtures("system")
def test_the_operator_may_not_do_what_it_need_not(verb: str, resource: str) -> None:
    assert not _may(verb, resource)


@pytest.mark.usefixtures("system")
def test_the_operator_may_make_jobs_and_runs_and_write_status() -> None:
    assert _may("patch", "jobs.batch")
    assert _may("patch", "trainingruns.springtide.dev")
    assert _may("patch", "trainingruns.springtide.dev/status")


def test_the_pods_of_the_platform_keep_to_the_restricted_standard(system: Namespace) -> None:
    label = "pod-security.kubernetes.io/enforce=restricted"
    told = command("kubectl", "label", "--dry-run=server", "--overwrite", "namespace", system.name, label)
    assert "violate" not in told.lower()


def _a_visitor(*, is_workload: bool) -> Document:
    """A pod that asks MLflow whether it is well, and ends well if it is answered."""
    pod = next(document for document in example("census-data.yaml") if document["kind"] == "Pod")
    name = "workload" if is_workload else "visitor"
    container = pod["spec"]["containers"][0]
    ask = f"from urllib.request import urlopen; urlopen({MLFLOW!r}, timeout=5)"
    # A rule follows a new pod within moments, not at once.
    wait = f"for i in 1 2 3; do python -c '{ask.replace(chr(39), chr(34))}' && exit 0; done; exit 1"
    del container["volumeMounts"], pod["spec"]["volumes"]
    container |= {"image": workloads_image(), "command": ["sh", "-c", wait]}
    pod["metadata"] = {"name": name, "labels": {"springtide.dev/kind": "TrainingRun"} if is_workload else {}}
    return dict(pod)


def test_mlflow_lets_in_workloads_and_nobody_else(team: Namespace) -> None:
    team.apply(_a_visitor(is_workload=True), _a_visitor(is_workload=False))
    team.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/workload", "--timeout=60s")
    team.kubectl("wait", "--for=jsonpath={.status.phase}=Failed", "pod/visitor", "--timeout=60s")
    assert "timed out" in team.kubectl("logs", "visitor")


def test_a_pod_that_is_not_restricted_is_refused_where_runs_are(team: Namespace) -> None:
    pod = _a_visitor(is_workload=False)
    pod["spec"]["securityContext"] = {}
    with pytest.raises(CommandError, match="violates PodSecurity"):
        team.apply(pod | {"metadata": {"name": "unrestricted"}})

"""Every rule of a CRD accepts what it should and refuses what it should, in words a person understands."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.apiserver.rules import written
from tests.apiserver.rules.cases import Case, case_for, is_immutability, unused
from tests.apiserver.rules.documents import changed
from tests.apiserver.rules.kinds.dataset import DATASET
from tests.apiserver.rules.kinds.drift_monitor import DRIFT_MONITOR
from tests.apiserver.rules.kinds.model_service import MODEL_SERVICE
from tests.apiserver.rules.kinds.retrain_policy import RETRAIN_POLICY
from tests.apiserver.rules.kinds.retrain_run import RETRAIN_RUN
from tests.apiserver.rules.kinds.training_run import TRAINING_RUN
from tests.apiserver.rules.schema import CRDS, Constraint, constraints, load, root
from tests.apiserver.rules.written import Changes, Written
from tests.apiserver.server import ApiServer

GROUP = "/apis/springtide.dev/v1alpha1"
KINDS = (TRAINING_RUN, DATASET, DRIFT_MONITOR, MODEL_SERVICE, RETRAIN_POLICY, RETRAIN_RUN)
CONSTRAINTS = tuple((kind, item) for kind in KINDS for item in constraints(root(load(kind.plural))))
CREATION = [
    (kind, item) for kind, item in CONSTRAINTS if not item.path.startswith("status") and not is_immutability(item)
]
STATUS = [(kind, item) for kind, item in CONSTRAINTS if item.path.startswith("status")]
FIXED = [(kind, item.message.split(maxsplit=1)[0]) for kind, item in CONSTRAINTS if is_immutability(item)]
FIELDS = [field for kind, field in FIXED if kind is TRAINING_RUN]


class Resource:
    """Objects of one kind in one namespace; nothing is kept but the one that is there."""

    def __init__(self, server: ApiServer, kind: Written) -> None:
        self.server = server
        self.kind = kind
        self.path = f"{GROUP}/namespaces/{server.new_namespace()}/{kind.plural}"
        created = server.request("POST", self.path, kind.document())
        assert created.status_code == 201, created.text
        self.existing: dict[str, Any] = created.json()

    def create(self, changes: Changes) -> tuple[int, str]:
        """What the API server answers to a new document."""
        document = changed(self.kind.document("new"), changes)
        return self._answer(self.server.request("POST", self.path, document, dryRun="All", fieldValidation="Strict"))

    def update(self, changes: Changes) -> tuple[int, str]:
        """What it answers to other values in the one that exists."""
        document = changed(self.existing, changes)
        return self._answer(self.server.request("PUT", f"{self.path}/it", document, dryRun="All"))

    def write_status(self, changes: Changes) -> tuple[int, str]:
        """What it answers to a status."""
        document = changed(self.existing | {"status": self.kind.document()["status"]}, changes)
        return self._answer(self.server.request("PUT", f"{self.path}/it/status", document, dryRun="All"))

    @staticmethod
    def _answer(reply: Any) -> tuple[int, str]:
        return reply.status_code, reply.json().get("message", "")


@pytest.fixture(scope="module")
def resources(api_server: ApiServer) -> Iterator[dict[str, Resource]]:
    return {kind.kind: Resource(api_server, kind) for kind in KINDS}


@pytest.fixture(scope="module")
def runs(resources: dict[str, Resource]) -> Resource:
    return resources["TrainingRun"]


def check(case: Case, send: Any) -> None:
    for changes in case.accepted:
        code, message = send(changes)
        assert code in (200, 201), f"refused {changes}: {message}"
    for changes in case.refused:
        code, message = send(changes)
        assert code == 422, f"accepted {changes}"
        assert case.says in message


def name_of(value: Any) -> str:
    return value.kind if isinstance(value, Written) else str(value)


@pytest.mark.parametrize(("kind", "constraint"), CREATION, ids=name_of)
def test_a_new_document_must_keep(kind: Written, constraint: Constraint, resources: dict[str, Resource]):
    check(case_for(constraint, kind), resources[kind.kind].create)


@pytest.mark.parametrize(("kind", "constraint"), STATUS, ids=name_of)
def test_a_status_must_keep(kind: Written, constraint: Constraint, resources: dict[str, Resource]):
    check(case_for(constraint, kind), resources[kind.kind].write_status)


@pytest.mark.parametrize(("kind", "field"), FIXED, ids=name_of)
def test_a_field_cannot_be_changed(kind: Written, field: str, resources: dict[str, Resource]):
    code, message = resources[kind.kind].update(kind.fixed[field])
    assert code == 422
    assert f"spec.{field}: Forbidden: {field} cannot be changed: create another {kind.kind}" in message


@pytest.mark.parametrize("field", ["deadlineSeconds", "queueName", "evaluation", "overrides"])
def test_an_optional_field_can_neither_be_removed_nor_added(field: str, runs: Resource, api_server: ApiServer):
    code, message = runs.update({f"spec.{field}": None})
    assert code == 422
    assert f"spec.{field}: Forbidden" in message

    bare = changed(TRAINING_RUN.document("bare"), {f"spec.{field}": None})
    created = api_server.request("POST", runs.path, bare | {"metadata": {"generateName": "bare-"}}).json()
    created["spec"][field] = TRAINING_RUN.document()["spec"][field]
    reply = api_server.request("PUT", f"{runs.path}/{created['metadata']['name']}", created)
    assert reply.status_code == 422
    assert f"spec.{field}: Forbidden" in reply.json()["message"]


def test_only_suspend_can_be_changed(runs: Resource):
    assert {"suspend", *FIELDS} == set(root(load("trainingruns"))["properties"]["spec"]["properties"])
    assert runs.update({"spec.suspend": False}) == (200, "")
    assert runs.update({}) == (200, "")


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
def test_nothing_is_written_down_that_no_rule_asks_for(kind: Written):
    assert not unused(kind.rules, [item for other, item in CONSTRAINTS if other is kind])
    assert set(kind.fixed) == {field for other, field in FIXED if other is kind}
    assert set(written.PATTERNS) == {item.value for _, item in CONSTRAINTS if item.key == "pattern"}


def test_every_kind_is_written_down():
    assert {f"springtide.dev_{kind.plural}.yaml" for kind in KINDS} == {path.name for path in CRDS.iterdir()}

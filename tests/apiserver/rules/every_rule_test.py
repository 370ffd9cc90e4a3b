"""Every rule of a CRD accepts what it should and refuses what it should, in words a person understands."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.apiserver.rules import written
from tests.apiserver.rules.cases import Case, case_for, is_immutability, unused
from tests.apiserver.rules.documents import changed, training_run
from tests.apiserver.rules.schema import Constraint, constraints, load, root
from tests.apiserver.server import ApiServer

GROUP = "/apis/springtide.dev/v1alpha1"
CONSTRAINTS = tuple(constraints(root(load("trainingruns"))))
CREATION = [item for item in CONSTRAINTS if not item.path.startswith("status") and not is_immutability(item)]
STATUS = [item for item in CONSTRAINTS if item.path.startswith("status")]
FIELDS = [item.message.split(maxsplit=1)[0] for item in CONSTRAINTS if is_immutability(item)]


class Resource:
    """TrainingRuns of one namespace; nothing is kept but `run`."""

    def __init__(self, server: ApiServer) -> None:
        self.server = server
        self.path = f"{GROUP}/namespaces/{server.new_namespace()}/trainingruns"
        created = server.request("POST", self.path, training_run("run"))
        assert created.status_code == 201, created.text
        self.existing: dict[str, Any] = created.json()

    def create(self, changes: dict[str, Any]) -> tuple[int, str]:
        """What the API server answers to a new document."""
        document = changed(training_run("new"), changes)
        return self._answer(self.server.request("POST", self.path, document, dryRun="All", fieldValidation="Strict"))

    def update(self, changes: dict[str, Any]) -> tuple[int, str]:
        """What it answers to other values in the one that exists."""
        document = changed(self.existing, changes)
        return self._answer(self.server.request("PUT", f"{self.path}/run", document, dryRun="All"))

    def write_status(self, changes: dict[str, Any]) -> tuple[int, str]:
        """What it answers to a status."""
        document = changed(self.existing | {"status": training_run()["status"]}, changes)
        return self._answer(self.server.request("PUT", f"{self.path}/run/status", document, dryRun="All"))

    @staticmethod
    def _answer(reply: Any) -> tuple[int, str]:
        return reply.status_code, reply.json().get("message", "")


@pytest.fixture(scope="module")
def runs(api_server: ApiServer) -> Iterator[Resource]:
    return Resource(api_server)


def check(case: Case, send: Any) -> None:
    for changes in case.accepted:
        code, message = send(changes)
        assert code in (200, 201), f"refused {changes}: {message}"
    for changes in case.refused:
        code, message = send(changes)
        assert code == 422, f"accepted {changes}"
        assert case.says in message


@pytest.mark.parametrize("constraint", CREATION, ids=str)
def test_a_new_document_must_keep(constraint: Constraint, runs: Resource):
    check(case_for(constraint), runs.create)


@pytest.mark.parametrize("constraint", STATUS, ids=str)
def test_a_status_must_keep(constraint: Constraint, runs: Resource):
    check(case_for(constraint), runs.write_status)


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_cannot_be_changed(field: str, runs: Resource):
    code, message = runs.update(written.CHANGES[field])
    assert code == 422
    assert f"spec.{field}: Forbidden: {field} cannot be changed: create another TrainingRun" in message


@pytest.mark.parametrize("field", ["deadlineSeconds", "queueName", "evaluation", "overrides"])
def test_an_optional_field_can_neither_be_removed_nor_added(field: str, runs: Resource, api_server: ApiServer):
    code, message = runs.update({f"spec.{field}": None})
    assert code == 422
    assert f"spec.{field}: Forbidden" in message

    bare = changed(training_run("bare"), {f"spec.{field}": None})
    created = api_server.request("POST", runs.path, bare | {"metadata": {"generateName": "bare-"}}).json()
    created["spec"][field] = training_run()["spec"][field]
    reply = api_server.request("PUT", f"{runs.path}/{created['metadata']['name']}", created)
    assert reply.status_code == 422
    assert f"spec.{field}: Forbidden" in reply.json()["message"]


def test_only_suspend_can_be_changed(runs: Resource):
    assert {"suspend", *FIELDS} == set(root(load("trainingruns"))["properties"]["spec"]["properties"])
    assert runs.update({"spec.suspend": False}) == (200, "")
    assert runs.update({}) == (200, "")


def test_nothing_is_written_down_that_no_rule_asks_for():
    assert not unused(written.RULES, CONSTRAINTS)
    assert set(written.CHANGES) == set(FIELDS)
    assert set(written.PATTERNS) == {item.value for item in CONSTRAINTS if item.key == "pattern"}

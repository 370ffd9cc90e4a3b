"""The same service with a real KServe: it serves, takes over without a failed request, and goes back."""

import pytest

from tests.kind.cluster import REPOSITORY, Namespace, command, wait_for
from tests.kind.operator_pods import let_it_know
from tests.kind.serving.conftest import Serve
from tests.kind.serving.services import a_service, ask_for, label_of, progress, servers_of, under_load

pytestmark = pytest.mark.timeout(1500)
"""The first build of KServe takes minutes, and belongs to whichever test is the first."""


@pytest.fixture(scope="module")
def team(serving_team: Namespace, system: Namespace) -> Namespace:
    """A namespace with three versions of a model, in a cluster with KServe."""
    command(str(REPOSITORY / "tests" / "cluster" / "kserve" / "kserve.sh"), "start", seconds=900)
    let_it_know(system, "inferenceservices.serving.kserve.io")
    return serving_team


def test_kserve_is_chosen_where_it_is_there_and_runs_the_servers(team: Namespace, serve: Serve):
    name = serve(a_service("on-kserve", backend="Auto"))
    service = team.wait_for_service(name, lambda found: found.ready == "True", what="to serve")
    assert service.status["backend"] == "KServe"
    track = f"{name}-{label_of(service)}"
    team.kubectl("wait", "--for=condition=PredictorReady", f"inferenceservice/{track}", "--timeout=60s")
    pods = servers_of(team, name)
    assert {pod["spec"]["containers"][0]["name"] for pod in pods} == {"kserve-container"}
    assert {pod["metadata"]["labels"]["serving.kserve.io/inferenceservice"] for pod in pods} == {track}
    assert team.read("horizontalpodautoscalers")["items"] == []
    assert team.read("ingresses")["items"] == []


def test_a_version_takes_over_on_kserve_without_a_failed_request(team: Namespace, serve: Serve):
    name = serve(a_service("takes-over-kserve", backend="KServe"))
    with under_load(team, name) as told:
        ask_for(team, name, "2")
        team.wait_for_service(name, lambda found: progress(found) == "Canary", what="to be watched")
        stable = servers_of(team, name)[0]["metadata"]["name"]
        team.kubectl("delete", "pod", stable, "--wait=false")
        team.wait_for_service(
            name, lambda found: found.status["stable"]["version"] == "2" and progress(found) == "TakenOver",
            what="to have taken over", seconds=240,
        )  # fmt: skip
        team.kubectl("wait", "--for=condition=Ready", f"msvc/{name}", "--timeout=60s")
    assert told["failures"] == 0, told
    assert told["versions"].keys() == {"1", "2"}
    assert sum(told["versions"].values()) == told["sent"]


def test_a_version_whose_scores_lie_elsewhere_goes_back_on_kserve(team: Namespace, serve: Serve):
    name = serve(a_service("goes-back-kserve", backend="KServe"))
    with under_load(team, name) as told:
        ask_for(team, name, "3")
        service = team.wait_for_service(
            name, lambda found: progress(found) == "Quarantined", what="to take version 3 back", seconds=240
        )
    assert told["failures"] == 0, told
    assert service.status["stable"]["version"] == "1"
    assert [item["version"] for item in service.status["quarantined"]] == ["3"]
    wait_for(
        lambda: [item["metadata"]["name"] for item in team.children("inferenceservices", name)]
        == [f"{name}-{label_of(service)}"],
        what="the InferenceService of version 3 to be gone", seconds=60, state=lambda: team.state(name, kind="msvc"),
    )  # fmt: skip


def test_an_inference_service_that_somebody_deletes_is_made_again(team: Namespace, serve: Serve):
    name = serve(a_service("deleted-kserve", backend="KServe"))
    (before,) = team.children("inferenceservices", name)
    team.kubectl("delete", "inferenceservice", before["metadata"]["name"])
    wait_for(
        lambda: [item["metadata"]["uid"] for item in team.children("inferenceservices", name)]
        not in ([], [before["metadata"]["uid"]]),
        what="another InferenceService", seconds=60, state=lambda: team.state(name, kind="msvc"),
    )  # fmt: skip
    team.wait_for_service(name, lambda found: found.ready == "True", what="to serve again")

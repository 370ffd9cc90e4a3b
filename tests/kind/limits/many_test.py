"""Two hundred TrainingRuns at once."""

from tests.kind.cluster import Namespace, Run, a_program, wait_for

COUNT = 200


def test_two_hundred_runs_at_once_all_succeed_and_none_runs_twice(team: Namespace) -> None:
    names = [f"many-{number:03}" for number in range(COUNT)]
    team.apply(*(a_program(name, "succeed") for name in names))

    def look() -> dict[str, Run] | None:
        runs = team.runs()
        return runs if all(runs[name].has_ended for name in names) else None

    runs = wait_for(look, what=f"{COUNT} runs to end", seconds=280, state=lambda: team.kubectl("get", "trun"))
    assert {(run.reason, *run.endings) for run in runs.values()} == {("Succeeded", "Succeeded")}
    jobs = [job["metadata"]["labels"]["springtide.dev/name"] for job in team.read("jobs")["items"]]
    assert sorted(jobs) == names
    pods = [pod["metadata"]["labels"]["springtide.dev/name"] for pod in team.read("pods")["items"]]
    assert sorted(pods) == names

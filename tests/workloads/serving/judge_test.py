"""Servers are asked one by one, until a check fails or the time is over."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from springtide.api.constants import Reason
from springtide.api.model_service import Check
from springtide.api.task import JudgeTask, Owner
from springtide_workloads.errors import WorkloadError
from springtide_workloads.process.progress import LogProgress
from springtide_workloads.serving import judge as judging
from springtide_workloads.serving.measures import REQUESTS

OWNER = Owner(kind="ModelService", namespace="team", name="pd", uid="u", attempt=1)


class Server:
    """A server that answers more requests each time somebody looks. faulty: of every so many one fails.

    before: requests that it counted before the first look. late: looks that it misses first. restarts_at: the look
    before which it is started anew, and counts from 0.
    """

    def __init__(
        self, *, each_look: int, faulty: int = 0, before: int = 0, late: int = 0, restarts_at: int | None = None
    ) -> None:
        self.looks, self.each_look, self.faulty = 0, each_look, faulty
        self.total, self.late, self.restarts_at = before, late, restarts_at

    @contextmanager
    def running(self, address: str, port: int = 0) -> Iterator[int]:
        """Its port."""
        mine = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = mine.page().encode()
                self.send_response(200 if mine.looks > mine.late else 503)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer((address, port), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            server.server_close()
            thread.join(5)

    def page(self) -> str:
        self.looks += 1
        self.total = self.each_look + (0 if self.looks == self.restarts_at else self.total)
        total = self.total
        failed = total // self.faulty if self.faulty else 0
        lines = [f"# TYPE {REQUESTS} counter"]
        for outcome, count in (("ok", total - failed), ("client_error", 0), ("server_error", failed)):
            lines.append(f'{REQUESTS}_total{{outcome="{outcome}"}} {count}')
        return "\n".join([*lines, ""])


def a_task(port: int, **fields: object) -> JudgeTask:
    known = {
        "owner": OWNER,
        "store_uri": "file:///artifacts",
        "result_uri": "file:///artifacts/r.json",
        "candidate_host": "127.0.0.1",
        "stable_host": "127.0.0.2",
        "port": port,
        "seconds": 1,
        "min_samples": 100,
        "checks": (Check(name="errors", metric="ErrorRate", max=0.01),),
    }
    return JudgeTask.model_validate(known | fields)


def judge(task: JudgeTask):
    return judging.judge(task, start_time=datetime.now(UTC), progress=LogProgress())


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "EVERY_SECONDS", 0.05)


def test_a_step_without_a_fault_takes_its_time_and_passes():
    candidate, stable = Server(each_look=50), Server(each_look=150)
    with candidate.running("127.0.0.1") as port, stable.running("127.0.0.2", port):
        result = judge(a_task(port))
    assert result.judgement.outcome == "Passed"
    assert result.judgement.weight == 25
    assert result.judgement.requests == (candidate.looks - 1) * 50, "what was counted before the step is not of it"


def test_what_a_server_that_answers_late_counted_before_is_not_of_the_step():
    candidate, stable = Server(each_look=50, before=9_000_000, late=2), Server(each_look=50, before=9_000_000, late=3)
    with candidate.running("127.0.0.1") as port, stable.running("127.0.0.2", port):
        result = judge(a_task(port))
    assert result.judgement.requests == (candidate.looks - 3) * 50
    assert 40 <= result.judgement.weight <= 60


def test_a_server_that_is_started_anew_loses_nothing_of_what_it_counted():
    candidate = Server(each_look=50, restarts_at=3)
    with candidate.running("127.0.0.1") as port:
        result = judge(a_task(port))
    assert candidate.looks > 3, "it was started anew"
    assert result.judgement.requests == (candidate.looks - 1) * 50


def test_a_failed_check_ends_the_step_at_once():
    candidate = Server(each_look=50, faulty=10)
    with candidate.running("127.0.0.1") as port:
        result = judge(a_task(port, seconds=600))
    assert result.judgement.outcome == "Failed"
    assert "errors: share of failed requests 0.1" in result.message


def test_a_candidate_that_nobody_asked_is_inconclusive():
    with Server(each_look=0).running("127.0.0.1") as port:
        result = judge(a_task(port))
    assert result.judgement.outcome == "Inconclusive"
    assert result.message == "0 requests reached the candidate, 100 are needed"


def test_servers_that_cannot_be_asked_are_no_judgement():
    with Server(each_look=1).running("127.0.0.1") as port:
        pass
    with pytest.raises(WorkloadError) as raised:
        judge(a_task(port))
    assert raised.value.reason == Reason.TEMPORARY_FAILURE

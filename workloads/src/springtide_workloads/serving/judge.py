"""The operation `Judge`: watch a candidate beside the stable version, and say whether its checks hold.

Servers are asked every two seconds, each by its own address: a Service would answer for any of them. What a server
counted before it went is not lost.
"""

import socket
import time
import urllib.request
from datetime import datetime

from prometheus_client.parser import text_string_to_metric_families
from springtide.api.constants import Reason
from springtide.api.task import Judgement, JudgeTask, Result

from springtide_workloads.errors import WorkloadError
from springtide_workloads.process.progress import Progress
from springtide_workloads.serving.judgement import judge_counts, sentence
from springtide_workloads.serving.measures import Counted, counted

EVERY_SECONDS = 2.0
ANSWER_SECONDS = 2.0


def judge(task: JudgeTask, *, start_time: datetime, progress: Progress) -> Result:
    """The judgement after `seconds`, or as soon as a check has failed for certain.

    Raises TemporaryFailure where no server of the candidate could be asked at all.
    """
    candidate, stable = _Servers(task.candidate_host, task.port), _Servers(task.stable_host, task.port)
    end = time.monotonic() + task.seconds
    with progress.phase("watching the candidate", total=task.seconds, unit="seconds") as phase:
        while True:
            began = time.monotonic()
            candidate.look()
            stable.look()
            judgement = judge_counts(candidate.seen, stable.seen, checks=task.checks, min_samples=task.min_samples)
            left = end - time.monotonic()
            if judgement.outcome == "Failed" or left <= 0:
                break
            time.sleep(min(EVERY_SECONDS, left))
            phase.advance(round(time.monotonic() - began), requests=judgement.requests)
    if not candidate.answered:
        raise WorkloadError(Reason.TEMPORARY_FAILURE, f"no server at {task.candidate_host} could be asked")
    return _result(judgement, task, start_time=start_time)


def _result(judgement: Judgement, task: JudgeTask, *, start_time: datetime) -> Result:
    return Result(
        status="Succeeded",
        reason=Reason.JUDGED,
        message=sentence(judgement, min_samples=task.min_samples),
        start_time=start_time,
        judgement=judgement,
    )


class _Servers:
    """The servers behind a name, and what they have counted since each of them was first seen.

    seen: all of that. What a server says first is where it begins, even where it comes later: it may be new, and then
    its first two seconds are lost; or old and busy a moment ago, and then its months before are not of this step.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._newest: dict[str, Counted] = {}
        self.seen = Counted()

    @property
    def answered(self) -> bool:
        """Whether any of them ever did."""
        return bool(self._newest)

    def look(self) -> None:
        """Ask those that are there."""
        for address in _addresses(self._host, self._port):
            found = _ask(address, self._port)
            if found is None:
                continue
            # From look to look, so that a server that is started anew, and counts from 0, loses nothing.
            self.seen += found.since(self._newest.get(address, found))
            self._newest[address] = found


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return sorted({str(entry[4][0]) for entry in found})


def _ask(address: str, port: int) -> Counted | None:
    host = f"[{address}]" if ":" in address else address
    try:
        with urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=ANSWER_SECONDS) as answer:
            text = answer.read().decode()
    except (OSError, UnicodeDecodeError):
        return None
    families = text_string_to_metric_families(text)
    return counted((sample.name, sample.labels, sample.value) for family in families for sample in family.samples)

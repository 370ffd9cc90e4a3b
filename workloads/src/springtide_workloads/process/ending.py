"""How a task ends: its result is told exactly once, to the store, to the termination message, by the exit code.

The order matters. The store comes first: a result that only a pod's status holds is lost with the pod.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from springtide.api.constants import Reason
from springtide.api.task import ExitCode, Result

from springtide_workloads.artifacts.store import write_document
from springtide_workloads.errors import WorkloadError
from springtide_workloads.process.logs import log

TERMINATION_LOG_VARIABLE = "SPRINGTIDE_TERMINATION_LOG"
TERMINATION_LOG = "/dev/termination-log"
MESSAGE_LENGTH = 1024


def exit_code(result: Result) -> int:
    """The gist of a result for those who only see the exit code."""
    if result.status == "Succeeded":
        return 0
    if result.reason == Reason.INTERRUPTED:
        return ExitCode.INTERRUPTED
    return ExitCode.TEMPORARY if result.retryable else ExitCode.USER_ERROR


def failed(failure: WorkloadError, *, start_time: datetime | None = None) -> Result:
    """The result of a task that failed."""
    message = failure.message
    return Result(
        status="Failed",
        reason=failure.reason,
        message=message if len(message) <= MESSAGE_LENGTH else message[: MESSAGE_LENGTH - 1] + "…",
        retryable=failure.retryable,
        start_time=start_time,
        end_time=datetime.now(UTC),
    )


class Ending:
    """Tells the result, once: whoever comes second, the work or a signal, finds it told."""

    def __init__(self, *, result_uri: str | None = None) -> None:
        self.result_uri = result_uri
        self._lock = threading.Lock()

    def tell(self, result: Result) -> int:
        """Writes the result and returns the exit code. Never returns to a second caller: the process ends."""
        self._lock.acquire()  # kept for good
        # A failure that waiting can mend is not the end of the work, and a recovery must not take it for that.
        if self.result_uri is not None and not result.retryable:
            try:
                write_document(self.result_uri, result.encode().encode())
            except WorkloadError as error:
                log.error("the result could not be written", reason=error.reason, message=error.message)
        _write_termination_message(result.encode())
        return exit_code(result)


def end_on_signal(ending: Ending, *, start_time: datetime, cleanup: Callable[[], object]) -> None:
    """From now on SIGTERM and SIGINT end the process at once, whatever it is doing, and the result says so.

    A thread waits for the signals: a Python handler would have to wait until LightGBM or torch return from their
    loops, and as PID 1 of a container the process would not even be ended by SIGTERM. Ending at any moment is safe
    because nothing that is half-written can be read as finished.
    """
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)

    def wait() -> None:
        number = signal.sigwait(signals)
        name = signal.Signals(number).name
        log.warning("stopping", signal=name)
        ending.tell(failed(WorkloadError(Reason.INTERRUPTED, f"stopped by {name}"), start_time=start_time))
        cleanup()
        sys.stderr.flush()
        os._exit(128 + number)

    threading.Thread(target=wait, name="signals", daemon=True).start()


def _write_termination_message(text: str) -> None:
    path = Path(os.environ.get(TERMINATION_LOG_VARIABLE, TERMINATION_LOG))
    if TERMINATION_LOG_VARIABLE not in os.environ and not path.exists():
        return  # not in a pod
    try:
        path.write_text(text)
    except OSError as error:
        log.error("the termination message could not be written", path=str(path), error=str(error))

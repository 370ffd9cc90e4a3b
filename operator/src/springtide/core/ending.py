"""How an attempt ended, and whose failure it was.

The order of the questions matters. A result is believed before anything that the cluster says of the pod: finished
work is finished even if the node died a second later. What the cluster did (eviction, preemption, node loss,
deletion) is asked before the exit code, because a program that is told to stop may end in any way it likes.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import ValidationError

from springtide.api.constants import Reason
from springtide.api.task import ExitCode, Result, decode_result
from springtide.core.workload_state import Pod

# Reasons of the DisruptionTarget condition (KEP-3329) in our words.
_DISRUPTIONS = {
    "PreemptionByScheduler": Reason.PREEMPTED,
    "DeletionByTaintManager": Reason.NODE_LOST,
    "DeletionByPodGC": Reason.NODE_LOST,
    "EvictionByEvictionAPI": Reason.EVICTED,
    "TerminationByKubelet": Reason.EVICTED,
}
# The kubelet evicts a pod that outgrows its own limits in the same way as one that is in the way of others.
_OWN_LIMIT = ("exceeds the limit", "exceeds the total limit", "exceeded its local ephemeral storage limit")


@dataclass(frozen=True)
class Ending:
    """The end of an attempt.

    result: what the container said, where it said something valid.
    failure: whose failure it was; None means that it succeeded.
    """

    failure: Literal["Infrastructure", "User"] | None
    reason: str
    message: str
    result: Result | None = None
    started: datetime | None = None
    ended: datetime | None = None


GONE = Ending("Infrastructure", Reason.POD_DELETED, "the pod was gone before it said how it ended")
"""Of an attempt that vanished without a word."""


def of_pod(pod: Pod, *, failed: Reason) -> Ending | None:
    """How the pod's attempt ended, or None while it has not. failed: said of an exit code that says nothing itself."""
    ended = pod.terminated
    if pod.gone and not pod.has_started:
        return _ending(pod, "Infrastructure", Reason.POD_DELETED, "the pod was deleted before its container ran")
    result, problem = _result(pod)
    if result and result.status == "Succeeded":
        # The kubelet takes another second to say so of the pod as a whole.
        return _ending(pod, None, result.reason, result.message, result)
    if pod.phase not in ("Succeeded", "Failed") and not (ended and pod.deleted):
        return None
    if result and not result.retryable:
        return _ending(pod, "User", result.reason, result.message, result)
    if lost := _lost(pod):
        return lost
    if result:
        return _ending(pod, "Infrastructure", result.reason, result.message, result)
    if not ended:
        return _ending(pod, "Infrastructure", Reason.EVICTED, f"the pod ended before its container ran: {pod.message}")
    if ended.reason == "OOMKilled":
        return _ending(pod, "User", Reason.OUT_OF_MEMORY, _OUT_OF_MEMORY)
    if ended.exit_code == ExitCode.TEMPORARY:
        return _ending(pod, "Infrastructure", Reason.TEMPORARY_FAILURE, "the container asked to be tried again later")
    if ended.exit_code == 0:
        return _ending(pod, "User", Reason.INVALID_RESULT, problem)
    words = f": {ended.message.strip()[-800:]}" if ended.message.strip() else ""
    return _ending(pod, "User", failed, f"the container ended with exit code {ended.exit_code}{words}")


_OUT_OF_MEMORY = (
    "the container needed more memory than spec.resources.limits.memory allows and was killed; raise the limit"
)


def _lost(pod: Pod) -> Ending | None:
    """The ending of a pod that the cluster took away, or None if it did not."""
    if any(words in pod.message for words in _OWN_LIMIT):
        return _ending(pod, "User", Reason.DISK_FULL, f"the pod outgrew its own disk limit: {pod.message}")
    if pod.disruption is not None:
        reason = _DISRUPTIONS.get(pod.disruption, Reason.EVICTED)
        return _ending(pod, "Infrastructure", reason, f"the cluster took the pod away ({pod.disruption})")
    if pod.reason == "NodeLost":
        return _ending(pod, "Infrastructure", Reason.NODE_LOST, "the pod's node was lost")
    if pod.deleted:
        return _ending(pod, "Infrastructure", Reason.POD_DELETED, "the pod was deleted while it ran")
    if pod.reason == "Evicted":
        return _ending(pod, "Infrastructure", Reason.EVICTED, f"the pod was evicted: {pod.message}")
    return None


def _result(pod: Pod) -> tuple[Result | None, str]:
    """The result in the termination message, or None and what is wrong with it."""
    text = pod.terminated.message if pod.terminated else ""
    if not text:
        return None, "the container ended well but wrote no result to its termination message"
    try:
        return decode_result(text), ""
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return None, f"the container's termination message is not a result: {where} {first['msg']}"


def _ending(
    pod: Pod, failure: Literal["Infrastructure", "User"] | None, reason: str, message: str, result: Result | None = None
) -> Ending:
    ended = pod.terminated
    return Ending(
        failure=failure,
        reason=reason,
        message=message,
        result=result,
        started=pod.started,
        ended=ended.finished if ended else None,
    )

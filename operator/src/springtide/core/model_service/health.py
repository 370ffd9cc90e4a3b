"""Why servers of a model cannot serve: in their own words where they had any, in the kubelet's otherwise."""

from dataclasses import dataclass

from pydantic import ValidationError

from springtide.api.constants import Reason
from springtide.api.task import ExitCode, decode_result
from springtide.core.model_service.observed import Server

WORDS_LIMIT = 500


@dataclass(frozen=True)
class Trouble:
    """for_good: the same bytes will fail the same way, so waiting does not help."""

    reason: str
    message: str
    for_good: bool


def trouble(servers: tuple[Server, ...]) -> Trouble | None:
    """What keeps the servers of a model from being ready; what is for good comes first."""
    found = [one for server in servers if not server.ready and (one := _of(server))]
    return next((one for one in found if one.for_good), found[0] if found else None)


def _of(server: Server) -> Trouble | None:
    if server.ended is None:
        return Trouble(Reason.STARTING, f"{server.name}: {server.waiting}", for_good=False) if server.waiting else None
    ended = server.ended
    if ended.reason == "OOMKilled":
        return Trouble(
            Reason.OUT_OF_MEMORY,
            f"{server.name} needed more memory than spec.resources.limits.memory allows",
            for_good=False,
        )
    try:
        result = decode_result(ended.message)
    except ValidationError:
        words = ended.message.strip()[-WORDS_LIMIT:]
        message = f"{server.name} ended with exit code {ended.exit_code}{f': {words}' if words else ''}"
        return Trouble(Reason.LOAD_FAILED, message, for_good=False)
    return Trouble(result.reason, result.message, for_good=ended.exit_code == ExitCode.USER_ERROR)

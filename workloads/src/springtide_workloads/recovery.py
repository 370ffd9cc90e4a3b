"""The operation `Recover`: hand over the result that a vanished pod left in the store."""

from pydantic import ValidationError
from springtide.api.constants import Reason
from springtide.api.task import RecoverTask, Result, decode_result

from springtide_workloads.artifacts.store import read_document
from springtide_workloads.errors import WorkloadError


def recover(task: RecoverTask) -> Result:
    """The result at `resultUri`, unchanged. Raises ResultLost where there is none."""
    text = read_document(task.result_uri)
    if text is None:
        raise WorkloadError(Reason.RESULT_LOST, f"there is no result at {task.result_uri}; it has to be done again")
    try:
        return decode_result(text.decode())
    except (ValidationError, UnicodeDecodeError) as error:
        raise WorkloadError(
            Reason.RESULT_LOST, f"{task.result_uri} holds no result: the work has to be done again"
        ) from error

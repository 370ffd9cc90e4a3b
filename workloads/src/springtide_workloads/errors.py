"""Failures that people are told about: a stable reason, and a sentence that says what, where and what to do."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from springtide.api.constants import Reason

RETRYABLE = frozenset(
    {
        Reason.TRACKING_UNAVAILABLE,
        Reason.STORE_UNAVAILABLE,
        Reason.CHAMPION_NOT_FOUND,
        Reason.RESULT_LOST,
        Reason.INTERRUPTED,
    }
)
"""Reasons that waiting can help; anything else fails the same way again."""

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})
NO_ACCESS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
NO_CREDENTIALS = ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "NoAuthTokenError")


class WorkloadError(Exception):
    """A failure with a reason of its own. Its text becomes the result's message, never a traceback."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message

    def __reduce__(self) -> tuple[type["WorkloadError"], tuple[Reason, str]]:
        """It can be copied from one process to another."""
        return type(self), (self.reason, self.message)

    @property
    def retryable(self) -> bool:
        return self.reason in RETRYABLE


def explain(error: BaseException, *, otherwise: Reason = Reason.TRAINING_FAILED) -> WorkloadError:
    """What to tell people about any exception: its own reason if it has one, or `otherwise` with type and text."""
    if isinstance(error, WorkloadError):
        return error
    if isinstance(error, OSError) and error.errno in NO_SPACE:
        where = f" while writing {error.filename}" if error.filename else ""
        return WorkloadError(
            Reason.DISK_FULL, f"no space left on the disk{where}: make the scratch volume or the artifact volume larger"
        )
    if isinstance(error, MemoryError) or "bad_alloc" in str(error):
        return WorkloadError(
            Reason.OUT_OF_MEMORY, "the process could not get more memory: raise resources.limits.memory"
        )
    return WorkloadError(otherwise, _one_line(error))


@contextmanager
def storage_errors(place: str, *, missing: Reason) -> Iterator[None]:
    """Turns what a filesystem or an object store raises into a `WorkloadError`.

    place: what was being reached, as people know it, such as `the artifact store s3://models`.
    missing: the reason when there is nothing at that place.
    """
    try:
        yield
    except WorkloadError:
        raise
    except Exception as error:
        failure = _storage_failure(error, place=place, missing=missing)
        if failure is None:
            raise
        raise failure from error


def _storage_failure(error: Exception, *, place: str, missing: Reason) -> WorkloadError | None:
    code = error.errno if isinstance(error, OSError) else None
    if code in NO_SPACE:
        return WorkloadError(Reason.DISK_FULL, f"no space left for {place}: make its volume larger")
    if code in NO_ACCESS or isinstance(error, PermissionError):
        return WorkloadError(Reason.ACCESS_DENIED, f"no access to {place}: {_one_line(error)}; check permissions")
    if type(error).__name__ in NO_CREDENTIALS:
        return WorkloadError(
            Reason.ACCESS_DENIED, f"no credentials for {place}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return WorkloadError(missing, f"there is nothing at {place}: {_one_line(error)}")
    if isinstance(error, OSError | TimeoutError) or _comes_from_http(error):
        return WorkloadError(Reason.STORE_UNAVAILABLE, f"{place} could not be reached: {_one_line(error)}")
    return None


def _comes_from_http(error: Exception) -> bool:
    """Whether an HTTP library raised it. Told by name, so that a `file://` store imports none of them."""
    roots = {module.__module__.partition(".")[0] for module in type(error).__mro__}
    return bool(roots & {"botocore", "aiobotocore", "aiohttp", "urllib3", "requests"})


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:600]}" if text else type(error).__name__

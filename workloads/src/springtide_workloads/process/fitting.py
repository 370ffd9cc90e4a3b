"""How a result comes to fit a termination message: by saying ever less."""

from collections.abc import Iterable

from springtide.api.task import RESULT_BYTES, Result


def first_that_fits(results: Iterable[Result]) -> Result:
    """The first of ever shorter results that is short enough; the last must be."""
    return next(one for one in results if one.size <= RESULT_BYTES)


def cut(text: str, size: int) -> str:
    """At most `size` characters."""
    return text if len(text) <= size else f"{text[: max(size - 1, 0)]}…"[:size]

"""A spec that does not parse is told of, not raised."""

from typing import Any, TypeVar

from pydantic import ValidationError

from springtide.api.base import ApiModel

SpecT = TypeVar("SpecT", bound=ApiModel)


def parse(model: type[SpecT], document: Any) -> tuple[SpecT | None, str]:
    """The spec, or None and what is wrong with it."""
    try:
        return model.model_validate(document), ""
    except ValidationError as error:
        first = error.errors()[0]
        return None, f"spec.{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"

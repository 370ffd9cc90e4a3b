"""Pages for people, made from templates: one file each, no script, nothing from elsewhere."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def environment_of(folder: Path, filters: dict[str, Callable[[Any], str]]) -> Environment:
    """Where the templates of a folder are rendered. What they show is escaped, wherever it stands."""
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters
    return environment

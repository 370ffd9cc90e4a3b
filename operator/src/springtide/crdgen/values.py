"""The table of values in the chart's README, from the schema that Helm checks them by and the defaults."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

MARK = "<!-- Generated below from values.schema.json and values.yaml by springtide-crdgen: do not edit. -->\n"


def readme(chart: Path) -> str:
    """The chart's README: what a person wrote above the mark, and below it the table.

    Raises ValueError if the mark is missing, or a value has no description.
    """
    text = (chart / "README.md").read_text()
    written, mark, _ = text.partition(MARK)
    if not mark:
        raise ValueError(f"{chart / 'README.md'} lacks the line that the table of values goes below: {MARK}")
    schema = json.loads((chart / "values.schema.json").read_text())
    values = yaml.safe_load((chart / "values.yaml").read_text())
    rows = (
        f"| `{path}` | `{json.dumps(default)}` | {what} |" for path, default, what in _rows(schema, values, prefix="")
    )
    return "\n".join([written + MARK, "| Value | Default | What it is |", "|---|---|---|", *rows]) + "\n"


def _rows(schema: dict[str, Any], values: dict[str, Any], *, prefix: str) -> Iterator[tuple[str, Any, str]]:
    for name, default in values.items():
        path = f"{prefix}{name}"
        field = schema["properties"].get(name, {})
        if not field.get("description"):
            raise ValueError(f"values.schema.json has no description of {path}")
        if field.get("properties"):
            yield from _rows(field, default, prefix=f"{path}.")
        else:
            yield path, default, field["description"].replace("|", "\\|")

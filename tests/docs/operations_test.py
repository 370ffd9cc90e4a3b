"""The documentation answers for what the product says."""

from pathlib import Path

import pytest
from springtide.api.constants import ConditionType, Reason

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_explained_in_the_operations_page(reason: Reason) -> None:
    assert f"| `{reason}` |" in (DOCS / "operations.md").read_text()


@pytest.mark.parametrize("condition", ConditionType)
def test_every_condition_is_explained_in_the_page_of_the_kind(condition: ConditionType) -> None:
    assert f"`{condition}`" in (DOCS / "training-run.md").read_text()

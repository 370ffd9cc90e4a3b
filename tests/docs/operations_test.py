"""The documentation answers for what the product says."""

import re
from pathlib import Path

import pytest
from springtide.api.constants import ConditionType, Reason

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("training-run.md", "dataset.md", "model-service.md", "drift-monitor.md", "retrain-policy.md", "retrain-run.md")


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_explained_in_the_operations_page(reason: Reason) -> None:
    assert f"| `{reason}` |" in (DOCS / "operations.md").read_text()


@pytest.mark.parametrize("condition", ConditionType)
def test_every_condition_is_explained_in_the_page_of_a_kind(condition: ConditionType) -> None:
    assert any(f"`{condition}`" in (DOCS / page).read_text() for page in PAGES)


@pytest.mark.parametrize("page", sorted((DOCS.parent).glob("*.md")) + sorted(DOCS.rglob("*.md")), ids=str)
def test_links_to_files_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"`[^`]*`", "", page.read_text())
    targets = re.findall(r"\]\((?!https?:)([^)#\s]+)", prose)
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing

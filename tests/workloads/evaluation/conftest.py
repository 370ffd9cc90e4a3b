"""One table and two models for all evaluations: to train them again for each test would tell nothing more."""

import pytest
from springtide.api.retrain_policy import ModelFiles

from tests.workloads.builders import Place, a_table, write
from tests.workloads.evaluation.builders import a_model, without


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory, tracking_uri: str) -> Place:
    """Where both models are. Tests read it, and publish evidence."""
    return Place(root=tmp_path_factory.mktemp("market"), tracking_uri=tracking_uri)


@pytest.fixture
def place(market: Place) -> Place:
    return market


@pytest.fixture(scope="session")
def loans(market: Place) -> str:
    return write(a_table(4_000), market.root / "loans")


@pytest.fixture(scope="session")
def challenger(loans: str, market: Place) -> ModelFiles:
    return a_model(market, loans, market.root)


@pytest.fixture(scope="session")
def champion(loans: str, market: Place) -> ModelFiles:
    """It does not know the grade, which matters."""
    return a_model(market, loans, market.root, features=without("grade"))

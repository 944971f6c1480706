"""Who works at the desk."""

import pytest

from tests.billing.stripe_desk import Desk
from tests.cast import Customer
from tests.generations.desk.operators import operator


@pytest.fixture
def olga(db: None) -> Customer:
    """She may do everything."""
    return operator()


@pytest.fixture
def otto(db: None) -> Customer:
    """He may do everything too."""
    return operator("otto")


@pytest.fixture
def desk(sandbox: str) -> Desk:
    """Stripe, as the sandbox plays it."""
    return Desk(sandbox)

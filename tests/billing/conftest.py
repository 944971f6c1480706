"""What the tests of buying credit ask for."""

import pytest

from tests.billing.stripe_desk import Desk


@pytest.fixture
def desk(sandbox: str) -> Desk:
    """Stripe, as the sandbox plays it."""
    return Desk(sandbox)

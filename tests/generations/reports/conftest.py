"""A made-up past, and who looks at it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from generations.reports import seeding
from tests.cast import Customer
from tests.generations.desk.operators import operator

JOBS = 400


@pytest.fixture
def past(db: None) -> None:
    """Some hundred jobs of a few accounts, over the last eighty days."""
    seeding.seed(JOBS, 8, 80)


@pytest.fixture
def olga(db: None) -> Customer:
    """She may do everything."""
    return operator()


@pytest.fixture
def yesterday() -> str:
    """The day before today, as an address says it."""
    return (timezone.now() - timedelta(days=1)).date().isoformat()

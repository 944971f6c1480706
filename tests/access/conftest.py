"""Alice owns one of everything; Charlie is signed in, has credit, and is a stranger to her."""

import pytest

from tests.access.possessions import Things, things_of
from tests.cast import Customer


@pytest.fixture
def hers(alice: Customer, sandbox: str) -> Things:
    """Alice's things, with the sandbox in place of the two outside services."""
    return things_of(alice)

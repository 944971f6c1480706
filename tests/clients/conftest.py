"""One running site for all clients, whose upstream takes no time; each test has its own machine.

Each module is of the group "clients", so that one process runs them all and one site serves them.
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import house
from tests.clients.program import Customer
from tests.pictures import draw


@pytest.fixture(scope="package")
def site() -> Iterator[house.House]:
    """The site as `make run` starts it."""
    # Not pytest's own folder: that is closed to the user that PostgreSQL runs as under root.
    with (
        tempfile.TemporaryDirectory() as folder,
        house.running(Path(folder), SANDBOX_JOB_SECONDS="0") as site,
    ):
        yield site


@pytest.fixture(scope="package")
def dora(site: house.House) -> Customer:
    """She has $100."""
    return _customer(site, "dora", "100")


@pytest.fixture(scope="package")
def emil(site: house.House) -> Customer:
    """He has nothing."""
    return _customer(site, "emil", "0")


@pytest.fixture
def stranger(site: house.House) -> Customer:
    """He made his key up."""
    return Customer(site.url, "gal_live_" + "0" * 40)


def _customer(site: house.House, name: str, dollars: str) -> Customer:
    opened = site.manage("open_account", f"{name}@example.org", "--credit", dollars)
    return Customer(site.url, json.loads(opened)["api_key"])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home folder."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def picture(home: Path) -> Path:
    """A JPEG in it."""
    path = home / "my horse.jpg"
    path.write_bytes(draw())
    return path


@pytest.fixture
def image(site: house.House) -> str:
    """The address of a picture that nobody need upload."""
    return f"{site.url}/static/samples/horse.jpg"

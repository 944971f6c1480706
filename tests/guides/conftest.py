"""One running site whose guides are read, and a machine on which their samples are run.

Each module is of the group "guides", so that one process runs them all and one site serves them.
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import house
from tests.guides.samples import Machine
from tests.pictures import draw
from tests.ports import free_port

# What the website does behind its switch and its form.
ISSUE = """
from accounts import keys, opening, twins
from accounts.models import User

reader = User.objects.get(email="reader@example.org")
print(keys.issue(twins.twin_of(opening.account_of(reader)), reader, "guides")[1])
"""


@pytest.fixture(scope="package")
def receiver_port() -> int:
    """Where the samples' receiver listens."""
    return free_port()


@pytest.fixture(scope="package")
def site(receiver_port: int) -> Iterator[house.House]:
    """The site as `make run` starts it; it may call the receiver on this machine."""
    # Not pytest's own folder: that is closed to the user that PostgreSQL runs as under root.
    with (
        tempfile.TemporaryDirectory() as folder,
        house.running(
            Path(folder),
            SANDBOX_JOB_SECONDS="0",
            PRIVATE_HOSTS_ALLOWED=f"127.0.0.1:{receiver_port}",
        ) as site,
    ):
        yield site


@pytest.fixture(scope="package")
def key(site: house.House) -> str:
    """The key of a reader with $100."""
    opened = site.manage("open_account", "reader@example.org", "--credit", "100")
    return str(json.loads(opened)["api_key"])


@pytest.fixture(scope="package")
def trying_key(site: house.House, key: str) -> str:
    """A key of the same reader in test mode."""
    del key
    return site.manage("shell", "--verbosity", "0", "--command", ISSUE).split()[-1]


@pytest.fixture
def machine(site: house.House, key: str, tmp_path: Path) -> Machine:
    """A reader's machine: a picture, a key, our address, and nothing else."""
    (tmp_path / "horse.jpg").write_bytes(draw())
    return Machine(site.url, key, tmp_path)

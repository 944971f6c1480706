"""`/healthz`: the process answers. `/readyz`: so does all it needs, or what is missing is named."""

from pathlib import Path
from typing import Any, NoReturn

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django_q.brokers import get_broker
from django_q.signing import SignedPackage
from django_q.status import Stat
from pytest_django import Settings

SIGN_OF_LIFE_SECONDS = 3

pytestmark = pytest.mark.django_db


@pytest.fixture
def worker() -> None:
    """A worker that gave a sign of life just now, as django-q's cluster does."""
    status = SignedPackage.dumps({"cluster_id": "tests"}, True)
    get_broker().set_stat(Stat.get_key("tests"), status, SIGN_OF_LIFE_SECONDS)


def broken(*_: Any) -> NoReturn:
    raise OperationalError("the server closed the connection unexpectedly")


def ask(path: str) -> tuple[int, str]:
    answer = Client().get(path)
    return answer.status_code, answer.json()["status"]


def test_a_process_that_runs_is_healthy() -> None:
    assert ask("/healthz") == (200, "ok")


def test_a_process_is_healthy_without_its_database() -> None:
    with connection.execute_wrapper(broken):
        assert ask("/healthz") == (200, "ok")


@pytest.mark.usefixtures("worker")
def test_with_database_storage_and_a_worker_the_site_is_ready() -> None:
    assert ask("/readyz") == (200, "ok")


@pytest.mark.usefixtures("worker")
def test_asking_leaves_nothing_in_the_storage(settings: Settings) -> None:
    ask("/readyz")
    assert list(Path(settings.MEDIA_ROOT).iterdir()) == []


def test_without_a_worker_the_site_is_not_ready() -> None:
    assert ask("/readyz") == (503, "missing: worker")


@pytest.mark.usefixtures("worker")
def test_without_its_database_the_site_is_not_ready() -> None:
    with connection.execute_wrapper(broken):
        assert ask("/readyz") == (503, "missing: database")


@pytest.mark.usefixtures("worker")
def test_with_a_storage_that_takes_nothing_the_site_is_not_ready(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    settings.MEDIA_ROOT = tmp_path / "file" / "media"
    assert ask("/readyz") == (503, "missing: storage")


def test_everything_that_is_missing_is_named(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings.MEDIA_ROOT = tmp_path / "file" / "media"
    assert ask("/readyz") == (503, "missing: worker, storage")

"""Every request has a name: in the answer's header, in an error's body, and in the log."""

import io
import logging
import re
from collections.abc import Iterator

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from pytest_django import Settings

from config import request_id, visitors
from tests.cast import Customer

PROXY = "203.0.113.7"
GIVEN = "edge-42.abcdef"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the site's own handler writes, line by line."""
    handler = next(one for one in logging.getLogger().handlers if one.filters)
    assert isinstance(handler, logging.StreamHandler)
    written = io.StringIO()
    before = handler.setStream(written)
    yield written
    handler.setStream(before or handler.stream)


@pytest.mark.parametrize("path", ["/healthz", "/api/v3/balance", "/nothing", "/api/nothing"])
@pytest.mark.django_db
def test_every_answer_carries_a_name_of_its_own(path: str) -> None:
    names = [Client().get(path)["X-Request-Id"] for _ in range(2)]
    assert all(re.fullmatch(r"[0-9a-f]{32}", name) for name in names)
    assert names[0] != names[1]


@pytest.mark.parametrize("path", ["/api/v3/balance", "/api/nothing"])
@pytest.mark.django_db
def test_an_error_names_the_request_in_its_body(path: str) -> None:
    answer = Client().get(path)
    assert answer.json()["data"] == {"request_id": answer["X-Request-Id"]}


def test_figures_stand_beside_the_name(bob: Customer) -> None:
    answer = bob.post(
        "/api/v3/alibaba/happyhorse-1.1/image-to-video", {"image": "https://p.test/a.jpg"}
    )
    assert answer.status_code == 402
    assert answer.json()["data"]["missing"] == 0.7
    assert answer.json()["data"]["request_id"] == answer["X-Request-Id"]


@pytest.mark.django_db
def test_a_visitor_cannot_choose_the_name() -> None:
    answer = Client().get("/healthz", headers={"X-Request-Id": GIVEN})
    assert answer["X-Request-Id"] != GIVEN


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (GIVEN, True),
        ("short", False),
        ("x" * 65, False),
        ("with space 123", False),
        ("line\nbreak-1234", False),
        ("ünïcödë-1234", False),
        ("", False),
    ],
)
def test_our_own_proxy_may_choose_a_plain_name(given: str, kept: bool, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = visitors.networks([PROXY])
    answer = Client(REMOTE_ADDR=PROXY).get("/healthz", headers={"X-Request-Id": given})
    assert (answer["X-Request-Id"] == given) == kept


@pytest.mark.django_db
def test_the_log_line_of_an_error_carries_the_name(log: io.StringIO) -> None:
    answer = Client().get("/api/nothing")
    assert f"[{answer['X-Request-Id']}]: Not Found: /api/nothing" in log.getvalue()


def test_what_is_logged_while_a_request_is_answered_carries_its_name(log: io.StringIO) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        logging.getLogger("gallop.tests").warning("from inside")
        return HttpResponse(request_id.current())

    answer = request_id.RequestIdMiddleware(view)(HttpRequest())

    name = answer.content.decode()
    assert answer["X-Request-Id"] == name
    assert f"[{name}]: from inside" in log.getvalue()


def test_outside_of_a_request_there_is_none(log: io.StringIO) -> None:
    logging.getLogger("gallop.tests").warning("from the driver")
    assert request_id.current() == "-"
    assert "[-]: from the driver" in log.getvalue()


def test_a_request_that_broke_leaves_no_name_behind() -> None:
    def broken(request: HttpRequest) -> HttpResponse:
        raise RuntimeError("boom")

    with pytest.raises(RuntimeError):
        request_id.RequestIdMiddleware(broken)(HttpRequest())
    assert request_id.current() == "-"

"""What is logged: one line a record with request id, account and job; no secret, key or prompt."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from contextvars import Context
from typing import Any

import environ
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client
from pytest_django import Settings

from config import log_context, logs, redaction, request_id
from config.redaction import redacted
from generations import images
from generations.models import Generation
from tests.cast import Customer
from tests.generations import stage

PROMPT = "a violet walrus that nobody may read about"


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Everything that is logged from here on, at every level, as a public site writes it."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logs.Json())
    handler.addFilter(request_id.RequestIdFilter())
    handler.addFilter(log_context.ContextFilter())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("key gal_live_Abc123-xyz_987 was used", "Abc123"),
        ("key gal_test_Abc123-xyz_987 was used", "Abc123"),
        ("with sk_live_51Habcdefghij", "51Habc"),
        ("signed by whsec_MfKQ9r8GKYqr", "MfKQ9"),
        ("Authorization: Bearer 0123456789abcdef", "0123456789"),
        ("GET https://b.example/x.mp4?X-Amz-Signature=abcdef&a=1", "abcdef"),
        ("GET /films/1/video.mp4?signature=qwertyui", "qwertyui"),
        ("Not Found: /uploads/0123456789ab-mark/disc.jpg", "0123456789ab"),
        ("Not Found: /billing/top-up/confirm/MTIzNDU2Nzg5", "MTIzNDU2"),
        ("Not Found: /account/invitation/MTIzNDU2Nzg5", "MTIzNDU2"),
        ("Not Found: /account/password/reset/key/4-d3adb33f-1a2b3c/", "d3adb33f"),
        ("postgres://gallop:hunter22@db.example/gallop", "hunter22"),
        ("mail to walter.white@example.org failed", "walter"),
        ("DETAIL:  Failing row contains (1, a (sad) walrus, 2).", "walrus"),
        ("DETAIL:  Key (email)=(walter@x) already exists.", "walter"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in redacted(text)
    assert redaction.HIDDEN in redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        "The job is completed.",
        "WaveSpeed did not answer: ReadTimeout('')",
        "Not Found: /api/v3/nothing",
        "14 jobs stay in doubt: HTTP 504: keys and tokens of speech",
    ],
)
def test_innocent_words_stay_as_they_are(text: str) -> None:
    assert redacted(text) == text


def test_the_secrets_of_the_settings_are_hidden_wherever_they_stand(settings: Settings) -> None:
    assert settings.SECRET_KEY not in redacted(f"<{settings.SECRET_KEY}>")


def test_a_refused_row_is_logged_without_its_prompt(
    alice: Customer, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    job = stage.words_job(alice, PROMPT)
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        Generation.objects.filter(pk=job.pk).update(price_micros=0)
    assert "violet" in str(caught.value), "PostgreSQL quotes the row"
    logging.getLogger("gallop.tests").error("It broke.", exc_info=caught.value)
    last = lines()[-1]
    assert "violet" not in json.dumps(last)
    assert "generation_price_positive" in last["exception"]


def test_a_job_can_be_followed_from_the_request_to_its_end_and_nobody_reads_its_prompt(
    alice: Customer,
    settle: Callable[[], None],
    settings: Settings,
    lines: Callable[[], list[dict[str, Any]]],
) -> None:
    settings.MIDDLEWARE = [
        settings.MIDDLEWARE[0],
        "config.access_log.AccessLogMiddleware",
        *settings.MIDDLEWARE[1:],
    ]
    picture = stage.upload(alice)
    answer = alice.post(stage.MODEL, stage.body(picture, prompt=PROMPT))
    assert answer.status_code == 200
    settle()

    job, account = Generation.objects.get().pk.hex, str(alice.account.pk)
    asked = next(line for line in lines() if line["message"] == "Answered.")
    assert asked["request_id"] == answer["X-Request-Id"]
    assert (asked["job"], asked["account"]) == (job, account)
    assert (asked["method"], asked["route"], asked["status"]) == (
        "POST",
        "/api/v3/<path:model>",
        "200",
    )
    ended = next(line for line in lines() if line["message"] == "The job is completed.")
    assert (ended["job"], ended["account"]) == (job, account)

    ours = "\n".join(json.dumps(line) for line in lines() if _is_kept(line))
    for hidden in (PROMPT, alice.secret, images.token(picture), settings.SECRET_KEY):
        assert hidden not in ours


def _is_kept(line: dict[str, Any]) -> bool:
    """Tell whether a site writes the record: from INFO on, and what its settings let through."""
    logger = logging.getLogger(line["logger"])
    level = logging.getLevelNamesMapping()[line["level"]]
    return level >= max(logging.INFO, logger.level)


def test_what_one_request_bound_is_forgotten_before_the_next(
    lines: Callable[[], list[dict[str, Any]]],
) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        log_context.bind(account="a-1")
        logging.getLogger("gallop.tests").info("inside")
        return HttpResponse()

    def story() -> None:
        request_id.RequestIdMiddleware(view)(HttpRequest())
        logging.getLogger("gallop.tests").info("outside")

    # With nothing bound before, whatever tests ran in this process.
    Context().run(story)
    inside, outside = (line for line in lines() if line["logger"] == "gallop.tests")
    assert inside["account"] == "a-1"
    assert "account" not in outside


@pytest.mark.django_db
def test_machines_that_ask_all_day_are_not_logged(
    settings: Settings, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    settings.MIDDLEWARE = ["config.access_log.AccessLogMiddleware", *settings.MIDDLEWARE]
    for path in ("/healthz", "/metrics", "/nothing/0123456789"):
        Client().get(path)
    routes = [line["route"] for line in lines() if line["message"] == "Answered."]
    assert routes == ["(no route)"]


def test_a_line_for_people_says_what_it_is_about() -> None:
    record = logging.LogRecord("gallop", logging.INFO, "", 1, "The job is %s.", ("ready",), None)
    record.request_id, record.facts = "r-1", {"job": "j-1"}
    line = logs.Line("{levelname} [{request_id}]: {message}", style="{").format(record)
    assert line == "INFO [r-1]: The job is ready. (job=j-1)"


def test_a_visitor_cannot_write_lines_of_his_own(
    lines: Callable[[], list[dict[str, Any]]],
) -> None:
    Client().get("/api/a%0a%0d2026-01-01 INFO forged")
    mine = [line for line in lines() if line["logger"] == "django.request"]
    assert len(mine) == 1
    assert "\n" not in mine[0]["message"]


def test_a_form_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_FORMAT", "xml")
    with pytest.raises(ImproperlyConfigured, match="LOG_FORMAT is line or json, not 'xml'"):
        logs.configure(environ.Env(), local=True)


@pytest.mark.parametrize(("local", "form"), [(True, "line"), (False, "json")])
def test_a_public_site_writes_for_machines(local: bool, form: str) -> None:
    configured = logs.configure(environ.Env(), local=local)
    assert configured["handlers"]["console"]["formatter"] == form
